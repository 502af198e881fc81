"""Planted in what is answered at all: the status, and what becomes of the connection."""

import re
from dataclasses import replace

from serving_lab.parity.judgement.difference import DifferenceKind

from parity.mutants.mutant import Mutant, header, on, refusal, status, where

LIMIT_BYTES = 1_048_576

STATUS = (
    Mutant(
        "201 for 200",
        on("POST /predict", 200, status(201)),
        kind=DifferenceKind.STATUS,
        where="status",
        told="201",
        operation="POST /predict",
        round=1,
    ),
    Mutant(
        "422 for 400",
        on("*", 400, status(422)),
        kind=DifferenceKind.STATUS,
        where="status",
        told="422",
        operation="POST /predict",
        round=1,
    ),
    Mutant(
        "403 for 401",
        on("*", 401, status(403)),
        kind=DifferenceKind.STATUS,
        where="status",
        told="403",
        operation="POST /predict",
        round=1,
    ),
    Mutant(
        "500 for broken JSON",
        lambda: (
            lambda _, answer: (
                refusal(500, "Internal server error")(answer) if b"Malformed JSON" in answer.body else answer
            )
        ),
        kind=DifferenceKind.STATUS,
        where="status",
        told="500",
        operation="POST /predict",
        round=2,
    ),
    Mutant(
        "404 for 405",
        on("*", 405, refusal(404, "Not found")),
        kind=DifferenceKind.STATUS,
        where="status",
        told="404",
        operation="GET /predict",
        round=1,
    ),
    Mutant(
        "preflight answered",
        on("OPTIONS *", 405, status(200)),
        kind=DifferenceKind.STATUS,
        where="status",
        told="200",
        operation="OPTIONS /predict",
        round=6,
    ),
    Mutant(
        "HEAD refused",
        on("HEAD *", 200, status(405)),
        kind=DifferenceKind.STATUS,
        where="status",
        told="405",
        operation="HEAD /health",
        round=1,
    ),
    Mutant(
        "trailing slash redirected",
        where(lambda request: request.path.endswith("h/"), lambda a: header("Location", "/health")(status(307)(a))),
        kind=DifferenceKind.STATUS,
        where="status",
        told="307",
        operation="GET /health/",
        round=1,
    ),
    Mutant(
        "trailing slash served",
        rewrite=lambda sent: re.sub(rb"^(\w+ /\w+)/ ", rb"\1 ", sent),
        kind=DifferenceKind.STATUS,
        where="status",
        operation="GET /health/",
        round=8,
    ),
    Mutant(
        "size limit off by one",
        where(lambda request: len(request.body) == LIMIT_BYTES, refusal(413, "Request body too large")),
        kind=DifferenceKind.STATUS,
        where="status",
        told="413",
        operation="POST /predict",
        round=1,
    ),
    Mutant(
        "chunked body refused",
        where(lambda request: request.header("Transfer-Encoding") == "chunked", refusal(411, "Length required")),
        kind=DifferenceKind.STATUS,
        where="status",
        told="411",
        operation="POST /predict",
        round=5,
    ),
)

CONNECTION = (
    Mutant(
        "closed after each answer",
        where(lambda _: True, lambda a: replace(header("Connection", "close")(a), close=True)),
        kind=DifferenceKind.CONNECTION,
        where="connection",
        operation="GET /health",
        round=7,
        consequences=frozenset({(DifferenceKind.NO_ANSWER, "connection")}),
    ),
    Mutant(
        "closed without a word",
        where(lambda _: True, lambda a: replace(a, close=True)),
        kind=DifferenceKind.CONNECTION,
        where="connection",
        operation="raw POST /login",
        round=8,
        consequences=frozenset({(DifferenceKind.NO_ANSWER, "connection")}),
    ),
    Mutant(
        "reset where a body is too large",
        on("*", 413, lambda a: replace(a, reset=True)),
        kind=DifferenceKind.NO_ANSWER,
        where="connection",
        operation="POST /predict",
        round=2,
    ),
    Mutant(
        "pipelined answers lost",
        where(lambda request: request.pipelined, lambda _: None),
        kind=DifferenceKind.NO_ANSWER,
        where="connection",
        operation="raw GET /health",
        round=4,
    ),
)

STATUSES = STATUS + CONNECTION
