"""Bad requests, each made from a seed and a number alone: as the bytes that go over a new connection."""

import json
import random
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import TypeVar

from contract.cases import ROW
from contract.cases.access import BAD_TOKENS, LOGIN_FAULTS, NO_TOKEN
from contract.cases.bodies import BODY_FAULTS, CONTENT_TYPE_FAULTS, GOOD
from contract.cases.clients import GATEWAYS, OFFERS
from contract.cases.features import BATCH_ACCEPTED, BATCH_FAULTS, PREDICT_ACCEPTED, PREDICT_FAULTS
from contract.cases.graphql import PATH as GRAPHQL
from contract.cases.graphql import WRITABLE_FAULTS, as_literal, as_variables
from contract.cases.order import ORDER
from contract.cases.paths import UNKNOWN_PATHS, WRONG_METHODS
from contract.cases.silent import SILENT
from support.services import RunningService
from support.wire import LIMIT_BYTES, Request, encode

_BASES = [
    *(
        fault.request
        for table in (
            UNKNOWN_PATHS, WRONG_METHODS, ORDER, NO_TOKEN, BAD_TOKENS, CONTENT_TYPE_FAULTS, BODY_FAULTS,
            PREDICT_FAULTS, BATCH_FAULTS, LOGIN_FAULTS,
        )
        for fault in table
    ),
    *(case.request for case in (*PREDICT_ACCEPTED, *BATCH_ACCEPTED)),
    *SILENT.values(),
]  # fmt: skip
_DOCUMENTS = [
    *(make(case.request) for case in (*PREDICT_ACCEPTED, *BATCH_ACCEPTED) for make in (as_variables, as_literal)),
    *(as_literal(fault.request) for fault in WRITABLE_FAULTS),
    *(as_variables(fault.request) for fault in (*PREDICT_FAULTS, *BATCH_FAULTS)),
]
_OF_JSON = [
    *(b"[", b"]", b"{", b"}", b",", b":", b'"', b"\\", b"\\u", b"\\ud800"),
    *(b"\0", b"\xff", b"\xe2\x82", b"\xef\xbb\xbf", b"-", b"0", b"1e999", b"1e-999", b"-0.0", b"NaN", b"Infinity"),
    *(b"null", b"true", b"9" * 400, b"0." + b"1" * 400, b"[" * 500, b'{"a":' * 500, b" " * 3000),
    *(b'"features":', b'"samples":', b'"username":'),
]
_OF_HTTP = [
    *(b"\0", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b"\t", b":", b"%", b"%00", b"\xff", b"\x16\x03\x01"),
    *(b"Content-Length: %s\r\n" % length for length in (b"0", b"5", b"-1", b"+1", b"0x5", b"9" * 25, b"1,1", b"")),
    *(b"Transfer-Encoding: %s\r\n" % coding for coding in (b"chunked", b"gzip", b"chunked, chunked", b"x", b"")),
    *(b"0\r\n\r\n", b"5\r\nhello\r\n", b"ffffffffffffffff\r\n", b"-1\r\n", b"5;x=y\r\n"),
    *(b"0\r\nContent-Length: 5\r\n\r\n", b"Host: a\r\n", b"Expect: 100-continue\r\n", b"Expect: x\r\n"),
    *(b"Connection: close\r\n", b"Upgrade: h2c\r\nConnection: Upgrade\r\n", b" folded\r\n", b"X: y\r\n" * 150),
    *(b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1.1", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    *(b"CONNECT a:1 HTTP/1.1\r\n", b"GET * HTTP/1.1\r\n\r\n", b"A" * 9000),
]
_OF_GRAPHQL = [
    *("{", "}", "(", ")", "[", "]", ":", "!", "$", "$a", "@", "...", "|", "&", '"', '"""', "\\u", "\\ud800", "#"),
    *("\ufeff", "\0", "é", "\n", ",", "1e999", "-0", "NaN", "null", "true", "1" * 400, "{a: [", "[" * 300),
    *("query", "mutation", "subscription", "fragment F on Query { ...F }", "...F", "... on Query {"),
    *("__schema", "__type", "@skip(if: true)", "@include(if: $a)", "@defer", "@x(y: [{z: 1}])", "{ __typename }"),
    *("{ a: modelInfo { version } }", "{ a " * 300, "a: modelInfo { version } " * 120),
    *("query A { __typename } query B { __typename }", "query ($a: Features = [1]) {"),
]
_METHODS = ["POST", "POST", "POST", "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"]
_HANDSHAKE = (
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
)
_WITH_HANDSHAKE = [("Origin", "null"), ("Origin", "http://["), ("Sec-WebSocket-Protocol", "x"), *_HANDSHAKE]
_LENGTHS = [0, 125, 126, 65535, 1 << 20, 1 << 40, (1 << 63) + 1]


@dataclass(frozen=True)
class Made:
    """What is sent on one connection."""

    kind: str
    content: bytes
    method: str = "POST"
    """Of its first request, if that is valid HTTP."""


def make(seed: int, number: int, service: RunningService, token: str) -> Made:
    """The bad request of this number; the service only gives its Host."""
    chance = random.Random(f"{seed}/{number}")  # noqa: S311 - test data
    kind = chance.choices(list(_KINDS), [4, 2, 1, 1])[0]
    return _KINDS[kind](chance, lambda request: encode(request, service, token))


_Encode = Callable[[Request], bytes]
T = TypeVar("T", bytes, str)


def _request(chance: Random, encoded: _Encode) -> Made:
    """Valid HTTP around anything: the services must agree."""
    request = _changed(chance, chance.choice(_BASES))
    return Made("request", encoded(request), request.method)


def _bytes(chance: Random, encoded: _Encode) -> Made:
    """HTTP with faults of its own: each server may refuse it in its own words, or not at all."""
    content = b"".join(encoded(_changed(chance, chance.choice(_BASES))) for _ in range(chance.choice([1, 1, 2])))
    head = content.index(b"\r\n\r\n") + 4
    return Made("bytes", _spoilt(chance, content, _OF_HTTP, chance.choice([head, len(content)])))


def _websocket(chance: Random, encoded: _Encode) -> Made:
    """A handshake, mostly a good one, and frames."""
    handshake = [header for header in _HANDSHAKE if chance.random() < 0.98]
    if chance.random() < 0.1:
        handshake.append(
            chance.choice([("Origin", "null"), ("Sec-WebSocket-Protocol", "x"), ("Origin", "http://["), _HANDSHAKE[0]])
        )
    request = Request("GET", "/ws/predict", tuple(handshake), signed_in=chance.random() < 0.9)
    frames = b"".join(_frame(chance) for _ in range(chance.randrange(6)))
    return Made("websocket", encoded(request) + frames + _frame(chance, opcode=8), "GET")


def _graphql(chance: Random, encoded: _Encode) -> Made:
    """A document with faults, or a body with faults around one."""
    request = chance.choice(_DOCUMENTS)
    if chance.random() < 0.2:
        return Made("graphql", encoded(replace(request, body=_spoilt(chance, request.body, _OF_JSON))))
    asked = json.loads(request.body, parse_int=float)  # some have too many digits for an integer
    text = _spoilt(chance, asked["query"], _OF_GRAPHQL)
    changes: dict[str, object] = {"query": text}
    if chance.random() < 0.3:
        changes["operationName"] = chance.choice(["", "A", "B", "é", None, 1])
    if chance.random() < 0.3:
        changes["variables"] = {"a": chance.choice([True, None, [1], "x", {"b": []}, 1e300]), "features": list(ROW)}
    return Made("graphql", encoded(replace(request, target=GRAPHQL, body=json.dumps(asked | changes).encode())))


_KINDS: Mapping[str, Callable[[Random, _Encode], Made]] = {
    "request": _request,
    "bytes": _bytes,
    "websocket": _websocket,
    "graphql": _graphql,
}


def _changed(chance: Random, request: Request) -> Request:
    """The request with some of its parts exchanged; it stays valid HTTP."""
    if chance.random() < 0.1:
        request = replace(request, method=chance.choice(_METHODS))
    if chance.random() < 0.2:
        request = request.with_headers(*chance.choice([*GATEWAYS.values(), *OFFERS.values()]))
    if chance.random() < 0.2:
        names = {name.lower() for name, _ in request.headers}
        name = chance.choice(["X-Request-ID", "Origin", "Accept", "Accept-Encoding", "Cookie", "X", "Content-Encoding"])
        if name.lower() not in names:
            request = request.with_headers((name, _text(chance)))
    if request.body and chance.random() < 0.6:
        request = replace(request, body=_spoilt(chance, chance.choice([request.body, GOOD]), _OF_JSON))
        # A length that the request declares itself must stay true.
        kept = tuple(header for header in request.headers if header[0].lower() != "content-length")
        request = replace(request, headers=kept, chunked=chance.random() < 0.3)
    if chance.random() < 0.005:
        request = replace(request, body=request.body + b" " * chance.choice([LIMIT_BYTES - 500, LIMIT_BYTES]))
    return request


def _text(chance: Random) -> bytes:
    """The value of a header, any bytes that may be in one."""
    allowed = [*range(0x20, 0x7F), *range(0x80, 0x100)]
    return bytes(chance.choices(allowed, k=chance.randrange(40))).strip()


def _spoilt(chance: Random, whole: T, fragments: list[T], within: int | None = None) -> T:
    """The text with up to four pieces removed, repeated, exchanged or added, in its first part if that is given."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, min(len(whole), within or len(whole)))
        size = chance.choice([0, 1, 1, 2, 10, 100])
        piece = chance.choice(
            [whole[at : at + size] * 2, whole[:0], chance.choice(fragments), chance.choice(fragments)]
        )
        whole = whole[:at] + piece + whole[at + chance.choice([0, size]) :]
    return whole


def _frame(chance: Random, opcode: int | None = None) -> bytes:
    """A frame, mostly a good one (RFC 6455, 5.2)."""
    if opcode is None:
        opcode = chance.choice([1, 1, 1, 1, 2, 0, 8, 9, 10, chance.randrange(16)])
    payload = struct.pack(">H", chance.choice([1000, 1001, 1005, 3000, 0, 65535])) + b"bye" if opcode == 8 else GOOD
    if chance.random() < 0.5:
        payload = _spoilt(chance, payload, _OF_JSON)
    if opcode >= 8 and chance.random() < 0.9:
        payload = payload[:125]
    first = opcode | chance.choice([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, chance.randrange(16) << 4])
    length = len(payload) if chance.random() < 0.95 else chance.choice(_LENGTHS)
    masked = 0x80 if chance.random() < 0.97 else 0
    if length < 126:
        head = struct.pack(">BB", first, masked | length)
    elif length < 65536:
        head = struct.pack(">BBH", first, masked | 126, length)
    else:
        head = struct.pack(">BBQ", first, masked | 127, length)
    if not masked:
        return head + payload
    key = chance.randbytes(4)
    return head + key + bytes(byte ^ key[place % 4] for place, byte in enumerate(payload))
