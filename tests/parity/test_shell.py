"""The lines of a report, run by a shell: what arrives is the request, byte for byte where that matters."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from serving_lab.api.request import Request
from serving_lab.api.sign_in import OfHeadForm
from serving_lab.parity.cases import Case, Source
from serving_lab.parity.reporting.shell import assignments, command, commands
from serving_lab.wire.message import RawRequest

pytestmark = pytest.mark.service

JSON = ("Content-Type", "application/json")
VARIABLES = {"TOKEN": "abc.DEF-123_4", "API_PASSWORD": "correct horse '\"$!"}
OF_CURL = {"accept: */*", "user-agent: curl"}
HEAD = b"Set-Cookie: a_b=0\r\nset-cookie: a.b=s1; Path=/\r\nX-Token: of the head\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 28\r\n" + HEAD + b'Connection: close\r\n\r\n{"a": {"tokens": ["abc.D"]}}'


class Recorder:
    """A server that keeps what it receives, one connection at a time, and answers each with the same."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._context = context
        self.received = b""
        self.ended = False
        """Whether the client said that it sends no more, before it was answered."""
        self.port = self._listener.getsockname()[1]

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def run(self, line: str, shell: str = "bash", *, patient: bool = False) -> tuple[bytes, str]:
        """Run the line and return what arrived, be it more than one request where patient, and what it printed."""
        serving = threading.Thread(target=self._serve_one, args=[patient])
        serving.start()
        done = subprocess.run(
            [shell, "-c", line], capture_output=True, timeout=20, env={**os.environ, **VARIABLES}, check=False
        )
        serving.join(timeout=20)
        assert done.returncode == 0, (line, done.stderr)
        return self.received, done.stdout.decode("latin-1")

    def _serve_one(self, patient: bool) -> None:
        self.received, self.ended = b"", False
        connection, _ = self._listener.accept()
        if self._context:
            connection = self._context.wrap_socket(connection, server_side=True)
        with connection:
            connection.settimeout(0.15)
            try:
                while content := connection.recv(1 << 20):
                    self.received += content
                    if not patient and whole(self.received):
                        break
                else:
                    self.ended = True
            except TimeoutError:
                pass
            connection.settimeout(5)
            connection.sendall(ANSWER)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.close()


@pytest.fixture(scope="module")
def secure_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Recorder, Path]]:
    directory = tmp_path_factory.mktemp("certificate")
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "1",
                "-subj",
                "/CN=127.0.0.1",
            ),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-out", certificate, "-keyout", key),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    recorder = Recorder(context)
    yield recorder, certificate
    recorder.close()


