"""HAR 1.2: what of a browser's or proxy's recording can be sent again, and what of it must not be."""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from serving_lab.api.request import Header, Request
from serving_lab.errors import LabError

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

_LEFT_OUT = HOP_BY_HOP | CREDENTIALS | CONDITIONS | {"host", "content-length", "expect"}
_KEPT_IN_TARGETS = "/?:@!$&'()*+,;=%-._~[]|"
_CHARSET = re.compile(r"charset=\"?([\w.-]+)", re.IGNORECASE)
_BOUNDARY = re.compile(r"boundary=\"?([^\";]+)", re.IGNORECASE)
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class HarForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which requests of a HAR file are wanted."""

    base: str | None = None
    """What their URLs begin with (`https://api.example.org/v1`); it is not part of the paths that are sent."""


class _Pair(msgspec.Struct, frozen=True):
    name: str
    value: str = ""
    fileName: str | None = None  # noqa: N815 - HAR's name


class _PostData(msgspec.Struct, frozen=True):
    mimeType: str = ""  # noqa: N815 - HAR's name
    text: str | None = None
    params: list[_Pair] = []
    encoding: str | None = None


class _Request(msgspec.Struct, frozen=True):
    method: str
    url: str
    headers: list[_Pair] = []
    postData: _PostData | None = None  # noqa: N815 - HAR's name


class _Entry(msgspec.Struct, frozen=True):
    request: _Request


class _Log(msgspec.Struct, frozen=True):
    entries: list[_Entry]


class _Har(msgspec.Struct, frozen=True):
    log: _Log


def requests(
    path: Path, content: bytes, form: HarForm, authorization: tuple[Header, ...]
) -> tuple[list[tuple[int, Request]], list[str]]:
    """The requests that are wanted, each with its number in the file, and what was left out, in words.

    Raises:
        LabError: it is not a HAR file, or has none of the requests that are wanted.
    """
    try:
        entries = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"), type=_Har).log.entries
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LabError(
            f"{path} is not a HAR file: {error}",
            hint="save the requests again: in a browser's network panel, 'Save all as HAR'",
        ) from None
    base = form.base or _only_origin(path, entries)
    found: list[tuple[int, Request]] = []
    left_out: list[str] = []
    elsewhere = unsigned = 0
    for number, entry in enumerate(entries, 1):
        target = _below(base, entry.request.url)
        if target is None:
            elsewhere += 1
            continue
        try:
            found.append((number, _request(entry.request, target, authorization)))
        except ValueError as error:
            left_out.append(f"entry {number} cannot be sent again: {error}")
        unsigned += not authorization and any(_lower(pair) in CREDENTIALS for pair in entry.request.headers)
    if not found:
        why = left_out[0] if left_out else f"{len(entries)} are to other addresses"
        raise LabError(
            f"{path} has no request below {base}: {why}",
            hint="the profile's har: {base: …} says what the URLs of the service begin with",
        )
    if elsewhere:
        left_out.append(f"{elsewhere} requests that are not below {base} were left out")
    if unsigned:
        left_out.append(
            f"{unsigned} requests were signed in when recorded, and are sent without: no authorization is known"
        )
    return found, left_out


def _only_origin(path: Path, entries: list[_Entry]) -> str:
    """The origin of all requests; if there are several, a person has to choose."""
    origins = Counter(origin for entry in entries if (origin := _origin(entry.request.url)))
    if len(origins) == 1:
        return next(iter(origins))
    told = ", ".join(f"{origin} ({count})" for origin, count in origins.most_common(5))
    raise LabError(
        f"{path} has requests to {len(origins)} addresses: {told}" if origins else f"{path} has no HTTP request",
        hint="say in the profile which are wanted, such as har: {base: https://api.example.org}" if origins else None,
    )


def _origin(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"http", "https"} and parts.netloc else None


def _below(base: str, url: str) -> str | None:
    """The path and query of a URL below the base; None where it is elsewhere."""
    if not _origin(url):
        return None
    wanted, parts = urlsplit(base.rstrip("/")), urlsplit(url)
    if (parts.scheme, parts.netloc.lower()) != (wanted.scheme, wanted.netloc.lower()):
        return None
    rest = parts.path.removeprefix(wanted.path)
    if not parts.path.startswith(wanted.path) or (rest and not rest.startswith("/")):
        return None
    query = f"?{parts.query}" if parts.query else ""
    return quote((rest or "/") + query, safe=_KEPT_IN_TARGETS)


def _request(recorded: _Request, target: str, authorization: tuple[Header, ...]) -> Request:
    if not _METHOD.fullmatch(recorded.method):
        raise ValueError(f"{recorded.method!r} is not a method")
    headers = list(_headers(recorded, {name.lower() for name, _ in authorization}))
    given = {name.lower() for name, _ in headers}
    body = b""
    if data := recorded.postData:
        media_type = next((value for name, value in headers if name.lower() == "content-type"), data.mimeType)
        body = _body(data, media_type)
        if media_type and body and "content-type" not in given:
            headers.append(("Content-Type", media_type))
    signed_in = any(
        _lower(pair) in CREDENTIALS | {name.lower() for name, _ in authorization} for pair in recorded.headers
    )
    return Request(recorded.method, target, (*headers, *(authorization if signed_in else ())), body)


def _headers(recorded: _Request, replaced: set[str]) -> Iterator[Header]:
    named = {
        name.strip().lower()
        for pair in recorded.headers
        if _lower(pair) == "connection"
        for name in pair.value.split(",")
    }
    for pair in recorded.headers:
        name = _lower(pair)
        if name.startswith((":", "sec-websocket-")) or name in _LEFT_OUT | replaced | named:
            continue
        if not _METHOD.fullmatch(name) or any(sign in pair.value for sign in "\r\n\0"):
            raise ValueError(f"{pair.name!r} is not a header")
        yield pair.name, pair.value.encode("utf-8" if not _is_latin1(pair.value) else "latin-1").decode("latin-1")


def _body(data: _PostData, media_type: str) -> bytes:
    if data.text:
        if data.encoding == "base64":
            try:
                return base64.b64decode(data.text, validate=True)
            except binascii.Error as error:
                raise ValueError(f"its body is not base64: {error}") from None
        charset = _CHARSET.search(media_type)
        try:
            return data.text.encode(
                charset[1] if charset else "utf-8", errors="surrogatepass" if not charset else "strict"
            )
        except (LookupError, UnicodeEncodeError):
            return data.text.encode(errors="surrogatepass")
    if not data.params:
        return b""
    if media_type.lower().startswith("multipart/form-data"):
        return _multipart(data.params, media_type)
    return urlencode([(pair.name, pair.value) for pair in data.params]).encode()


def _multipart(params: list[_Pair], media_type: str) -> bytes:
    boundary = _BOUNDARY.search(media_type)
    if not boundary:
        raise ValueError("its parts have no boundary")
    if missing := [pair.name for pair in params if pair.fileName and not pair.value]:
        raise ValueError(f"the recording does not contain the file {missing[0]!r}")
    parts = (
        f'--{boundary[1]}\r\nContent-Disposition: form-data; name="{pair.name}"'
        + (f'; filename="{pair.fileName}"' if pair.fileName else "")
        + f"\r\n\r\n{pair.value}\r\n"
        for pair in params
    )
    return (("".join(parts)) + f"--{boundary[1]}--\r\n").encode()


def _lower(pair: _Pair) -> str:
    return pair.name.lower()


def _is_latin1(text: str) -> bool:
    return all(ord(character) < 256 for character in text)
