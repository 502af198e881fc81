"""A well-formed HTTP request."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote_plus, unquote_plus

from serving_lab.api import template

Header = tuple[str, str]
"""Name and value as latin-1 text, so that any byte can be written."""

Parameter = tuple[str, str]
"""Name and value of a parameter of the query, not yet percent-encoded."""

_LATER = re.compile(r"(\$\{\w+\})")
_LENGTHLESS_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_CHUNK_BYTES = 8192


@dataclass(frozen=True)
class Request:
    """A well-formed request. `${name}` in target, headers and body stands for a variable of the service it goes to."""

    method: str
    target: str
    """Path and query below the service's base URL, as latin-1 text."""
    headers: tuple[Header, ...] = ()
    body: bytes = b""
    chunked: bool = False

    def with_headers(self, *headers: Header) -> "Request":
        """The same request with further headers."""
        return replace(self, headers=(*self.headers, *headers))

    def with_query(self, *parameters: Parameter) -> "Request":
        """The same request with these parameters of the query, in place of any of the same names."""
        if not parameters:
            return self
        path, _, query = self.target.partition("?")
        names = {name for name, _ in parameters}
        kept = [part for part in query.split("&") if part and unquote_plus(part.partition("=")[0]) not in names]
        added = [f"{quoted(name)}={quoted(value)}" for name, value in parameters]
        return replace(self, target=f"{path}?{'&'.join([*kept, *added])}")

    def filled(self, variables: Mapping[str, str]) -> "Request":
        """The same request with these variables in place of `${name}`; others stay."""
        return replace(
            self,
            target=fill(self.target, variables),
            headers=tuple((name, fill(value, variables)) for name, value in self.headers),
            body=fill_bytes(self.body, variables),
        )

    def header(self, name: str) -> str | None:
        """The value of the first header of this name, in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def encode(self, host: str, prefix: str = "") -> bytes:
        """The bytes that are sent; Host and Content-Length are added where they are not given.

        Args:
            host: what Host says.
            prefix: the path of the service's base URL.
        """
        lines = self.head(host, prefix)
        if self.chunked:
            lines.append("Transfer-Encoding: chunked")
        elif self.needs_length:
            lines.append(f"Content-Length: {len(self.body)}")
        head = "\r\n".join(lines).encode("latin-1", "replace")
        return head + b"\r\n\r\n" + (_chunks(self.body) if self.chunked else self.body)

    def head(self, host: str, prefix: str = "") -> list[str]:
        """The request line and the headers, with Host where it is not given, and nothing about the length."""
        headers = list(self.headers)
        if self.header("host") is None:
            headers.insert(0, ("Host", host))
        return [f"{self.method} {prefix}{self.target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]

    @property
    def needs_length(self) -> bool:
        """Whether Content-Length is to be added."""
        return self.header("content-length") is None and (bool(self.body) or self.method not in _LENGTHLESS_METHODS)


def quoted(text: str) -> str:
    """The text as a form or a query has it; what is filled in later stays."""
    parts = _LATER.split(text)
    return "".join(part if at % 2 else quote_plus(part) for at, part in enumerate(parts))


def fill(text: str, variables: Mapping[str, str]) -> str:
    """The text with these variables in place of `${name}`; others stay."""
    return str(template.fill(text, variables)) if "${" in text else text


def fill_bytes(content: bytes, variables: Mapping[str, str]) -> bytes:
    """The bytes with these variables, as UTF-8, in place of `${name}`; others stay."""
    if b"${" not in content:
        return content
    octets = {name: value.encode("utf-8", "surrogatepass").decode("latin-1") for name, value in variables.items()}
    return fill(content.decode("latin-1"), octets).encode("latin-1")


def _chunks(body: bytes) -> bytes:
    parts = [body[start : start + _CHUNK_BYTES] for start in range(0, len(body), _CHUNK_BYTES)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
