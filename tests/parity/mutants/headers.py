"""Planted around the documents: headers, media types, bodies that are no document, metrics."""

import re
import uuid
from collections.abc import Callable

from serving_lab.parity.judgement.difference import DifferenceKind

from parity.mutants.http import Answer, Request
from parity.mutants.mutant import Change, Mutant, Plant, body, header, no_header, on, status, text, where

_PAGE = b"<!doctype html>\n<title>404 Not Found</title>\n"


def own_request_id(request: Request, answer: Answer) -> Answer:
    """Make a new id even where the client sent one."""
    return answer.with_header("X-Request-ID", uuid.uuid4().hex) if request.header("X-Request-ID") else answer


def timed(told: Callable[[str], str]) -> Plant:
    """Tell the process time in another way."""

    def change(answer: Answer) -> Answer:
        seconds = answer.header("X-Process-Time")
        return answer.with_header("X-Process-Time", told(seconds)) if seconds else answer

    return where(lambda _: True, change)


def metrics(pattern: str, replacement: str) -> Change:
    """Write something else in every line of the exposition that has the pattern."""
    return lambda answer: answer.with_body(re.sub(pattern, replacement, answer.body.decode()).encode())


MESSAGES = (
    Mutant(
        "challenge missing",
        on("*", 401, no_header("WWW-Authenticate")),
        kind=DifferenceKind.HEADER_MISSING,
        where="header www-authenticate",
        operation="POST /predict",
        round=2,
    ),
    Mutant(
        "another challenge",
        on("*", 401, header("WWW-Authenticate", "Basic")),
        kind=DifferenceKind.HEADER_VALUE,
        where="header www-authenticate",
        operation="POST /predict",
        round=3,
    ),
    Mutant(
        "Allow missing",
        on("*", 405, no_header("Allow")),
        kind=DifferenceKind.HEADER_MISSING,
        where="header allow",
        operation="GET /predict",
        round=2,
    ),
    Mutant(
        "Allow names more",
        on("* /predict", 405, header("Allow", "POST, PUT")),
        kind=DifferenceKind.HEADER_VALUE,
        where="header allow",
        operation="GET /predict",
        round=3,
    ),
    Mutant(
        "CORS header leaked",
        on("*", 200, header("Access-Control-Allow-Origin", "*")),
        kind=DifferenceKind.HEADER_EXTRA,
        where="header access-control-allow-origin",
        operation="GET /health",
        round=2,
    ),
    Mutant(
        "cookie set",
        on("*", 200, header("Set-Cookie", "a=1")),
        kind=DifferenceKind.HEADER_EXTRA,
        where="header set-cookie",
        operation="POST /login",
        round=3,
    ),
    Mutant(
        "Retry-After added",
        on("*", 401, header("Retry-After", "1")),
        kind=DifferenceKind.HEADER_EXTRA,
        where="header retry-after",
        operation="POST /login",
        round=4,
    ),
    Mutant(
        "redirect elsewhere",
        on("GET /*", 404, status(307), header("Location", "/health?")),
        both=on("GET /*", 404, status(307), header("Location", "/health")),
        kind=DifferenceKind.HEADER_VALUE,
        where="header location",
        operation="GET /no-such-path",
        round=2,
    ),
    Mutant(
        "request id missing on errors",
        on("*", 400, no_header("X-Request-ID")),
        kind=DifferenceKind.HEADER_MISSING,
        where="header x-request-id",
        operation="POST /predict",
        round=3,
    ),
    Mutant(
        "request id not taken over",
        lambda: own_request_id,
        kind=DifferenceKind.HEADER_VALUE,
        where="header x-request-id",
        operation="GET /health",
        round=3,
    ),
    Mutant(
        "process time missing",
        on("*", 404, no_header("X-Process-Time")),
        kind=DifferenceKind.HEADER_MISSING,
        where="header x-process-time",
        operation="GET /no-such-path",
        round=3,
    ),
    Mutant(
        "process time constant",
        timed(lambda _: "0.001234"),
        kind=DifferenceKind.CONSTANT,
        where="header x-process-time",
        operation="any",
        round=5,
    ),
    Mutant(
        "process time with a unit",
        timed(lambda seconds: f"{seconds} s"),
        kind=DifferenceKind.FORM,
        where="header x-process-time",
        operation="GET /health",
        round=7,
    ),
    Mutant(
        "charset added",
        on("GET /health", 200, header("Content-Type", "application/json; charset=utf-8")),
        kind=DifferenceKind.CONTENT_TYPE,
        where="header content-type",
        operation="GET /health",
        round=1,
    ),
    Mutant(
        "text instead of JSON",
        on("POST /login", 200, header("Content-Type", "text/plain")),
        kind=DifferenceKind.CONTENT_TYPE,
        where="header content-type",
        operation="POST /login",
        round=2,
    ),
    Mutant(
        "another exposition format",
        on("GET /metrics", 200, header("Content-Type", "text/plain; version=1.0.0; charset=utf-8")),
        kind=DifferenceKind.CONTENT_TYPE,
        where="header content-type",
        operation="GET /metrics",
        round=3,
    ),
    Mutant(
        "error page",
        on("*", 404, body(_PAGE), header("Content-Type", "text/html; charset=utf-8")),
        kind=DifferenceKind.CONTENT_TYPE,
        where="header content-type",
        operation="GET /no-such-path",
        round=4,
    ),
    Mutant(
        "empty body",
        on("POST /predict", 200, body(b"")),
        kind=DifferenceKind.BODY,
        where="body",
        operation="POST /predict",
        round=2,
    ),
    Mutant(
        "body cut short",
        on("GET /model-info", 200, text('"}', "")),
        kind=DifferenceKind.BODY,
        where="body",
        operation="GET /model-info",
        round=1,
    ),
)

METRICS = (
    Mutant(
        "family missing",
        on("GET /metrics", 200, metrics(r"(?m)^.*\bpredictions_total\b.*\n", "")),
        kind=DifferenceKind.METRIC_MISSING,
        where="metric predictions",
        operation="GET /metrics",
        round=4,
    ),
    Mutant(
        "family renamed",
        on("GET /metrics", 200, metrics("http_requests_in_progress", "http_requests_inprogress")),
        kind=DifferenceKind.METRIC_MISSING,
        where="metric http_requests_in_progress",
        operation="GET /metrics",
        round=5,
        consequences=frozenset({(DifferenceKind.METRIC_EXTRA, "metric http_requests_inprogress")}),
    ),
    Mutant(
        "metric of another type",
        on("GET /metrics", 200, metrics("service_workers gauge", "service_workers untyped")),
        kind=DifferenceKind.METRIC_FORM,
        where="metric service_workers",
        operation="GET /metrics",
        round=6,
    ),
    Mutant(
        "label renamed",
        on("GET /metrics", 200, metrics('reason="', 'cause="')),
        kind=DifferenceKind.METRIC_FORM,
        where="metric auth_failures",
        operation="GET /metrics",
        round=7,
    ),
    Mutant(
        "bucket moved",
        on("GET /metrics", 200, metrics('le="0.0005",method', 'le="0.0006",method')),
        kind=DifferenceKind.METRIC_FORM,
        where="metric http_request_duration_seconds",
        operation="GET /metrics",
        round=8,
    ),
)

HEADERS = MESSAGES + METRICS
