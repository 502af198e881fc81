"""uvicorn's protocol, as services have it: in how many pieces it answers, also to a client that is gone."""

import asyncio
import logging
from collections.abc import Callable, Coroutine

import pytest
from serving_core.uvicorn_protocol import HttpProtocol
from uvicorn import Config
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope
from uvicorn.server import ServerState

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
App = Callable[[Scope, ASGIReceiveCallable, ASGISendCallable], Coroutine[None, None, None]]


class Open(asyncio.Transport):
    """Keeps what is written, piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self.closed = False

    def get_extra_info(self, _: str, default: object = None) -> object:
        return default

    def is_closing(self) -> bool:
        return self.closed

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.pieces.append(bytes(data))

    def close(self) -> None:
        self.closed = True


class Closed(Open):
    """As one of uvloop after a reset by the client: it refuses to write, and its protocol does not know yet."""

    def is_closing(self) -> bool:
        return True

    def write(self, data: object) -> None:
        raise RuntimeError(f"the handler is closed: {data!r}")


async def _answer(_: Scope, __: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    await _start(send)
    await send({"type": "http.response.body", "body": b"{}", "more_body": False})


async def _start(send: ASGISendCallable) -> None:
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": False})


def converse(app: App, transport: Open, *received: bytes) -> int:
    """Send data on one connection, each time once the application has ended or waits; return how often it ran."""

    async def all_of_them() -> int:
        config, state = Config(app, log_config=None), ServerState()
        config.load()
        protocol = HttpProtocol(config, state, {})
        protocol.connection_made(transport)
        tasks: set[asyncio.Task[None]] = set()
        for data in received:
            protocol.data_received(data)
            tasks |= state.tasks
            await asyncio.wait(tasks, timeout=0.1)
        await asyncio.gather(*tasks)
        return len(tasks)

    return asyncio.run(all_of_them())


def request(method: str = "GET", *headers: str) -> bytes:
    return "\r\n".join((f"{method} / HTTP/1.1", "Host: a", *headers, "", "")).encode()


def test_an_answer_leaves_in_one_piece() -> None:
    transport = Open()

    assert converse(_answer, transport, request(), request()) == 2

    assert transport.pieces == [HEAD + b"{}"] * 2


@pytest.mark.parametrize("last", [(), ("Connection: close",)])
def test_an_answer_without_a_body_leaves_at_once(last: tuple[str, ...]) -> None:
    transport = Open()

    converse(_answer, transport, request("HEAD", *last))

    assert [piece.replace(b"connection: close\r\n", b"") for piece in transport.pieces] == [HEAD]
    assert transport.closed == bool(last)


def test_an_answer_leaves_when_the_application_has_done_what_comes_after_it() -> None:
    left: list[list[bytes]] = []
    transport = Open()

    async def count(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await _answer(scope, receive, send)
        left.append(list(transport.pieces))

    converse(count, transport, request())

    assert left == [[]]
    assert transport.pieces == [HEAD + b"{}"]


def test_what_is_written_leaves_when_the_application_waits() -> None:
    left: list[list[bytes]] = []
    transport = Open()

    async def stream(_: Scope, __: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await _start(send)
        for part, more in ((b"{", True), (b"}", True), (b"", False)):
            await send({"type": "http.response.body", "body": part, "more_body": more})
            await asyncio.sleep(0)
            left.append(list(transport.pieces))

    converse(stream, transport, request())

    assert left == [[HEAD + b"{"], [HEAD + b"{", b"}"], [HEAD + b"{", b"}"]]


def test_a_long_answer_is_not_held() -> None:
    held: list[int] = []
    transport = Open()

    async def stream(_: Scope, __: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [], "trailers": False})
        for sent in range(1, 11):
            await send({"type": "http.response.body", "body": bytes(50_000), "more_body": True})
            held.append(50_000 * sent - b"".join(transport.pieces).count(0))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    converse(stream, transport, request())

    assert max(held) == 50_000
    assert b"".join(transport.pieces).count(0) == 500_000


def test_who_waits_to_continue_is_told_before_the_answer() -> None:
    transport = Open()

    async def read(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        assert (await receive()).get("body") == b"1"
        await _answer(scope, receive, send)

    converse(read, transport, request("POST", "Content-Length: 1", "Expect: 100-continue"), b"1")

    assert transport.pieces == [b"HTTP/1.1 100 Continue\r\n\r\n", HEAD + b"{}"]


def test_an_answer_that_breaks_off_before_its_body_is_its_head(caplog: pytest.LogCaptureFixture) -> None:
    transport = Open()

    async def fail(_: Scope, __: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await _start(send)
        raise ValueError("planted")

    converse(fail, transport, request())

    assert b"".join(transport.pieces) == HEAD
    assert transport.closed
    assert "planted" in caplog.text


def test_an_answer_to_a_client_that_is_gone_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    assert converse(_answer, Closed(), request()) == 1

    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