PLAIN = {
    "get": Request("GET", "/health"),
    "get with query": Request("GET", "/docs?a=1&b=two;c=$HOME&d='x'!"),
    "get with body": Request("GET", "/health", (JSON,), b"{}"),
    "head": Request("HEAD", "/health"),
    "options": Request("OPTIONS", "/predict", (("Origin", "https://a.example"),)),
    "delete": Request("DELETE", "/predict"),
    "unknown method": Request("FROB-$X`y`", "/predict"),
    "lower-case method": Request("get", "/predict"),
    "post": Request("POST", "/predict", (JSON,), b'{"features": [1, -2.5e3]}'),
    "post nothing": Request("POST", "/predict"),
    "post without a type": Request("POST", "/predict", (), b"{}"),
    "post with an empty type": Request("POST", "/predict", (("Content-Type", ""),), b"{}"),
    "post with a short body that is a file's name for curl": Request("POST", "/predict", (JSON,), b"@/etc/hostname"),
    "quotes": Request(
        "POST", "/predict", (JSON, ("X-A", 'it\'s "so" $HOME `id` \\ !')), b'it\'s "so" $HOME `id` \\n !'
    ),
    "unicode": Request("POST", "/predict", (JSON,), '{"name": "Zoë 漢字 🎉"}'.encode()),
    "invisible characters": Request("POST", "/predict", (JSON,), '{"a": "\u202e\u200b\ufeff"}'.encode()),
    "bytes": Request("POST", "/predict", (JSON,), bytes(range(256)) + b"%s%d\\n''"),
    "a dash first": Request("POST", "/predict", (JSON,), b"-n\n"),
    "line breaks": Request("POST", "/predict", (JSON,), b'{\r\n\t"a": 1\n}\n\n'),
    "empty header": Request("GET", "/health", (("X-Request-ID", ""), ("Accept", ""))),
    "header bytes": Request("GET", "/health", (("X-Request-ID", "caf\xe9 \xff"), ("X-B", "Zo\xc3\xab"))),
    "repeated headers": Request("GET", "/health", (("X-A", "1"), ("Accept", "a/b"), ("X-A", "2"), ("Accept", "c/d"))),
    "own host": Request("GET", "/health", (("Host", "example.org"),)),
    "two hosts": Request("GET", "/health", (("Host", "a"), ("Host", "b"))),
    "no host": Request("GET", "/health", (("Host", ""),)),
    "dots": Request("GET", "/a/../health/./%2e%2e/%2fx"),
    "brackets": Request("GET", "/health?a[]={b,c}&d=[1-9]"),
    "fragment": Request("GET", "/health#part"),
    "star": Request("OPTIONS", "*"),
    "absolute": Request("GET", "http://example.org/health"),
    "two slashes": Request("GET", "//health//x"),
    "target bytes": Request("GET", "/caf\xe9/\xff|<>\\^\"'"),
    "space in target": Request("GET", "/a b"),
    "no target": Request("GET", ""),
    "odd header names": Request("GET", "/health", (("@file", "1"), ("X A", "2"), ("X:", "3"))),
    "header of blanks": Request("GET", "/health", (("X-A", "  "), ("X-B", "\t b "))),
    "folded header": Request("GET", "/health", (("X-A", "1\r\n 2"),)),
    "wrong length": Request("POST", "/predict", (JSON, ("Content-Length", "99")), b"{}"),
    "length of a get": Request("GET", "/health", (("Content-Length", "0"),)),
    "two lengths": Request("POST", "/predict", (JSON, ("Content-Length", "2"), ("Content-Length", "3")), b"{} "),
    "other coding": Request("POST", "/predict", (JSON, ("Transfer-Encoding", "gzip, chunked")), b"0\r\n\r\n"),
    "expect": Request("POST", "/predict", (JSON, ("Expect", "200-ok")), b"{}"),
    "head with body": Request("HEAD", "/health", (JSON,), b"{}"),
    "long header": Request("GET", "/health", (("X-A", "a" * 9000), ("X-B", "b1" * 3000))),
    "longer than an argument": Request("GET", "/health", (("X-A", "a" * 150_000),)),
    "padding": Request("POST", "/predict", (JSON,), b'{"a": "' + b"-" * (1 << 20) + b"'%\\" * 50 + b'"}'),
    "nesting": Request("POST", "/predict", (JSON,), b"[" * 5000 + b"]" * 5000),
    "repetition": Request("POST", "/batch", (JSON,), b'{"samples": [' + b"[0.5, '%', -1],\n" * 900 + b"[]]}"),
    "long and varied": Request("POST", "/batch", (JSON,), b"".join(b"%d," % (i * 7919 % 10007) for i in range(3000))),
    "secret": Request("GET", "/a/${token}?b=${token}x", (("Authorization", "Bearer ${token}"),)),
    "secret among quotes": Request("POST", "/login", (JSON,), b'{"a": "${token}!", "password": "${env:API_PASSWORD}"}'),
    "secret among bytes": Request("POST", "/login", (JSON,), b"\0${token}%${token}\n"),
    "secret in a long body": Request("POST", "/login", (JSON,), b"a" * 3000 + b"${token}" + b"bc" * 3000 + b"${token}"),
    "secret in bytes of a header": Request("GET", "/", (("X-A", "\xff${token}"), ("X-Host", "http://${host}/"))),
}


@pytest.mark.parametrize("name", PLAIN)
def test_the_line_sends_the_very_request(server: Recorder, name: str) -> None:
    request = PLAIN[name]

    received, printed = server.run(command(request, f"http://{server.host}", server.host))

    assert comparable(received) == comparable(resolved(request.encode(server.host), server.host))
    assert printed.startswith("HTTP/1.1 200 OK")


@pytest.mark.parametrize("name", ["bytes", "padding", "repetition", "secret in a long body", "a dash first"])
def test_any_posix_shell_will_do(server: Recorder, name: str) -> None:
    request = PLAIN[name]
    shell = shutil.which("dash") or "sh"

    received, _ = server.run(command(request, f"http://{server.host}", server.host), shell)

    assert comparable(received) == comparable(resolved(request.encode(server.host), server.host))


