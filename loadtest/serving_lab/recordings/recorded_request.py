"""A recorded request as one that can be sent again: without credentials and what was meant for one connection."""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlencode

import msgspec
from serving_lab.api.request import Header, Request

HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings"}
)
"""Headers for the next hop only."""
CREDENTIALS = frozenset({"authorization", "proxy-authorization", "cookie", "x-csrf-token", "x-xsrf-token"})
"""Headers that were valid for one person at one time: never sent again, never shown."""
CONDITIONS = frozenset(
    {"if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "accept-encoding"}
)
"""Headers that depend on an earlier answer, or would make this one harder to compare."""

HALF_A_CHARACTER = "it has half a character (a lone surrogate)"

SignedIn = Literal["recorded", "all"]
"""Which requests carry the profile's authorization: those that had credentials when they were recorded, or all."""

_LEFT_OUT = HOP_BY_HOP | CREDENTIALS | CONDITIONS | {"host", "content-length", "expect"}
_CHARSET = re.compile(r"charset=\"?([\w.-]+)", re.IGNORECASE)
_BOUNDARY = re.compile(r"boundary=\"?([^\";]+)", re.IGNORECASE)
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PACKED = {"gzip": b"\x1f\x8b", "x-gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd", "br": b"", "deflate": b""}
"""Content codings, each with the bytes that what it packs begins with."""


class Pair(msgspec.Struct, frozen=True):
    """A header, or a field of a form."""

    name: str
    value: str = ""
    fileName: str | None = None  # noqa: N815 - HAR's name
    contentType: str | None = None  # noqa: N815 - HAR's name


class PostData(msgspec.Struct, frozen=True):
    """A body: its text, or the fields of a form."""

    mimeType: str = ""  # noqa: N815 - HAR's name
    text: str | None = None
    params: list[Pair] | None = None
    encoding: str | None = None
    """`base64`, where the text is that of bytes."""


class RecordedRequest(msgspec.Struct, frozen=True):
    """A request as HAR has it."""

    method: str
    url: str
    headers: list[Pair] = []
    postData: PostData | None = None  # noqa: N815 - HAR's name
    bodySize: int | float | None = None  # noqa: N815 - HAR's name

    def header(self, name: str) -> str | None:
        """The value of the first header of this name in lower case."""
        return next((pair.value for pair in self.headers if pair.name.lower() == name), None)

    @property
    def credentials(self) -> frozenset[str]:
        """The names of the headers that signed it in."""
        return CREDENTIALS & {pair.name.lower() for pair in self.headers}


def sendable(recorded: RecordedRequest, target: str, authorization: tuple[Header, ...], *, signed_in: bool) -> Request:
    """The request that can be sent.

    Args:
        recorded: what was recorded.
        target: path and query below the service's base URL.
        authorization: what signs in now.
        signed_in: whether it is sent with that.

    Raises:
        ValueError: it cannot be sent again; the text says why, in the same words for all of a kind.
    """
    if not _METHOD.fullmatch(recorded.method):
        raise ValueError(f"{recorded.method!r} is not a method")
    try:
        headers = list(_headers(recorded, {name.lower() for name, _ in authorization}))
        body = _body(recorded)
    except UnicodeEncodeError:
        raise ValueError(HALF_A_CHARACTER) from None
    coding = (recorded.header("content-encoding") or "").strip().lower()
    if coding and not _is_packed(body, coding, recorded.postData):
        headers = [header for header in headers if header[0].lower() != "content-encoding"]
    media_type = _media_type(recorded)
    if media_type and body and "content-type" not in {name.lower() for name, _ in headers}:
        headers.append(("Content-Type", media_type))
    return Request(recorded.method, target, (*headers, *(authorization if signed_in else ())), body)


def _headers(recorded: RecordedRequest, replaced: set[str]) -> Iterator[Header]:
    named = {
        name.strip().lower()
        for pair in recorded.headers
        if pair.name.lower() == "connection"
        for name in pair.value.split(",")
    }
    for pair in recorded.headers:
        name = pair.name.lower()
        if name.startswith((":", "sec-websocket-")) or name in _LEFT_OUT | replaced | named:
            continue
        if not _METHOD.fullmatch(name) or any(sign in pair.value for sign in "\r\n\0"):
            raise ValueError(f"{pair.name!r} is not a header")
        latin1 = all(ord(character) < 256 for character in pair.value)
        yield pair.name, pair.value.encode("latin-1" if latin1 else "utf-8").decode("latin-1")


def _media_type(recorded: RecordedRequest) -> str:
    return recorded.header("content-type") or (recorded.postData.mimeType if recorded.postData else "")


def _body(recorded: RecordedRequest) -> bytes:
    data = recorded.postData
    sent = _sent_bytes(recorded)
    if data and data.text:
        if data.encoding == "base64":
            try:
                body = base64.b64decode(data.text, validate=True)
            except binascii.Error as error:
                raise ValueError(f"its body is not base64: {error}") from None
        else:
            body = _encoded(data.text, _media_type(recorded), sent)
        if len(body) < sent and not recorded.header("content-encoding"):
            raise ValueError("the recording does not contain all of its body")
        return body
    if data and data.params:
        media_type = _media_type(recorded)
        if media_type.lower().startswith("multipart/form-data"):
            return _multipart(data.params, media_type)
        return urlencode([(pair.name, pair.value) for pair in data.params]).encode()
    if sent > 0 or (recorded.bodySize is not None and recorded.bodySize > 0):
        raise ValueError("the recording does not contain its body")
    return b""


def _sent_bytes(recorded: RecordedRequest) -> int:
    """How long its body was when it was sent, as far as that is known."""
    length = (recorded.header("content-length") or "").strip()
    return int(length) if length.isdecimal() and len(length) < 16 else 0


def _encoded(text: str, media_type: str, sent: int) -> bytes:
    """The text as it was sent: exports decode bodies that name no charset as they think fit."""
    charset = _CHARSET.search(media_type)
    encodings = dict.fromkeys((charset[1] if charset else "utf-8", "utf-8", "latin-1"))
    found = []
    for encoding in encodings:
        try:
            found.append(text.encode(encoding))
        except (LookupError, UnicodeEncodeError):
            continue
    if not found:
        text.encode()  # says what is wrong with it
    return next((each for each in found if len(each) == sent), found[0])


def _is_packed(body: bytes, coding: str, data: PostData | None) -> bool:
    """Whether the body is still packed; most exports unpack it and leave the header."""
    if coding not in _PACKED:
        return coding == "identity"
    return bool(data and data.encoding == "base64") and body.startswith(_PACKED[coding])


def _multipart(params: list[Pair], media_type: str) -> bytes:
    boundary = _BOUNDARY.search(media_type)
    if not boundary:
        raise ValueError("its parts have no boundary")
    if missing := [pair.name for pair in params if pair.fileName and not pair.value]:
        raise ValueError(f"the recording does not contain the file {missing[0]!r}")
    parts = (
        f'--{boundary[1]}\r\nContent-Disposition: form-data; name="{pair.name}"'
        + (f'; filename="{pair.fileName}"' if pair.fileName else "")
        + (f"\r\nContent-Type: {pair.contentType}" if pair.contentType else "")
        + f"\r\n\r\n{pair.value}\r\n"
        for pair in params
    )
    return (("".join(parts)) + f"--{boundary[1]}--\r\n").encode()
