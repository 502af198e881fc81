"""gunicorn's worker that runs an ASGI application on uvicorn's event loop.

When it ends and others have taken over, it passes idle connections on to them.
"""

import asyncio
import socket
import sys
from typing import Any

from gunicorn.arbiter import Arbiter
from uvicorn.config import Config
from uvicorn.server import Server
from uvicorn_worker import UvicornWorker

from serving_core.service import Service
from serving_core.uvicorn_protocol import HttpProtocol

_SWEEP_SECONDS = 0.05


class Worker(UvicornWorker):  # type: ignore[misc] # ships no types
    """A worker whose server knows what the service's other workers do."""

    async def _serve(self) -> None:
        """Serve until told to stop; as in uvicorn's worker, but for the server."""
        self.config.app = self.wsgi
        server = _Server(self.config, self.app.service)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)


class _Server(Server):
    """Takes connections from workers that end, and passes its own on when it ends itself and others go on."""

    def __init__(self, config: Config, service: Service) -> None:
        super().__init__(config)
        self._service = service
        self._connecting: set[asyncio.Task[Any]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept from now on."""
        await super().startup(sockets)
        asyncio.get_running_loop().add_reader(self._service.handover.fileno(), self._accept)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nothing more, answer what has begun, and end."""
        self._accept_no_more()
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        if self._connecting:
            await asyncio.wait(self._connecting)
        told: set[Any] = set()
        while self.server_state.connections and self._service.lifecycle.is_replaced:
            for connection in list(self.server_state.connections):
                if isinstance(connection, HttpProtocol):
                    self._pass_on(connection)
                elif connection not in told:
                    told.add(connection)
                    connection.shutdown()
            if self.config.callback_notify:
                await self.config.callback_notify()
            await asyncio.sleep(_SWEEP_SECONDS)
        await super().shutdown()

    def _accept_no_more(self) -> None:
        asyncio.get_running_loop().remove_reader(self._service.handover.fileno())

    def _accept(self) -> None:
        """Take over a connection; its client notices nothing."""
        if self._service.lifecycle.is_draining:  # leave it to those that stay
            self._accept_no_more()
            return
        try:
            connection, _ = self._service.handover.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        task = asyncio.get_running_loop().create_task(self._connect(connection))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg] # as uvicorn does
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    def _pass_on(self, connection: HttpProtocol) -> None:
        """Pass a connection on if it is between two requests; else its answer will close it, or it is idle later."""
        if not connection.is_idle():
            return
        ends: socket.socket = connection.transport.get_extra_info("socket")
        if self._service.handover.give(ends.fileno()):
            connection.transport.close()
