"""What answers gave to a recorded session and give to a replayed one: later requests carry the new values."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus, urlsplit

from serving_lab.api.request import Header, Request
from serving_lab.recordings.tap_file import Side
from serving_lab.tap.pseudonyms import JWT
from serving_lab.tap.secret_names import is_secret
from serving_lab.text.tokens import is_identifier
from serving_lab.wire.message import Answer

_NAMES_ONE = re.compile(
    r"(?:^|[_-])(?i:id|ids|uuid|guid|key|slug|ref|number|no|etag|cursor|next)$|[a-z](?:Id|Ids|ID|Key|Ref)$"
)
"""Names of fields whose value stands for something."""
_SCHEME = re.compile(r"([\w-]+ +)(.+)", re.DOTALL)
_FORM = "application/x-www-form-urlencoded"
_OWN_HEADERS = frozenset({"date", "content-length", "content-type", "server", "connection", "transfer-encoding"})


class Carried:
    """The values of one session, over those of all sessions.

    Args:
        of_all: What every session gave; it is added to.
    """

    def __init__(self, of_all: dict[str, str]) -> None:
        self._of_all = of_all
        self._own: dict[str, str] = {}

    def knows(self, value: str) -> bool:
        """Whether something stands for a recorded value."""
        return value in self._own or value in self._of_all

    def learn(self, recorded: Side, answer: Answer) -> None:
        """Take the values of an answer that stand where a recorded one had others."""
        lower = tuple((name.lower(), value) for name, value in recorded.headers)
        for old, new in (*_of_bodies(recorded.body, answer.body), *_of_heads(lower, answer.headers)):
            if old and new and old != new:
                self._own[old] = self._of_all[old] = new

    def request(self, recorded: Request) -> Request:
        """The request with the new values where recorded ones stood; alone, never within a text."""
        if not self._own and not self._of_all:
            return recorded
        path, mark, query = recorded.target.partition("?")
        path = "/".join(self._quoted(part, unquote, lambda text: quote(text, safe="")) for part in path.split("/"))
        headers = tuple((name, self._header(name.lower(), value)) for name, value in recorded.headers)
        media_type = (recorded.header("content-type") or "").partition(";")[0].strip().lower()
        target = f"{path}{mark}{self._pairs(query)}"
        return replace(recorded, target=target, headers=headers, body=self._body(recorded.body, media_type))

    def _new(self, value: str) -> str:
        return self._own.get(value) or self._of_all.get(value) or value

    def _quoted(self, written: str, plain: Any, quoted: Any) -> str:  # noqa: ANN401 - functions of urllib
        value = plain(written)
        new = self._new(value)
        return written if new == value else str(quoted(new))

    def _pairs(self, text: str) -> str:
        return "&".join(self._pair(*pair.partition("=")) for pair in text.split("&"))

    def _pair(self, name: str, equals: str, value: str) -> str:
        return f"{name}{equals}{self._quoted(value, unquote_plus, quote_plus)}"

    def _header(self, name: str, value: str) -> str:
        if name == "cookie":
            pairs = (pair.partition("=") for pair in value.split("; "))
            return "; ".join(f"{key}{equals}{self._new(each)}" for key, equals, each in pairs)
        if found := _SCHEME.fullmatch(value):
            return f"{found[1]}{self._new(found[2])}"
        return self._new(value)

    def _body(self, body: bytes, media_type: str) -> bytes:
        if media_type == _FORM:
            return self._pairs(body.decode("latin-1")).encode("latin-1")
        document = _decoded(body)
        if document is None:
            return body
        carried = self._document(document, "")
        return body if carried == document else json.dumps(carried).encode()

    def _document(self, value: Any, name: str) -> Any:  # noqa: ANN401 - JSON
        match value:
            case dict():
                return {key: self._document(member, key) for key, member in value.items()}
            case list():
                return [self._document(item, name) for item in value]
            case str():
                return self._new(value)
            case int() if not isinstance(value, bool) and _NAMES_ONE.search(name):
                new = self._new(str(value))
                return int(new) if new.lstrip("-").isdecimal() else new
        return value


def _of_bodies(recorded: bytes, now: bytes) -> Iterator[tuple[str, str]]:
    before, after = _decoded(recorded), _decoded(now)
    if before is not None and after is not None:
        yield from _of_documents(before, after, "")


def _of_documents(before: Any, after: Any, name: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON
    match before, after:
        case dict(), dict():
            for key, value in before.items():
                if key in after:
                    yield from _of_documents(value, after[key], key)
        case list(), list():
            for one, other in zip(before, after, strict=False):
                yield from _of_documents(one, other, name)
        case str() | int(), str() | int() if not isinstance(before, bool) and not isinstance(after, bool):
            if before != after and _stands_for_something(str(before), name):
                yield str(before), str(after)


def _of_heads(recorded: Iterable[Header], now: Iterable[Header]) -> Iterator[tuple[str, str]]:
    before, after = list(recorded), list(now)
    cookies = _cookies(before), _cookies(after)
    yield from ((value, cookies[1][name]) for name, value in cookies[0].items() if name in cookies[1])
    later = dict(after)
    for name, value in before:
        if name not in later or name == "set-cookie" or name in _OWN_HEADERS:
            continue
        if name == "location":
            parts = (urlsplit(each).path.split("/") for each in (value, later[name]))
            yield from ((unquote(one), unquote(other)) for one, other in zip(*parts, strict=False))
        elif _stands_for_something(value, name):
            yield value, later[name]


def _cookies(headers: Iterable[Header]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        if name == "set-cookie":
            try:
                found |= {key: morsel.value for key, morsel in SimpleCookie(value).items()}
            except CookieError:
                continue
    return found


def _stands_for_something(value: str, name: str) -> bool:
    """Whether a value is one that later requests may refer to, not a word or an amount."""
    if JWT.fullmatch(value) or is_secret(name) or _NAMES_ONE.search(name):
        return True
    return not value.lstrip("-").isdecimal() and is_identifier(value)


def _decoded(body: bytes) -> Any:  # noqa: ANN401 - JSON
    if not body[:64].lstrip().startswith((b"{", b"[", b'"')):
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
