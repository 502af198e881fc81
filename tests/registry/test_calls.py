"""Every call of the registry ends, in bounds of time and of bytes, and says what was wrong."""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator

import msgspec
import pytest
from serving_lab.registry.calls import Calls, RegistryError
from serving_lab.registry.reasons import Reason
from support.fake_server import Says, fake_server
from support.services import free_port

pytestmark = pytest.mark.service

TIMEOUT_SECONDS = 0.4
LONGEST_SECONDS = 3 * TIMEOUT_SECONDS + 1.5
"""Connecting, head, and body have the time each; the rest is the machine's."""
MOST_BYTES = 1000
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class Form(msgspec.Struct):
    """What is asked for."""

    name: str


def silent() -> Iterable[bytes]:
    yield b""
    time.sleep(10)


def head_that_drips() -> Iterable[bytes]:
    return (_later(byte) for byte in itertools.cycle([b"HTTP/1.1 200 OK\r\n", *[b"X-A: b\r\n"] * 10_000]))


def body_that_drips() -> Iterable[bytes]:
    yield HEAD + b"Content-Length: 900\r\n\r\n"
    yield from (_later(b" ") for _ in itertools.count())


def body_without_end() -> Iterable[bytes]:
    yield HEAD + b"\r\n"
    yield from itertools.repeat(b"x" * 100_000)


def chunks_without_end() -> Iterable[bytes]:
    yield HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    yield from itertools.repeat(b"5000\r\n" + b"x" * 0x5000 + b"\r\n")


def one_byte_too_long() -> Iterable[bytes]:
    yield HEAD + b"Content-Length: 1001\r\n\r\n" + b"x" * 1001


def truncated() -> Iterable[bytes]:
    yield HEAD + b'Content-Length: 900\r\n\r\n{"name"'


def closed() -> Iterable[bytes]:
    return ()


def no_http() -> Iterable[bytes]:
    yield b"SSH-2.0-OpenSSH_10.0\r\n"


def _later(content: bytes) -> bytes:
    time.sleep(0.02)
    return content


@contextlib.contextmanager
def saying(words: Callable[[], Iterable[bytes]]) -> Iterator[str]:
    """A server that reads a request and sends these bytes, however long that takes; yields its base URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    for content in words():
                        connection.sendall(content)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (silent, Reason.SLOW),
        (head_that_drips, Reason.SLOW),
        (body_that_drips, Reason.SLOW),
        (body_without_end, Reason.SIZE),
        (chunks_without_end, Reason.SIZE),
        (one_byte_too_long, Reason.SIZE),
        (truncated, Reason.UNREACHABLE),
        (closed, Reason.UNREACHABLE),
        (no_http, Reason.ANSWER),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_download_ends_whatever_is_sent(words: Callable[[], Iterable[bytes]], reason: Reason) -> None:
    with saying(words) as url:
        started = time.monotonic()
        with pytest.raises(RegistryError) as error:
            Calls(url, TIMEOUT_SECONDS).download("1/run/artifacts/model/model.onnx", MOST_BYTES)

    assert error.value.reason is reason
    assert time.monotonic() - started < LONGEST_SECONDS


def test_a_file_of_exactly_the_most_bytes_is_taken() -> None:
    with fake_server(lambda _: Says(b"x" * MOST_BYTES)) as server:
        assert Calls(server.base_url, 5).download("a", MOST_BYTES) == b"x" * MOST_BYTES


def test_a_registry_that_does_not_run_is_told_with_what_starts_it() -> None:
    url = f"http://127.0.0.1:{free_port()}"

    with pytest.raises(RegistryError) as error:
        Calls(url, 5).get("registered-models/get", Form, name="m")

    assert str(error.value) == f"the registry at {url} does not answer: Connection refused"
    assert error.value.hint == "COMPOSE_PROFILES=registry in .env, then make up: that starts the lab's own"
    assert error.value.reason is Reason.UNREACHABLE


def test_what_the_registry_says_of_an_error_is_shown_and_its_code_is_kept() -> None:
    says = Says({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no \x1b[31mmodel"}, status=404)
    with fake_server(lambda _: says) as server, pytest.raises(RegistryError) as error:
        Calls(server.base_url, 5).post("registered-models/alias", Form, {"name": "m"})

    assert "registered-models/alias with 404: no \\x1b[31mmodel" in str(error.value)
    assert error.value.code == "RESOURCE_DOES_NOT_EXIST"


@pytest.mark.parametrize("body", [b"<html>", b"[" * 100_000, b"{}", b'{"name": 1}', b"\xff"])
def test_an_answer_of_another_form_is_named(body: bytes) -> None:
    with fake_server(lambda _: Says(body)) as server, pytest.raises(RegistryError) as error:
        Calls(server.base_url, 5).get("registered-models/get", Form, name="m")

    assert error.value.reason is Reason.ANSWER
    assert "answers registered-models/get with something else" in str(error.value)


def test_names_are_quoted() -> None:
    asked: list[str] = []

    def answer(request: object) -> Says:
        asked.append(request.path)  # type: ignore[attr-defined]
        return Says({"name": "m"})

    with fake_server(answer) as server:
        Calls(server.base_url, 5).get("registered-models/get", Form, name="a b&c=d")

    assert asked == ["/api/2.0/mlflow/registered-models/get?name=a+b%26c%3Dd"]
