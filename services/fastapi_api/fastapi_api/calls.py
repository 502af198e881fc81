"""Calls from endpoints, which all run on the one event loop of their worker, into the service."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from serving_core.service import Service
from starlette.concurrency import run_in_threadpool

P = ParamSpec("P")
T = TypeVar("T")


async def call(service: Service, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function that uses the store: `check_rate`, `predict`, `cache.stats` or `cache.clear`.

    If the store is a server, the call waits for it, so it runs on a thread. Otherwise it runs here: changing to a
    thread and back takes longer than a prediction.
    """
    if service.store_is_remote:
        return await run_in_threadpool(function, *args, **kwargs)
    return function(*args, **kwargs)
