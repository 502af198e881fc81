"""Calls into the service from handlers, which share one thread with every other request of their worker."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from litestar.concurrency import sync_to_thread
from serving_core.service import Service

P = ParamSpec("P")
T = TypeVar("T")


async def call(service: Service, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call what reads the cache or counts against a limit: `check_rate`, `predict`, `cache.stats`, `cache.clear`.

    On a thread where a Redis server keeps them, because the call then waits for it. Otherwise here, because a change
    of threads takes longer than a prediction.
    """
    if service.store_is_remote:
        return await sync_to_thread(function, *args, **kwargs)
    return function(*args, **kwargs)
