"""uvicorn's protocols, adapted to the contract's rules for WebSockets."""

import asyncio
import logging
from typing import Any

from serving_core import uvicorn_protocol
from serving_core.runtime.metrics import WEBSOCKET
from uvicorn._types import ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import CloseCode

_PATH = WEBSOCKET.encode()
# How long a client may take to answer a close frame or to read what was sent before.
_CLOSE_SECONDS = 5.0
_BAD_HANDSHAKE = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

# uvicorn and websockets log every connection with its query string, which may contain a secret.
_logger = logging.getLogger("uvicorn.error.websocket")
_logger.setLevel(logging.WARNING)


class HttpProtocol(uvicorn_protocol.HttpProtocol):
    """Upgrades to WebSocket at one path only."""

    def _should_upgrade_to_ws(self) -> bool:
        return self.url.partition(b"?")[0] == _PATH and self.parser.get_method() == b"GET"


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Lets the application close connections when the worker stops, and lets the client read the close frame."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.close_timeout = _CLOSE_SECONDS
        self.logger = _logger
        self.conn.logger = _logger

    def data_received(self, data: bytes) -> None:
        """Refuse a handshake that cannot be parsed; the HTTP protocol passes it on in one piece."""
        super().data_received(data)
        if not self.handshake_initiated:
            self.transport.write(b"".join(self.conn.data_to_send()) or _BAD_HANDSHAKE)
            self.transport.close()

    def shutdown(self) -> None:
        """Queue a disconnect after the messages that have arrived: the application answers them, then closes.

        uvicorn would close immediately, with 1012.
        """
        if self.close_sent:
            super().shutdown()
            return
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": CloseCode.GOING_AWAY})

    def send_receive_event_to_app(self) -> None:
        """Fail a connection whose text is not UTF-8 (RFC 6455, 8.1); uvicorn would log a traceback."""
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.conn.fail(CloseCode.INVALID_DATA, "Not UTF-8")
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        """Send the reason, then discard what arrives: if unread data is left, the kernel resets the connection."""
        if self.close_sent:
            return
        self.close_sent = True
        self.stop_keepalive()
        assert self.conn.close_sent  # noqa: S101 - the parser has failed and created a close frame
        self.queue.put_nowait(
            {
                "type": "websocket.disconnect",
                "code": self.conn.close_sent.code,
                "reason": self.conn.close_sent.reason,
            }
        )
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.write_eof()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)

    async def send(self, message: ASGISendEvent) -> None:
        """Send, unless the connection is closing; uvicorn would report this as an error of the application."""
        await self.writable.wait()
        if self.close_sent:
            raise ClientDisconnected
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # otherwise uvicorn reports a missing response

    async def run_asgi(self) -> None:
        """Do not wait for a client that neither reads nor closes."""
        await super().run_asgi()
        self.loop.call_later(self.close_timeout, self.transport.abort)
