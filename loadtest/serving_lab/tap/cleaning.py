"""Exchanges as they may be recorded: pseudonyms where secrets and personal data were."""

import base64
import binascii
import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote, unquote

from serving_lab.api.request import Header
from serving_lab.recordings.tap_file import Side, TappedRequest
from serving_lab.tap import bodies
from serving_lab.tap.heads import Message
from serving_lab.tap.learned import Learned
from serving_lab.tap.pseudonyms import Pseudonyms
from serving_lab.tap.secret_names import ADDRESSES, is_secret_header, is_secret_parameter
from serving_lab.tap.surface import Surface
from serving_lab.wire.message import Answer, Ending
from serving_lab.wire.packing import unpacked

_SCHEME = re.compile(r"(?i)(bearer|basic|digest|negotiate|token|apikey|[\w-]+)( +)(.+)", re.DOTALL)
_SCHEMES_ALONE = frozenset({"bearer", "basic", "digest", "negotiate"})
_USER_IN_URL = re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://)[^/?#@\s]+@")
_HERE = frozenset({"127.0.0.1", "::1"})
_READ = frozenset({"cookie", "x-forwarded-for", "content-type", "content-encoding"})
_REMEMBERED = 10_000


class Cleaner:
    """Makes requests and answers fit to be recorded.

    Args:
        pseudonyms: What stands for what.
        surface: What is known of the API.
        room: Bytes of a body that are kept.
    """

    def __init__(self, pseudonyms: Pseudonyms, surface: Surface, room: int) -> None:
        self._pseudonyms = pseudonyms
        self._surface = surface
        self._learned = Learned(pseudonyms)
        self._bodies = bodies.Bodies(pseudonyms, self._learned, surface)
        self._room = room
        self._read = _READ | frozenset(surface.credentials)
        self._known: dict[bytes, tuple[Header, str, str]] = {}
        self._known_for = 0
        """How many secrets were known when these were cleaned."""

    def session(self, request: Message, address: str) -> str:
        """A pseudonym of who sends: the token's user, else the token or the cookie, else the address."""
        head = self._head(request.head)
        for name in self._surface.credentials:
            if name != "cookie" and (credentials := head.raw.get(name)):
                scheme = _SCHEME.fullmatch(credentials)
                return self._pseudonyms.user(scheme[3].strip() if scheme else credentials)
        if cookie := head.raw.get("cookie"):
            return self._pseudonyms.name(f"cookie {cookie}")
        # The last one is who spoke to the gateway before this; the others are hearsay.
        forwarded = head.raw.get("x-forwarded-for", "").rpartition(",")[2].strip()
        return self._pseudonyms.name(f"address {forwarded or address}")

    def request(self, message: Message) -> TappedRequest:
        """A request as it may be recorded."""
        signs_in = self._surface.signs_in(message.method, message.target)
        head = self._head(message.head)  # first: what is secret there may stand elsewhere too
        body, cut = self._body(message, head, secret=signs_in, saved=False)
        target = self._target(message.target)
        return TappedRequest(message.method, target, message.version, head.headers, body, message.body_bytes, cut)

    def side(self, request: Message, answer: Message | None, begun: float, ended: float, ending: Ending) -> Side:
        """What a service answered, as it may be recorded; times are of one clock."""
        if answer is None:
            return Side(0, (), b"", 0, False, ended - begun, ended - begun, ending)
        saved = self._surface.signs_in(request.method, request.target)
        head = self._head(answer.head)
        body, cut = self._body(answer, head, secret=False, saved=saved)
        first, last = answer.begun - begun, ended - begun
        return Side(answer.status, head.headers, body, answer.body_bytes, cut, first, last, ending)

    def _body(self, message: Message, head: "_Head", *, secret: bool, saved: bool) -> tuple[bytes, bool]:
        """The body, unpacked, and whether it is cut; nothing of one that cannot be read."""
        body, cut = message.body, message.cut
        if not body:
            return b"", cut
        coding = head.raw.get("content-encoding", "identity")
        if coding.strip().lower() != "identity":
            packed = Answer(0, (("content-encoding", coding),), body, cut)
            plain = unpacked(packed, self._room)
            if plain is packed:
                return b"", True
            body, cut = plain.body, plain.cut
        media_type = head.raw.get("content-type", "")
        return self._bodies.cleaned(body, media_type, secret=secret, saved=saved, cut=cut), cut

    def _head(self, head: bytes) -> "_Head":
        """The headers without secrets, and of some what they say. Most lines come again and again."""
        if len(self._known) >= _REMEMBERED or self._known_for != self._learned.count:
            self._known.clear()
            self._known_for = self._learned.count
        headers = []
        raw: dict[str, str] = {}
        known = self._known
        for line in head.split(b"\r\n")[1:]:
            found = known.get(line)
            if found is None:
                found = known[line] = self._line(line)
            headers.append(found[0])
            if found[1]:
                # As recipients do, several are one with commas.
                raw[found[1]] = f"{raw[found[1]]}, {found[2]}" if found[1] in raw else found[2]
        return _Head(tuple(headers), raw)

    def _line(self, line: bytes) -> tuple[Header, str, str]:
        """The header, and name and value as they were of one that is read here."""
        name, _, value = line.decode("latin-1").partition(":")
        name, value = name.strip(), value.strip()
        lower = name.lower()
        return (name, self._header(lower, value)), lower if lower in self._read else "", value

    def _header(self, name: str, value: str) -> str:
        if name == "set-cookie":
            return self._set_cookie(value)
        if name == "cookie":
            return "; ".join(self._pair(pair) for pair in value.split("; "))
        if name in {"authorization", "proxy-authorization"}:
            return self._authorization(value)
        if name in self._surface.headers or is_secret_header(name):
            parts = [part.strip() for part in value.split(",")]
            return ", ".join(p if name in ADDRESSES and p in _HERE else self._learned.learn(p) for p in parts)
        if "://" in value or "?" in value or "=" in value:
            value = self._url(value)
        return self._learned.cleaned(value)

    def _authorization(self, value: str) -> str:
        found = _SCHEME.fullmatch(value)
        if not found:
            return value if value.strip().lower() in _SCHEMES_ALONE else self._learned.learn(value)
        scheme, space, credentials = found.groups()
        if scheme.lower() == "basic":
            try:
                user, colon, password = base64.b64decode(credentials, validate=True).decode().partition(":")
            except (binascii.Error, ValueError):
                return f"{scheme}{space}{self._learned.learn(credentials)}"
            pair = f"{self._learned.learn(user)}{colon}{self._learned.learn(password)}"
            return f"{scheme}{space}{base64.b64encode(pair.encode()).decode()}"
        return f"{scheme}{space}{self._learned.learn(credentials)}"

    def _pair(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        return f"{name}{equals}{self._learned.learn(value)}" if equals else self._learned.learn(name)

    def _set_cookie(self, value: str) -> str:
        pair, semicolon, attributes = value.partition(";")
        return f"{self._pair(pair)}{semicolon}{attributes}"

    def _url(self, value: str) -> str:
        value = _USER_IN_URL.sub(r"\1", value)
        before, mark, query = value.partition("?")
        return f"{before}{mark}{self._query(query)}" if mark else value

    def _target(self, target: str) -> str:
        path, mark, query = _USER_IN_URL.sub(r"\1", target).partition("?")
        for form in self._surface.paths:
            if found := form.fullmatch(path):
                path = _replaced(path, found, lambda value: quote(self._learned.learn(unquote(value)), safe=""))
        if "%" in path and self._learned.cleaned(unquote(path)) != unquote(path):
            path = quote(self._learned.cleaned(unquote(path)))
        return self._learned.cleaned(path) + (f"?{self._query(query)}" if mark else "")

    def _query(self, query: str) -> str:
        return self._bodies.pairs(query, lambda name: name in self._surface.parameters or is_secret_parameter(name))


class _Head(NamedTuple):
    headers: tuple[Header, ...]
    raw: dict[str, str]
    """The values of headers that are read here, by their names in lower case."""


def _replaced(text: str, found: re.Match[str], by: Callable[[str], str]) -> str:
    parts, at = [], 0
    for number in range(1, (found.re.groups or 0) + 1):
        parts += [text[at : found.start(number)], by(found[number])]
        at = found.end(number)
    return "".join([*parts, text[at:]])
