"""What clients, proxies and gateways in the wild add to requests; none of it changes an answer."""

from typing import TypeAlias

Headers: TypeAlias = tuple[tuple[str, str], ...]

# Java's HttpClient and `curl --http2` offer h2c; some clients offer it with every request, whatever its body.
OFFERS: dict[str, Headers] = {
    "h2c, as Java": (
        ("Connection", "Upgrade, HTTP2-Settings"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA"),
    ),
    "h2c alone": (("Connection", "Upgrade"), ("Upgrade", "h2c")),
    "upper case": (("CONNECTION", "UPGRADE"), ("UPGRADE", "H2C")),
    "lower case": (("connection", "upgrade"), ("upgrade", "h2c")),
    "kept alive too": (("Connection", "keep-alive, Upgrade"), ("Upgrade", "h2c")),
    "two Connection headers": (("Connection", "Upgrade"), ("Connection", "keep-alive"), ("Upgrade", "h2c")),
    "TLS": (("Connection", "Upgrade"), ("Upgrade", "TLS/1.3, HTTP/2.0")),
    "several": (("Connection", "Upgrade"), ("Upgrade", "websocket, h2c")),
    "two Upgrade headers": (("Connection", "Upgrade"), ("Upgrade", "h2c"), ("Upgrade", "websocket")),
    "a WebSocket": (
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ),
    "unknown": (("Connection", "Upgrade"), ("Upgrade", "no-such-protocol/9")),
    "empty": (("Connection", "Upgrade"), ("Upgrade", "")),
    "not in Connection": (("Connection", "keep-alive"), ("Upgrade", "h2c")),
    "only in Connection": (("Connection", "Upgrade"),),
}

# Variables of CGI and WSGI, which only a gateway's own environment may set, and what proxies tell of themselves.
GATEWAYS: dict[str, Headers] = {
    "SCRIPT_NAME that fits": (("SCRIPT_NAME", "/health"),),
    "SCRIPT_NAME that does not": (("SCRIPT_NAME", "/x"),),
    "SCRIPT_NAME in lower case": (("script_name", "/x"),),
    "Script-Name": (("Script-Name", "/health"),),
    "X-Script-Name": (("X-Script-Name", "/health"),),
    "PATH_INFO": (("PATH_INFO", "/no-such-path"),),
    "Path-Info": (("Path-Info", "/no-such-path"),),
    "REMOTE_USER": (("REMOTE_USER", "root"), ("REMOTE_ADDR", "::1")),
    "REQUEST_METHOD": (("REQUEST_METHOD", "DELETE"), ("Request-Method", "DELETE")),
    "other names with underscores": (("CONTENT_LENGTH", "7"), ("content_type", "x"), ("transfer_encoding", "chunked")),
    "HTTP_ before a name": (("HTTP_HOST", "evil.example"), ("HTTP_AUTHORIZATION", "Bearer x")),
    "wsgi.url_scheme": (("wsgi.url_scheme", "https"),),
    "Proxy": (("Proxy", "http://evil.example"),),
    "prefix": (("X-Forwarded-Prefix", "/health"), ("X-Forwarded-Path", "/x"), ("X-Original-URL", "/no-such-path")),
    "scheme, contradicting": (("X-Forwarded-Proto", "https"), ("X-Forwarded-Ssl", "off")),
    "scheme, contradicting, as HTTP": (("X-Forwarded-Proto", "http"), ("X-Forwarded-Ssl", "on")),
    "scheme, three times": (
        ("X-Forwarded-Proto", "https"), ("X-Forwarded-Protocol", "http"), ("X-Forwarded-Ssl", "off"),
    ),
    "scheme, repeated": (("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http")),
    "scheme, a list": (("X-Forwarded-Proto", "https, http"),),
    "scheme, of WebSockets": (("X-Forwarded-Proto", "wss"), ("X-Forwarded-Protocol", "ssl")),
    "Forwarded": (("Forwarded", 'for="[2001:db8::1]";proto=https;host=evil.example;by=_x, for=unknown'),),
    "Forwarded, broken": (("Forwarded", 'for="'), ("X-Forwarded-Proto", ""), ("X-Forwarded-Ssl", "")),
    "host and port": (("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Port", "https"), ("X-Forwarded-Server", "x")),
    "addresses": (("X-Forwarded-For", "unknown, ::ffff:1.2.3.4, x"), ("X-Real-IP", "x"), ("Via", "1.0 fred")),
    "other schemes": (("Front-End-Https", "on"), ("X-Url-Scheme", "https"), ("CF-Visitor", '{"scheme":"https"}')),
}  # fmt: skip
