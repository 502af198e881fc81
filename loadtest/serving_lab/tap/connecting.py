"""Connections to services from the event loop."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from serving_lab.api.endpoint import Endpoint

CONNECT_SECONDS = 5.0

P = TypeVar("P", bound=asyncio.Protocol)


@dataclass(frozen=True)
class Connector:
    """Makes connections that come from one address; None: whichever the system chooses."""

    source: str | None = None

    async def connect(self, endpoint: Endpoint, protocol: Callable[[], P]) -> P:
        """A connection to a service.

        Raises:
            OSError: there is none, or not in time.
        """
        context = ssl.create_default_context() if endpoint.scheme == "https" else None
        local = (self.source, 0) if self.source else None
        async with asyncio.timeout(CONNECT_SECONDS):
            _, made = await asyncio.get_running_loop().create_connection(
                protocol, endpoint.hostname, endpoint.port, ssl=context, local_addr=local
            )
        return made
