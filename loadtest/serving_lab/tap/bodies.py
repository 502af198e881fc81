"""Bodies as they may be recorded: JSON, forms, and any other text."""

import json
import re
from collections.abc import Callable
from html import escape, unescape
from urllib.parse import quote_plus, unquote_plus

from serving_lab.tap.json_places import BROKEN, Path, places
from serving_lab.tap.learned import Learned
from serving_lab.tap.pseudonyms import Pseudonyms
from serving_lab.tap.secret_names import is_secret, may_have_secrets
from serving_lab.tap.surface import Surface

_FORM = "application/x-www-form-urlencoded"
_MULTIPART = re.compile(
    r'(?i)(content-disposition:[^\r\n]*[; ]name="?([^";\r\n]*)"?[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n)(.*?)(?=\r\n--|\Z)',
    re.DOTALL,
)
_ELEMENT = re.compile(r"(<(?:[\w.-]+:)?([\w.-]+)(?:\s[^<>]*)?>)([^<>]+)(?=</)")
_FIELD = re.compile(
    r"(?i)(<(?:input|meta)\b[^<>]{0,300}?\b(?:name|id)=[\"']?([\w.-]{1,100})[\"']?[^<>]{0,300}?"
    r"\b(?:value|content)=[\"']?)([^\"'<>\s]+)"
)
_BEGINS_JSON = re.compile(r'\s*[\[{"]')
_CHARSET = re.compile(r"(?i)charset=\"?(utf-?16|utf-?32|utf-?7)")
_LONGEST_CHARACTER = 4
"""Bytes of UTF-8."""
_BETWEEN_WORDS = ' \t\n",;&<>'
_LONGEST_WORD = 8192


class Bodies:
    """Replaces what is secret or personal in bodies."""

    def __init__(self, pseudonyms: Pseudonyms, learned: Learned, surface: Surface) -> None:
        self._pseudonyms = pseudonyms
        self._learned = learned
        self._paths = surface.json_paths
        self._saved = surface.saved
        self._names = frozenset(path[-1] for path in surface.json_paths if path)

    def cleaned(self, body: bytes, media_type: str, *, secret: bool, saved: bool, cut: bool) -> bytes:
        """The body as it may be recorded.

        Args:
            body: The body, unpacked.
            media_type: What its head says of it.
            secret: Whether all values in it are.
            saved: Whether it is the answer to a sign-in.
            cut: Whether it goes on behind this.
        """
        if "utf" in media_type and (found := _CHARSET.search(media_type)):
            # Nothing would be found in it as it is.
            body = body.decode(found[1], "replace").encode()
        text, encoding = _decoded(body, cut=cut)
        kind = media_type.partition(";")[0].strip().lower()
        if kind == _FORM:
            text = self.pairs(text, lambda name: secret or (name,) in self._paths or is_secret(name))
        elif kind.startswith("multipart/"):
            text = _MULTIPART.sub(lambda part: self._part(part, secret=secret), text)
        elif kind.endswith("json") or _BEGINS_JSON.match(text):
            text = self._json(text, secret=secret, saved=saved)
        elif secret:
            return b""
        elif may_have_secrets(text) or any(name in text for name in self._names):
            # Such as JSON in a stream of events, or a line each.
            text = self._markup(text) if text.lstrip().startswith("<") else self._json(text, whole=False)
        text = self._learned.cleaned(text)
        if cut:
            # What the end has half of is not found.
            text = text[: max(len(text) - _LONGEST_WORD, *(text.rfind(sign) + 1 for sign in _BETWEEN_WORDS))]
        return text.encode(encoding, "replace")

    def pairs(self, text: str, is_secret: Callable[[str], bool]) -> str:
        """The text of a form or a query."""
        if "=" not in text:
            return self._learned.cleaned(text)
        return "&".join(self._pair(pair, is_secret) for pair in text.split("&"))

    def _pair(self, pair: str, is_secret: Callable[[str], bool]) -> str:
        name, equals, value = pair.partition("=")
        plain = unquote_plus(value)
        if equals and is_secret(unquote_plus(name)):
            return f"{name}={quote_plus(self._learned.learn(plain))}"
        cleaned = self._learned.cleaned(plain)
        return pair if cleaned == plain else f"{name}{equals}{quote_plus(cleaned)}"

    def _part(self, found: re.Match[str], *, secret: bool) -> str:
        head, name, value = found.groups()
        return head + (self._learned.learn(value) if secret or (name,) in self._paths or is_secret(name) else value)

    def _markup(self, text: str) -> str:
        """XML and HTML: elements and fields of forms that have such a name."""
        text = _ELEMENT.sub(lambda found: self._named(found[1], found[2], found[3]), text)
        return _FIELD.sub(lambda found: self._named(found[1], found[2], found[3]), text)

    def _named(self, before: str, name: str, value: str) -> str:
        if not is_secret(name) and (name,) not in self._paths:
            return f"{before}{value}"
        return f"{before}{escape(self._learned.learn(unescape(value)))}"

    def _json(self, text: str, *, secret: bool = False, saved: bool = False, whole: bool = True) -> str:
        """JSON, or a text with JSON in it; of JSON that breaks off within a string, what comes before."""
        if not (secret or saved or may_have_secrets(text) or any(name in text for name in self._names)):
            return text
        parts: list[str] = []
        at = 0
        for path, begin, end in places(text):
            if path[-1:] == (BROKEN,):
                return "".join([*parts, text[at : begin if whole else end]])
            written = text[begin:end]
            replaced = self._value(written, path, secret=secret or (saved and path in self._saved))
            if replaced != written:
                parts += [text[at:begin], replaced]
                at = end
        return "".join([*parts, text[at:]])

    def _value(self, written: str, path: Path, *, secret: bool) -> str:
        keys = tuple(_plain(key) if "\\" in key else key for key in path)
        by_name = any(key != "*" and is_secret(key) for key in keys)
        if not written.startswith('"'):
            number = written[:1].isdigit() or written.startswith("-")
            secret = secret or by_name or keys in self._paths
            return self._pseudonyms.number(written) if number and secret else written
        if secret or by_name or keys in self._paths:
            return json.dumps(self._learned.learn(_plain(written[1:-1])))
        if "\\" in written:
            plain = _plain(written[1:-1])
            if (cleaned := self._learned.cleaned(plain)) != plain:
                return json.dumps(cleaned)
        return written


def _decoded(body: bytes, *, cut: bool) -> tuple[str, str]:
    """The text, and the encoding that gives its bytes again."""
    try:
        return body.decode(), "utf-8"
    except UnicodeDecodeError as error:
        if cut and error.start > len(body) - _LONGEST_CHARACTER:
            return body[: error.start].decode(), "utf-8"
        return body.decode("latin-1"), "latin-1"


def _plain(written: str) -> str:
    """What a JSON string between its quotes says."""
    try:
        return str(json.loads(f'"{written}"', strict=False))
    except ValueError:
        return written
