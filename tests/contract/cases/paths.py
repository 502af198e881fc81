"""Paths and methods."""

from support.wire import Request

from contract.cases import Fault
from contract.cases.bodies import GOOD

GET_PATHS = ("/health", "/ready", "/model-info", "/cache/stats", "/metrics")
POST_PATHS = ("/login", "/predict", "/batch-predict", "/cache/clear")
ALLOWED = {path: {"GET", "HEAD"} for path in GET_PATHS} | {path: {"POST"} for path in POST_PATHS}

UNKNOWN_PATHS = [
    Fault(f"{method} {target}", Request(method, target, body=GOOD if method == "POST" else b""), 404, "Not found")
    for method in ("GET", "POST", "OPTIONS", "DELETE")
    for target in (
        "/",
        "/no-such-path",
        "/predict/",
        "/health/",
        "/cache",
        "/cache/",
        "/cache/stats/",
        "//",
        "//predict",
        "//health",
        "/cache//stats",
        "/HEALTH",
        "/Predict",
        "/health.json",
        "/static/",
        "/static/x.js",
        "/favicon.ico",
        "/predict%20",
        "/%ff",
        "/%00",
        "/a%2Fb",
        "/" + "x" * 2000,
        "/%D0%BF%D1%83%D1%81%D1%82%D0%BE%D0%B9",
    )
]

WRONG_METHODS = [
    Fault(f"{method} {path}", Request(method, path, headers=()), 405, "Method not allowed")
    for path, allowed in ALLOWED.items()
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
    if method not in allowed
]
