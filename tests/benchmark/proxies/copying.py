"""A proxy that copies bytes between two sockets and looks at nothing: what uvloop costs without a tap."""

import asyncio
import sys
from typing import cast

import uvloop


class _Side(asyncio.Protocol):
    def __init__(self, port: int = 0, other: "asyncio.Transport | None" = None) -> None:
        self._port = port
        self._other = other
        self._early = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._own = cast("asyncio.Transport", transport)
        if self._port:
            self._task = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: _Side(other=self._own), "127.0.0.1", self._port)
        transport.write(self._early)
        self._other = transport

    def data_received(self, data: bytes) -> None:
        if self._other is None:
            self._early += data
        else:
            self._other.write(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's own signature
        if self._other is not None:
            self._other.close()


async def _serve(listen: int, port: int) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Side(port), "127.0.0.1", listen)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