@pytest.mark.parametrize("body", [b"", b"{}", b"x" * 70_000 + b"\xff"])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_chunked_body_is_sent_chunked(server: Recorder, method: str, body: bytes) -> None:
    request = Request(method, "/predict", (JSON,), body, chunked=True)

    received, _ = server.run(command(request, f"http://{server.host}", server.host))

    head, sent = received.split(b"\r\n\r\n", 1)
    assert comparable(head + b"\r\n\r\n") == comparable(request.encode(server.host).split(b"\r\n\r\n")[0] + b"\r\n\r\n")
    assert joined(sent) == body


def test_below_a_base_url_with_a_path(server: Recorder) -> None:
    for request in (Request("GET", "/health"), Request("GET", "/%2e"), Request("GET", "/a b")):
        received, _ = server.run(command(request, f"http://{server.host}/api/v1/", server.host))

        assert received.startswith(f"GET /api/v1{request.target} HTTP/1.1\r\n".encode())


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "POST", "PUT"]),
    target=st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=12),
    value=st.text(st.characters(min_codepoint=0, max_codepoint=0xFF, exclude_characters="\r\n"), max_size=12),
    body=st.one_of(st.binary(max_size=40), st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace"))),
)
def test_whatever_is_in_it(server: Recorder, method: str, target: str, value: str, body: bytes) -> None:
    assume(b"${" not in body and "${" not in target + value)  # a variable is another thing
    request = Request(method, f"/{target}", (JSON, ("X-A", value)), body)

    received, _ = server.run(command(request, f"http://{server.host}", server.host))

    assert comparable(received) == comparable(request.encode(server.host))


@pytest.mark.parametrize(
    "content",
    [
        b"GET /health HTTP/1.1\r\nHost: ${host}\r\n\r\n" * 3,
        b"POST /predict HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Length: 9\r\n\r\n{}",
        b"\xff\xfe\0\r\n\r\n",
        b"GET / HTTP/9.9\n\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
    ],
)
def test_a_raw_request_arrives_as_it_is(server: Recorder, content: bytes) -> None:
    line = command(RawRequest(content), f"http://{server.host}", server.host)

    received, printed = server.run(line, patient=True)

    assert received == resolved(content, server.host)
    assert not server.ended
    assert printed == ANSWER.decode()


def test_a_raw_request_may_say_that_no_more_comes(server: Recorder) -> None:
    line = command(RawRequest(b"GET /", half_close=True), f"http://{server.host}", server.host)

    received, printed = server.run(line, patient=True)

    assert (received, server.ended, printed) == (b"GET /", True, ANSWER.decode())


