"""uvicorn's protocol, as services have it, on a transport that a client closes at the worst moment."""

import asyncio
import logging

import pytest
from serving_core.uvicorn_protocol import HttpProtocol
from uvicorn import Config
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope
from uvicorn.server import ServerState


class Closed(asyncio.Transport):
    """As one of uvloop after a reset by the client: it refuses to write, and its protocol does not know yet."""

    def get_extra_info(self, _: str, default: object = None) -> object:
        return default

    def is_closing(self) -> bool:
        return True

    def write(self, data: object) -> None:
        raise RuntimeError(f"the handler is closed: {data!r}")


async def _answer(_: Scope, __: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [], "trailers": False})
    await send({"type": "http.response.body", "body": b"{}", "more_body": False})


def test_an_answer_to_a_client_that_is_gone_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def converse() -> int:
        config, state = Config(_answer, log_config=None), ServerState()
        config.load()
        protocol = HttpProtocol(config, state, {})
        protocol.connection_made(Closed())
        protocol.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        answering = list(state.tasks)
        await asyncio.gather(*answering)
        return len(answering)

    assert asyncio.run(converse()) == 1
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
