"""Cross-origin resource sharing (CORS): which pages of other origins may call."""

import re
from collections.abc import Collection
from ipaddress import IPv6Address
from typing import NamedTuple

_EXPOSED_HEADERS = "X-Request-ID, X-Process-Time, Retry-After, RateLimit, RateLimit-Policy"
_PREFLIGHT_HEADERS = "Authorization, Content-Type, X-Request-ID"
_PREFLIGHT_MAX_AGE_SECONDS = "600"

# Some clients that are no browsers write the scheme of the WebSocket instead of the page's.
_SCHEMES = {"http": ("http", 80), "ws": ("http", 80), "https": ("https", 443), "wss": ("https", 443)}
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s,:/?#@\[\]]+)(?::([0-9]{0,5}))?")


class Cors:
    """The allowed origins, and the headers that tell a browser about them.

    Source: https://fetch.spec.whatwg.org/#http-cors-protocol
    """

    def __init__(self, origins: frozenset[str]) -> None:
        self._origins = frozenset(map(_parsed, origins))

    def response_headers(self, origin: str | None) -> dict[str, str]:
        """The CORS headers of a response to a request from this origin."""
        if not self._origins:
            return {}
        if origin is None or not self._allows(origin):
            return {"Vary": "Origin"}
        return {
            "Vary": "Origin",
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": _EXPOSED_HEADERS,
        }

    def admits_handshake(self, origin: str | None, host: str | None) -> bool:
        """Whether a WebSocket may be opened: by a program (no Origin), a page of this host, or an allowed origin.

        Browsers send no preflight request before a WebSocket, so the server must check the origin (RFC 6455, 10.2).
        """
        return origin is None or self._allows(origin) or _is_of(origin, host or "")

    def _allows(self, origin: str) -> bool:
        parsed = _parsed(origin)
        return parsed is not None and parsed in self._origins

    def preflight_headers(
        self, origin: str | None, requested_method: str | None, allowed: Collection[str]
    ) -> dict[str, str] | None:
        """The headers that answer a preflight request; None if the browser must not send the request."""
        if origin is None or not self._allows(origin) or requested_method not in allowed:
            return None
        return {
            "Access-Control-Allow-Methods": ", ".join(sorted(allowed)),
            "Access-Control-Allow-Headers": _PREFLIGHT_HEADERS,
            "Access-Control-Max-Age": _PREFLIGHT_MAX_AGE_SECONDS,
        }


class _Origin(NamedTuple):
    """An origin in the one form in which it is compared (RFC 6454, 4 and 5)."""

    scheme: str
    host: str
    port: int


def _parsed(text: str) -> _Origin | None:
    """An origin as clients write it; None if it is not one, such as `null`."""
    scheme, _, authority = text.partition("://")
    return _of_authority(scheme.lower(), authority)


def _is_of(origin: str, host: str) -> bool:
    """Whether a page is of the host that it asks. Behind a proxy, only its origin tells whether that speaks TLS."""
    page = _parsed(origin)
    return page is not None and page == _of_authority(page.scheme, host)


def _of_authority(scheme: str, authority: str) -> _Origin | None:
    """Letter case, the scheme's own port, the dot of the root, and the form of an IPv6 address make no difference."""
    match = _AUTHORITY.fullmatch(authority)
    if match is None or scheme not in _SCHEMES:
        return None
    host, port = match.groups()
    scheme, default_port = _SCHEMES[scheme]
    try:
        host = IPv6Address(host[1:-1]).compressed if host.startswith("[") else host.lower().removesuffix(".")
    except ValueError:
        return None
    return _Origin(scheme, host, int(port) if port else default_port)