def test_over_tls(secure_server: tuple[Recorder, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    server, certificate = secure_server
    monkeypatch.setenv("CURL_CA_BUNDLE", str(certificate))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    request = Request("POST", "/predict", (JSON,), b"{}")
    for sent in (request, RawRequest(request.encode(server.host))):
        received, printed = server.run(command(sent, f"https://{server.host}", server.host))

        assert comparable(received) == comparable(request.encode(server.host))
        assert printed.startswith("HTTP/1.1 200 OK")


@pytest.mark.parametrize("request_", [*PLAIN.values(), RawRequest(b"GET /${token} HTTP/1.1\r\n\r\n\n")])
def test_it_is_one_line_of_visible_characters(request_: Request | RawRequest) -> None:
    line = command(request_, "http://127.0.0.1:5000", "127.0.0.1:5000")

    assert line.isprintable()
    assert len(line) < 12_000


def test_an_ordinary_request_reads_as_a_person_would_write_it() -> None:
    request = Request("POST", "/predict", (JSON, ("Authorization", "Bearer ${token}")), b'{"features": [1]}')

    assert command(request, "http://127.0.0.1:5000", "127.0.0.1:5000") == (
        "curl -isS -X POST -H 'Content-Type: application/json' -H \"Authorization: Bearer ${TOKEN}\" "
        "--data-raw '{\"features\": [1]}' http://127.0.0.1:5000/predict"
    )


def test_padding_is_written_as_what_makes_it() -> None:
    line = command(PLAIN["padding"], "http://127.0.0.1:5000", "127.0.0.1:5000")

    assert line.startswith("""{ printf '{"a": "'; head -c 1048576 /dev/zero | tr '\\0' '\\055'; printf """)
    assert len(line) < 400


def test_a_login_sets_the_variables_it_gives(server: Recorder) -> None:
    body = b'{"username": "tester", "password": "${env:API_PASSWORD}"}'
    of_body: dict[str, str | OfHeadForm] = {"token": "$.a.tokens[0]"}
    for save, prints in (
        (of_body, "abc.D"),
        ({"whole": '$["a"]'} | of_body, "abc.D"),
        ({"whole": OfHeadForm(cookie="a.b")} | of_body, "abc.D"),
        ({"token": OfHeadForm(cookie="a.b")}, "s1"),
        ({"token": OfHeadForm(header="X-Token")}, "of the head"),
    ):
        lines = assignments(Request("POST", "/login", (JSON,), body), save, f"http://{server.host}", server.host)
        received, printed = server.run("; ".join([*lines, 'printf %s "$TOKEN"']))

        assert printed == prints
        assert received.endswith(body.replace(b"${env:API_PASSWORD}", VARIABLES["API_PASSWORD"].encode()))
        assert VARIABLES["API_PASSWORD"] not in "".join(lines)


def test_a_secret_is_not_written_down(server: Recorder) -> None:
    secret = VARIABLES["API_PASSWORD"]
    request = Request("POST", f"/login?{secret[:7]}", (("X-A", f"a {secret}"),), f'{{"password": "{secret}"}}'.encode())
    raw = RawRequest(request.encode(server.host))
    for sent in (request, raw):
        line = command(sent, f"http://{server.host}", server.host, {"API_PASSWORD": secret, "SHORT": "a"})

        received, _ = server.run(line)

        assert comparable(received) == comparable(request.encode(server.host))
        assert "horse" not in line


def test_steps_of_a_sequence_hand_on_what_they_save() -> None:
    steps = (
        Case(Source.SEQUENCE, "first", Request("GET", "/first")),
        Case(Source.SEQUENCE, "statistics", Request("GET", "/stats"), save={"hits": "$.hits"}),
        Case(Source.SEQUENCE, "last", Request("GET", "/last/${hits}"), save={"more": "$.more"}),
    )

    assert commands(steps, "http://a", "a").splitlines() == [
        "curl -isS http://a/first",
        """HITS=$(curl -sS http://a/stats | python3 -c 'import json,sys; print(json.load(sys.stdin)["hits"])')""",
        'curl -isS "http://a/last/${HITS}"',
    ]


def resolved(content: bytes, host: str) -> bytes:
    """Return the request as it is sent: its variables filled in, and its length said anew."""
    for name, value in {"token": "TOKEN", "env:API_PASSWORD": "API_PASSWORD"}.items():
        content = content.replace(f"${{{name}}}".encode(), VARIABLES[value].encode())
    content = content.replace(b"${host}", host.encode())
    head, blank, body = content.partition(b"\r\n\r\n")
    if b"/login" in head:
        head = re.sub(rb"Content-Length: \d+", b"Content-Length: %d" % len(body), head)
    return head + blank + body


def comparable(content: bytes) -> tuple[bytes, Counter[str], bytes]:
    """Return what must be equal: the first line, the headers in any order but those of curl's own, and the body."""
    head, _, body = content.partition(b"\r\n\r\n")
    first, *headers = head.split(b"\r\n")
    lines = Counter(
        re.sub(r"^([^:]*): ?", lambda name: f"{name[1].lower()}: ", line.decode("latin-1")) for line in headers
    )
    for line in list(lines):
        if re.sub("/[0-9.]+$", "", line) in OF_CURL:
            del lines[line]
    return first, lines, body


def whole(content: bytes) -> bool:
    """Return whether a request with its body has arrived."""
    head, blank, body = content.partition(b"\r\n\r\n")
    lengths = re.findall(rb"(?im)^content-length: *(\d+)", head)
    if not blank or b"chunked" in head:
        return bool(blank) and body.endswith(b"0\r\n\r\n")
    return not lengths or len(body) >= int(lengths[0])


def joined(chunked: bytes) -> bytes:
    """Return the body of a chunked message."""
    body = b""
    while chunked:
        size, _, rest = chunked.partition(b"\r\n")
        length = int(size, 16)
        body, chunked = body + rest[:length], rest[length + 2 :]
    return body


def test_the_comparison_of_these_tests_sees_a_difference() -> None:
    request = PLAIN["post"].encode("x")

    assert comparable(request) == comparable(request.replace(b"\r\n\r\n", b"\r\nAccept: */*\r\n\r\n"))
    assert comparable(request) != comparable(request.replace(b"json", b"jsom"))
    assert comparable(request) != comparable(replace(PLAIN["post"], body=b"[]").encode("x"))
