"""How a request is written in a file, and the request that it means."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from serving_lab.api import template
from serving_lab.api.request import Header, Parameter, Request, quoted

BODIES = frozenset({"json", "form", "text", "bytes"})
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_HeaderValue = str | int


class RequestForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request as it stands in a file."""

    method: str = "GET"
    path: str = ""
    """Path and query below the service's base URL; it begins with a slash."""
    headers: dict[str, _HeaderValue] | list[tuple[str, _HeaderValue]] = {}
    """Names and values, or pairs of them where a name stands twice."""
    json: Any = msgspec.UNSET
    """The body as a value; says `Content-Type: application/json` where no header says otherwise."""
    form: dict[str, str | int] | msgspec.UnsetType = msgspec.UNSET
    """The body as the fields of a form; says `Content-Type: application/x-www-form-urlencoded` likewise."""
    text: str | msgspec.UnsetType = msgspec.UNSET
    """The body as text, sent as UTF-8."""
    octets: str | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="bytes")
    """The body as one character a byte, such as "\\xff"."""
    chunked: bool = False
    pad_to: int = 0
    """How many bytes the body has at least: spaces at its end make up what is missing."""
    signed_in: bool = True
    """Whether the profile's authorization is added; what has the same name and is given here takes its place."""

    def build(
        self, values: Mapping[str, object], authorization: tuple[Header, ...], query: tuple[Parameter, ...] = ()
    ) -> Request:
        """The request, with these values filled in.

        Raises:
            ValueError: it is not a request; the text says why.
        """
        method, path = (_text(part, values) for part in (self.method, self.path))
        headers = [(_text(name, values), _text(str(value), values)) for name, value in self._pairs()]
        body = self._body(values)
        given = {name.lower() for name, _ in headers}
        media_type = _JSON if self.json is not msgspec.UNSET else _FORM if self.form is not msgspec.UNSET else ""
        if media_type and "content-type" not in given:
            headers.append(("Content-Type", media_type))
        if self.signed_in:
            headers += [header for header in authorization if header[0].lower() not in given]
        if not method or not method.isascii() or any(character.isspace() for character in method):
            raise ValueError(f"{method!r} is not a method")
        _check_target(path)
        for name, value in headers:
            _check_header(name, value)
        if self.pad_to > template.LONGEST:
            raise ValueError(f"pad_to: {self.pad_to:,} bytes are more than can be sent")
        request = Request(method, path, tuple(headers), body.ljust(self.pad_to), self.chunked)
        own = {unquote_plus(part.partition("=")[0]) for part in path.partition("?")[2].split("&")}
        return request.with_query(*(each for each in query if self.signed_in and each[0] not in own))

    def _pairs(self) -> list[tuple[str, _HeaderValue]]:
        return list(self.headers.items()) if isinstance(self.headers, dict) else self.headers

    def _body(self, values: Mapping[str, object]) -> bytes:
        given = [body for body in (self.json, self.form, self.text, self.octets) if body is not msgspec.UNSET]
        if len(given) > 1:
            raise ValueError("it has several bodies: give one of json, form, text and bytes")
        if isinstance(self.octets, str):
            return latin1(_text(self.octets, values), "bytes", "one character a byte, such as \\xff")
        if isinstance(self.form, dict):
            pairs = ((_text(name, values), _text(str(value), values)) for name, value in self.form.items())
            return "&".join(f"{quoted(name)}={quoted(value)}" for name, value in pairs).encode()
        if isinstance(self.text, str):
            # What stands for half a character outside the basic plane has no UTF-8: three bytes, as some write it.
            return _text(self.text, values).encode(errors="surrogatepass")
        if self.json is not msgspec.UNSET:
            document = template.repeat(template.fill(self.json, values))
            try:
                return json.dumps(document, allow_nan=False).encode()
            except ValueError:
                raise ValueError("json: infinity and NaN are not JSON: write the body as text") from None
            except TypeError as error:
                raise ValueError(f"json: {error}") from None
        return b""


def with_defaults(request: object, defaults: object) -> object:
    """What a file says of a request, over what it says of all; a body replaces any other."""
    if not isinstance(request, dict) or not isinstance(defaults, dict):
        return request
    left_out = BODIES if BODIES & request.keys() else set()
    return {key: value for key, value in defaults.items() if key not in left_out} | request


def latin1(text: str, what: str, hint: str) -> bytes:
    """The text as one byte a character.

    Raises:
        ValueError: it has characters that are more than a byte.
    """
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise ValueError(f"{what}: {text[error.start]!r} is more than one byte: write {hint}") from None


def _text(text: str, values: Mapping[str, object]) -> str:
    return str(template.repeat(template.as_text(template.fill(text, values))))


def _check_target(path: str) -> None:
    latin1(path, "path", "it percent-encoded, such as %C3%A9")
    if not path.startswith("/"):
        raise ValueError(f"path: {path!r} does not begin with a slash" if path else "there is no path")
    if any(character in " \r\n\t\0" for character in path):
        raise ValueError(f"path: {path!r} has white space in it: write it percent-encoded, or the request as raw")


def _check_header(name: str, value: str) -> None:
    latin1(f"{name}{value}", "headers", "its bytes, such as \\xc3\\xa9")
    if not name or any(character in ": \r\n\t\0" for character in name) or any(sign in value for sign in "\r\n\0"):
        raise ValueError(f"headers: {name!r} with {value!r} is not a header: write the request as raw")
