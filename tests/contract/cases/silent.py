"""Requests to which the contract gives no answer, but a client could tell the services apart by.

What is not HTTP (control characters, a repeated Content-Type, no path) never becomes a request: the servers refuse it
each in their own words.
"""

from support.wire import JSON_TYPE, Request

from contract.cases.access import login
from contract.cases.bodies import GOOD


def _authorization(*values: str | bytes) -> Request:
    return Request("GET", "/cache/stats", headers=tuple(("Authorization", value) for value in values), signed_in=False)


def _content_type(*values: str | bytes) -> Request:
    return Request("POST", "/predict", headers=tuple(("Content-Type", value) for value in values), body=GOOD)


def _note(note: bytes) -> Request:
    return Request("POST", "/predict", body=GOOD[:-1] + b', "note": ' + note + b"}")


_GZIP = (*JSON_TYPE, ("Content-Encoding", "gzip"))

_AUTHORIZATIONS = {
    "empty": _authorization(""),
    "scheme alone": _authorization("Bearer"),
    "scheme and space": _authorization("Bearer "),
    "other scheme alone": _authorization("Basic"),
    "two spaces": _authorization("Bearer  x"),
    "tab": _authorization("Bearer\tx"),
    "two words": _authorization("Bearer x y"),
    "twice the scheme": _authorization("Bearer Bearer x"),
    "two headers": _authorization("Bearer x", "Bearer y"),
    "two headers, first empty": _authorization("", "Bearer y"),
    "bytes that are not UTF-8": _authorization(b"Bearer \xff\xfe"),
    "other script": _authorization("Bearer токен"),
    "NUL as text": _authorization("Bearer %00"),
    "only dots": _authorization("Bearer ..."),
    "comma": _authorization("Bearer x, Bearer y"),
}
_CONTENT_TYPES = {
    "list": _content_type("application/json, text/plain"),
    "parameter without name": _content_type("application/json;"),
    "UTF-16 by name": _content_type("application/json; charset=utf-16"),
    "unknown charset": _content_type("application/json; charset=no-such"),
    "space in the type": _content_type("application / json"),
    "bytes that are not UTF-8": _content_type(b"application/json; x=\xff"),
    "no-break space": _content_type("application/json\u00a0"),
}
_BODIES = {
    "white space only": Request("POST", "/predict", body=b"  \n"),
    "byte order mark": Request("POST", "/predict", body=b"\xef\xbb\xbf" + GOOD),
    "byte order mark alone": Request("POST", "/predict", body=b"\xef\xbb\xbf"),
    "form feed": Request("POST", "/predict", body=b"\x0c" + GOOD),
    "no-break space": Request("POST", "/predict", body="\u00a0".encode() + GOOD),
    "lone surrogate in an unknown field": _note(b'"\\ud800"'),
    "lone surrogate in an unknown key": Request("POST", "/predict", body=GOOD[:-1] + b', "\\udfff": 1}'),
    "surrogates the wrong way round": _note(b'"\\udc00\\ud800"'),
    "lone surrogate as a feature": Request("POST", "/predict", body=b'{"features": ["\\ud800"]}'),
    **{
        f"lone surrogate in a row {where}": Request("POST", path, body=body)
        for where, path, body in (
            ("of ten", "/predict", b'{"features": [0, 0, 0, 0, 0, "\\ud800", 0, 0, 0, 0]}'),
            ("instead of a list", "/predict", b'{"features": "\\ud800"}'),
            ("of a batch", "/batch-predict", b'{"samples": [[0, 0, 0, 0, 0, 0, 0, 0, 0, "\\udfff"]]}'),
            ("instead of a row", "/batch-predict", b'{"samples": ["\\udfff"]}'),
        )
    },
    "delete character": _note(b'"\x7f"'),
    "empty key": Request("POST", "/predict", body=GOOD[:-1] + b', "": 1}'),
    **{f"{depth} lists": _note(b"[" * depth + b"]" * depth) for depth in (200, 500, 900, 1000, 1100, 3000, 20_000)},
    **{f"{depth} objects": _note(b'{"a":' * depth + b"1" + b"}" * depth) for depth in (200, 900, 1100, 20_000)},
    "a gzip body": Request(
        "POST", "/predict", headers=(*JSON_TYPE, ("Content-Encoding", "gzip")), body=b"\x1f\x8b\x08"
    ),
    "a plain body called gzip": Request(
        "POST", "/predict", headers=(*JSON_TYPE, ("Content-Encoding", "gzip")), body=GOOD
    ),
    "a body on GET": Request("GET", "/health", body=b"{"),
    "a body on GET, chunked": Request("GET", "/health", body=b"{", chunked=True),
    "a body on HEAD": Request("HEAD", "/health", body=b"{"),
    "a large body on GET, chunked": Request("GET", "/health", body=b" " * 1_100_000, chunked=True),
    "a body on DELETE": Request("DELETE", "/predict", body=GOOD),
    "a broken body on clear": Request("POST", "/cache/clear", body=b"{"),
    "another type on clear": Request("POST", "/cache/clear", headers=(("Content-Type", "text/plain"),), body=b"x"),
    "a continue": Request("POST", "/predict", headers=(*JSON_TYPE, ("Expect", "100-continue")), body=GOOD),
    "length with zeros": Request(
        "POST", "/predict", headers=(*JSON_TYPE, ("Content-Length", f"000{len(GOOD)}")), body=GOOD
    ),
}
_LOGINS = {
    "empty strings": login('{"username": "", "password": ""}'),
    "lone surrogates": login('{"username": "\\ud800", "password": "\\udfff"}'),
    "repeated keys": login('{"username": 1, "username": "tester", "password": "x", "password": 2}'),
    "NUL": login('{"username": "\\u0000", "password": "\\u0000"}'),
    "one missing, one of a wrong type": login('{"username": 1}'),
    "query instead of a body": Request("POST", "/login?username=tester&password=x", signed_in=False),
}
_PATHS = {
    f"{method} {target}"[:50]: Request(method, target, headers=())
    for method in ("GET", "POST", "HEAD", "OPTIONS")
    for target in (
        "/%68ealth",
        "/health%2F",
        "/health%00",
        "/health%0A",
        "/health;x=1",
        "/./health",
        "/x/../health",
        "/health/.",
        "/health/..",
        "/%2e/health",
        "/health%3Fx",
        "/health?%",
        "/health#x",
        "/health//",
        "///",
        "/%",
        "/%zz",
        "/%c3%28",
        "/%E2%80%A8",
        "/cache%2Fclear",
        "/cache/../cache/stats",
        "/ws/predict/",
        "/docs/",
        "/docs/;a=1",
        "/docs/no-such-file",
        "/openapi.yaml",
        "/static/../health",
        "/static/%2e%2e/health",
        "http://example.org/health",
        "http://example.org/no-such-path",
    )
}
_METHODS = {
    f"{method} {path}": Request(method, path, headers=())
    for method in ("TRACE", "PROPFIND", "LOCK", "PATCH", "SEARCH", "M-SEARCH", "LINK")
    for path in ("/health", "/no-such-path")
}
_HEADERS = {
    "two request ids": Request("GET", "/health", headers=(("X-Request-ID", "a"), ("X-Request-ID", "b"))),
    "metrics as OpenMetrics": Request("GET", "/metrics", headers=(("Accept", "application/openmetrics-text"),)),
    "metrics compressed": Request("GET", "/metrics", headers=(("Accept-Encoding", "gzip"),)),
    "metrics filtered": Request("GET", "/metrics?name[]=service_info"),
    "json not acceptable": Request("GET", "/health", headers=(("Accept", "text/html"),)),
    "a cookie": Request("GET", "/health", headers=(("Cookie", "session=x"),)),
    "if none match": Request("GET", "/model-info", headers=(("If-None-Match", "*"),)),
    "a range": Request("GET", "/model-info", headers=(("Range", "bytes=0-3"),)),
    "another method by header": Request("GET", "/health", headers=(("X-HTTP-Method-Override", "DELETE"),)),
    "an upgrade": Request("GET", "/health", headers=(("Connection", "Upgrade"), ("Upgrade", "h2c"))),
}

SILENT = {
    f"{group}: {name}": request
    for group, requests in {
        "authorization": _AUTHORIZATIONS,
        "content type": _CONTENT_TYPES,
        "body": _BODIES,
        "login": _LOGINS,
        "path": _PATHS,
        "method": _METHODS,
        "header": _HEADERS,
    }.items()
    for name, request in requests.items()
}
