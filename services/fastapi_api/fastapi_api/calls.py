"""Calls into the service from endpoints, which share one thread with every other request of their worker."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from serving_core.service import Service
from starlette.concurrency import run_in_threadpool

P = ParamSpec("P")
T = TypeVar("T")


async def call(service: Service, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call what looks into the cache or counts against a limit: `check_rate`, `predict`, `cache.stats`, `cache.clear`.

    On a thread where a server keeps them, because the call then waits for it; else right here, because going to a
    thread and back takes longer than a prediction.
    """
    if service.store_is_remote:
        return await run_in_threadpool(function, *args, **kwargs)
    return function(*args, **kwargs)
