"""Planted in what shows over several requests, or of some alone: tokens, caches, clocks, rates."""

import itertools
import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import jwt
from serving_lab.parity.judgement.difference import DifferenceKind
from support.services import SECRET_KEY, USERNAME

from parity.mutants.http import Answer, Request
from parity.mutants.mutant import Mutant, field, fields, on, refusal, text
from parity.mutants.proxy import Mutation, Rewrite

HOUR_SECONDS = 3600
_BEARER = re.compile(rb"(?i)(\r\nauthorization: bearer )([\w-]+\.[\w-]+\.[\w-]*)")
_ALGORITHMS = ["HS256", "HS384", "HS512", "none"]
_CLAIMS = {"user", "iat", "exp"}

Judge = Callable[[str, Mapping[str, Any]], bool]


def accepting(wanted: Judge) -> Rewrite:
    """Let tokens with this algorithm and these claims pass: a good one goes to the service in their place."""

    def better(found: re.Match[bytes]) -> bytes:
        token = found[2].decode()
        try:
            algorithm = jwt.get_unverified_header(token)["alg"]
            claims = jwt.decode(
                token,
                SECRET_KEY,
                algorithms=_ALGORITHMS,
                options={"verify_signature": algorithm != "none", "verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError:
            return found[0]
        return found[1] + issued(HOUR_SECONDS).encode() if wanted(algorithm, claims) else found[0]

    return lambda sent: _BEARER.sub(better, sent)


def issued(lifetime_seconds: int) -> str:
    """A good token."""
    now = int(time.time())
    return jwt.encode({"user": USERNAME, "iat": now, "exp": now + lifetime_seconds}, SECRET_KEY, algorithm="HS256")


def expired(algorithm: str, claims: Mapping[str, Any]) -> bool:
    """Whether this alone is wrong with a token."""
    return (
        algorithm == "HS256"
        and claims.keys() >= _CLAIMS
        and isinstance(claims["exp"], int)
        and claims["exp"] < time.time()
    )


def refusing(authorization: str) -> Callable[[], Mutation]:
    """Refuse what this pattern finds in the Authorization header, good token or not."""
    pattern = re.compile(authorization)

    def mutation(request: Request, answer: Answer) -> Answer:
        found = pattern.search(request.header("Authorization") or "")
        return refusal(401, "Token is invalid")(answer) if found and answer.status == 200 else answer

    return lambda: mutation


def remembering(key: Callable[[list[float]], str], *, prediction: bool) -> Callable[[], Mutation]:
    """A cache of its own that nothing clears, which takes rows with the same key for one."""

    def plant() -> Mutation:
        known: dict[str, float] = {}

        def mutation(request: Request, answer: Answer) -> Answer:
            if request.operation != "POST /predict" or answer.status != 200:
                return answer
            row = key(request.json()["features"])
            if row not in known:
                known[row] = answer.json()["prediction"]
                return answer
            return fields(cached=True, **({"prediction": known[row]} if prediction else {}))(answer)

        return mutation

    return plant


def constant(name: str) -> Mutation:
    """Answer with the first value for ever."""
    first: dict[str, Any] = {}

    def mutation(_: Request, answer: Answer) -> Answer:
        document = answer.json()
        if not isinstance(document, dict) or name not in document:
            return answer
        return fields(**{name: first.setdefault(name, document[name])})(answer)

    return mutation


def two_hours_ahead(timestamp: str) -> str:
    """The time of a zone east of Greenwich, told as if it were UTC."""
    return (datetime.fromisoformat(timestamp) + timedelta(hours=2)).isoformat()


def one_in(number: int) -> Mutation:
    """Fail at every so many requests."""
    count = itertools.count(1)
    return lambda _, answer: refusal(500, "Internal server error")(answer) if next(count) % number == 0 else answer


TOKENS = (
    Mutant(
        "expired token accepted",
        rewrite=accepting(expired),
        kind=DifferenceKind.STATUS,
        where="status",
        told="200",
        operation="GET /cache/stats",
        round=2,
    ),
    Mutant(
        "other algorithm accepted",
        rewrite=accepting(lambda algorithm, _: algorithm in {"HS384", "HS512"}),
        kind=DifferenceKind.STATUS,
        where="status",
        told="200",
        operation="GET /cache/stats",
        round=3,
    ),
    Mutant(
        "unsigned token accepted",
        rewrite=accepting(lambda algorithm, _: algorithm == "none"),
        kind=DifferenceKind.STATUS,
        where="status",
        told="200",
        operation="GET /cache/stats",
        round=4,
    ),
    Mutant(
        "missing claim accepted",
        rewrite=accepting(lambda algorithm, claims: algorithm == "HS256" and not claims.keys() >= _CLAIMS),
        kind=DifferenceKind.STATUS,
        where="status",
        told="200",
        operation="GET /cache/stats",
        round=5,
    ),
    Mutant(
        "bare token refused",
        refusing("^[^ ]+$"),
        kind=DifferenceKind.STATUS,
        where="status",
        told="401",
        operation="GET /cache/stats",
        round=7,
    ),
    Mutant(
        "scheme in lower case refused",
        refusing("^bearer "),
        kind=DifferenceKind.STATUS,
        where="status",
        told="401",
        operation="GET /cache/stats",
        round=6,
    ),
    Mutant(
        "token that lives an hour",
        on("POST /login", 200, field("token", lambda _: issued(HOUR_SECONDS))),
        kind=DifferenceKind.FORM,
        where="$.token",
        operation="POST /login",
        round=5,
    ),
    Mutant(
        "another lifetime told",
        on("POST /login", 200, fields(expires_in=HOUR_SECONDS)),
        kind=DifferenceKind.NUMBER,
        where="$.expires_in",
        operation="POST /login",
        round=1,
    ),
)

CACHES = (
    Mutant(
        "cache that nothing clears",
        remembering(lambda row: json.dumps([float(value) for value in row]), prediction=False),
        kind=DifferenceKind.VALUE,
        where="$.cached",
        operation="POST /predict",
        round=7,
    ),
    Mutant(
        "cache that takes near rows for one",
        remembering(lambda row: " ".join(f"{value:.6g}" for value in row), prediction=True),
        kind=DifferenceKind.VALUE,
        where="$.cached",
        operation="POST /predict",
        round=8,
        consequences=frozenset({(DifferenceKind.NUMBER, "$.prediction")}),
    ),
    Mutant(
        "hits not counted",
        on("GET /cache/stats", 200, fields(hits=0)),
        kind=DifferenceKind.NUMBER,
        where="$.hits.grown",
        operation="GET /cache/stats",
        round=1,
        consequences=frozenset({(DifferenceKind.CONSTANT, "$.hits")}),
    ),
    Mutant(
        "what was cleared not counted",
        on("POST /cache/clear", 200, fields(cleared=0)),
        kind=DifferenceKind.NUMBER,
        where="$.cleared",
        operation="POST /cache/clear",
        round=6,
    ),
)

CLOCKS = (
    Mutant(
        "timestamp constant",
        lambda: constant("timestamp"),
        kind=DifferenceKind.CONSTANT,
        where="$.timestamp",
        operation="GET /health",
        round=1,
    ),
    Mutant(
        "timestamp in local time",
        on("GET /health", 200, field("timestamp", two_hours_ahead)),
        kind=DifferenceKind.CLOCK,
        where="$.timestamp",
        operation="GET /health",
        round=2,
    ),
    Mutant(
        "timestamp without zone",
        on("GET /health", 200, text("+00:00", "")),
        kind=DifferenceKind.FORM,
        where="$.timestamp",
        operation="GET /health",
        round=3,
    ),
    Mutant(
        "uptime constant",
        lambda: constant("uptime_seconds"),
        kind=DifferenceKind.CONSTANT,
        where="$.uptime_seconds",
        operation="GET /health",
        round=4,
    ),
    Mutant(
        "uptime in whole seconds",
        on("GET /health", 200, field("uptime_seconds", int)),
        kind=DifferenceKind.NUMBER_TYPE,
        where="$.uptime_seconds",
        operation="GET /health",
        round=5,
    ),
    Mutant(
        "inference time constant",
        on("POST /batch-predict", 200, fields(inference_ms=0.5)),
        kind=DifferenceKind.CONSTANT,
        where="$.inference_ms",
        operation="POST /batch-predict",
        round=7,
    ),
)

RATES = (
    Mutant(
        "one in a thousand fails",
        lambda: one_in(1000),
        predictions=1000,
        kind=DifferenceKind.STATUS,
        where="status",
        told="500",
        operation=None,
        round=6,
    ),
)


BEHAVIOUR = TOKENS + CACHES + CLOCKS + RATES
