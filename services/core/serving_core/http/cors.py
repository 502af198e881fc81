"""Cross-origin resource sharing (CORS): which pages of other origins may call."""

from collections.abc import Collection

_EXPOSED_HEADERS = "X-Request-ID, X-Process-Time, Retry-After, RateLimit, RateLimit-Policy"
_PREFLIGHT_HEADERS = "Authorization, Content-Type, X-Request-ID"
_PREFLIGHT_MAX_AGE_SECONDS = "600"


class Cors:
    """The allowed origins, and the headers that tell a browser about them.

    Source: https://fetch.spec.whatwg.org/#http-cors-protocol
    """

    def __init__(self, origins: frozenset[str]) -> None:
        self._origins = origins

    def response_headers(self, origin: str | None) -> dict[str, str]:
        """The CORS headers of a response to a request from this origin."""
        if not self._origins:
            return {}
        if origin not in self._origins:
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
        return origin is None or origin in self._origins or (bool(host) and origin.partition("://")[2] == host)

    def preflight_headers(
        self, origin: str | None, requested_method: str | None, allowed: Collection[str]
    ) -> dict[str, str] | None:
        """The headers that answer a preflight request; None if the browser must not send the request."""
        if origin not in self._origins or requested_method not in allowed:
            return None
        return {
            "Access-Control-Allow-Methods": ", ".join(sorted(allowed)),
            "Access-Control-Allow-Headers": _PREFLIGHT_HEADERS,
            "Access-Control-Max-Age": _PREFLIGHT_MAX_AGE_SECONDS,
        }
