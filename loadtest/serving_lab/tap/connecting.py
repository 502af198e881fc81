"""Connections to services from the event loop."""

import asyncio
import ssl
from collections.abc import Callable
from typing import TypeVar

from serving_lab.api.endpoint import Endpoint

CONNECT_SECONDS = 5.0

P = TypeVar("P", bound=asyncio.Protocol)


async def connect(endpoint: Endpoint, protocol: Callable[[], P]) -> P:
    """A connection to a service.

    Raises:
        OSError: there is none, or not in time.
    """
    context = ssl.create_default_context() if endpoint.scheme == "https" else None
    async with asyncio.timeout(CONNECT_SECONDS):
        _, made = await asyncio.get_running_loop().create_connection(
            protocol, endpoint.hostname, endpoint.port, ssl=context
        )
    return made
