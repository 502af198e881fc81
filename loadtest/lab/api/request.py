"""A well-formed HTTP request."""

from dataclasses import dataclass, replace

Header = tuple[str, str]
"""Name and value as latin-1 text, so that any byte can be written."""

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
        """Return the same request with further headers."""
        return replace(self, headers=(*self.headers, *headers))

    def header(self, name: str) -> str | None:
        """Return the value of the first header of this name, in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def encode(self, host: str, prefix: str = "") -> bytes:
        """Return the bytes that are sent; Host and Content-Length are added where they are not given.

        Args:
            host: what Host says.
            prefix: the path of the service's base URL.
        """
        given = {name.lower() for name, _ in self.headers}
        headers = list(self.headers)
        if "host" not in given:
            headers.insert(0, ("Host", host))
        if self.chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        elif "content-length" not in given and (self.body or self.method not in _LENGTHLESS_METHODS):
            headers.append(("Content-Length", str(len(self.body))))
        head = "\r\n".join(
            [f"{self.method} {prefix}{self.target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
        )
        return head.encode("latin-1", "replace") + b"\r\n\r\n" + (_chunks(self.body) if self.chunked else self.body)


def _chunks(body: bytes) -> bytes:
    parts = [body[start : start + _CHUNK_BYTES] for start in range(0, len(body), _CHUNK_BYTES)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
