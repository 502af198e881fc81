"""Results of `lab parity`."""

import msgspec
from serving_lab.parity.judgement.difference import DifferenceKind
from serving_lab.parity.result import CauseRecord, Example, Intended, NoiseRecord, ParityResult, Sent, Side

HOSTILE = "</script></td><script>alert('x')</script><img src=x onerror=alert(1)>&amp;"
PREDICT = """curl -isS -X POST -H "Authorization: Bearer ${{TOKEN}}" --data-raw '{{"features": [1]}}' {url}/predict"""
PRIMARY, CANDIDATE = "http://127.0.0.1:5000", "http://127.0.0.1:8000"


def make_example(**changes: object) -> Example:
    example = Example(
        case="corpus: predict/without a token",
        primary_command=PREDICT.format(url=PRIMARY),
        candidate_command=PREDICT.format(url=CANDIDATE),
        primary_answer='401\ncontent-type: application/json\nwww-authenticate: Bearer\n\n{"error":"Token is missing"}',
        candidate_answer='403\ncontent-type: application/json\n\n{"error":"Token is missing"}',
    )
    return msgspec.structs.replace(example, **changes)


def make_cause(**changes: object) -> CauseRecord:
    cause = CauseRecord(
        kind=DifferenceKind.STATUS,
        where="status",
        primary="401",
        candidate="403",
        operations={"POST /predict": 850, "GET /cache/stats": 50},
        count=900,
        compared=1200,
        relative=None,
        repeated=5,
        reproduced=5,
        follows=["header missing: header www-authenticate", "content type: header content-type"],
        example=make_example(),
    )
    return msgspec.structs.replace(cause, **changes)


def make_intended(**changes: object) -> Intended:
    intended = Intended(
        reason="The new service documents itself",
        request="GET /docs",
        kind="status",
        where="status",
        count=12,
        tried=12,
    )
    return msgspec.structs.replace(intended, **changes)


def make_parity(**changes: object) -> ParityResult:
    """Return a result: the same, unless changed."""
    result = ParityResult(
        verdict="same",
        why="10,000 requests were answered alike, but for 2 declared differences.",
        started="2026-11-22T08:00:00+00:00",
        seconds=192.4,
        seed=7,
        repeat=1,
        primary=Side(url=PRIMARY, server="gunicorn", preparation=["TOKEN=$(curl -sS http://127.0.0.1:5000/login)"]),
        candidate=Side(url=CANDIDATE, server="uvicorn", preparation=["TOKEN=$(curl -sS http://127.0.0.1:8000/login)"]),
        second_primary=None,
        sources={"corpus": 612, "raw": 88, "surface": 300, "generated": 9000},
        causes=[],
        unsteady=[],
        intended=[make_intended(), make_intended(request="GET /redoc", count=3, tried=3)],
        noise=[
            NoiseRecord(
                request="any",
                where="header x-process-time",
                forms=["decimal number as text"],
                example="0.001",
                late=False,
            ),
            NoiseRecord(
                request="GET /health 200", where="$.timestamp", forms=["ISO 8601 time"], example="2026", late=True
            ),
        ],
        operations=[
            Sent(request="GET /health", count=3000, differing=0, detectable_rate=0.000998),
            Sent(request="POST /predict", count=7000, differing=0, detectable_rate=0.000428),
        ],
        detectable_rate=0.0002995,
        warnings=[],
    )
    return msgspec.structs.replace(result, **changes)


def make_different(*causes: CauseRecord, **changes: object) -> ParityResult:
    why = "Differences that nobody has declared, in 10,000 requests."
    return make_parity(**{"verdict": "different", "why": why, "causes": list(causes), **changes})


def make_many(number: int = 25) -> ParityResult:
    """Return a result with what is hard to show: long and hostile texts, unicode, megabytes, several steps."""
    kinds = [
        ("status", "status", "405", "404"),
        ("header missing", "header www-authenticate", "Bearer", None),
        ("header value", "header content-type", "application/json", "application/json; charset=utf-8"),
        ("text", "$.error", "Feature 3 must be a number", HOSTILE),
        ("null against absent", "$.detail", "null", None),
        ("number", "$.predictions[*]", "152.133484165", "152.133636298"),
        ("text", '$["ключ 漢字"]', "Zoë 🎉 " * 14, "Zoe \\u202e" * 20),
        ("metric missing", "metric http_request_duration_seconds_bucket_of_a_long_name", "histogram", None),
        ("no answer", "connection", None, "closed without an answer"),
        ("text", "$" + ".deeply[*].nested" * 12, "a" * 119 + "…", "b" * 119 + "…"),
    ]
    causes = []
    for index in range(number):
        kind, where, primary, candidate = kinds[index % len(kinds)]
        body = (
            '{"error": "'
            + (HOSTILE + "Zoë 漢字 🎉 ") * 4
            + '", "padding": "'
            + "x" * (1 << 20 if index == 3 else 50)
            + '"}'
        )
        lines = f"curl -isS {PRIMARY}/first\n" * (index % 3) + PREDICT.format(url=PRIMARY)
        causes.append(
            make_cause(
                kind=kind,
                where=where,
                primary=primary,
                candidate=candidate,
                operations={f"POST /v{step}/{'long/' * step}{{item}}": 9 for step in range(1 + index % 9)},
                count=9 * (1 + index % 9),
                relative=1e-6 if kind == "number" else None,
                reproduced=index % 6,
                follows=["body", "content type", HOSTILE] if index % 2 else [],
                example=make_example(
                    case=f"generated: {HOSTILE if index == 4 else 'request'} {index}",
                    primary_command=lines,
                    candidate_command=f"printf '{'a' * 1900}' | " + lines,
                    primary_answer=f"200\ncontent-type: application/json\nx-a: {'very-long-value-' * 20}\n\n{body}",
                    candidate_answer=f"400\ncontent-type: application/json\n\n{body.replace('error', 'ERROR')}",
                ),
            )
        )
    stale = make_intended(reason=HOSTILE, request="* /graphql", count=0, tried=44)
    untried = make_intended(request="GET /redoc", kind="header value", where="header x-a", count=0, tried=0)
    return make_different(
        *causes,
        unsteady=[make_cause(kind="missing field", where="$.extra", primary="1", candidate=None, repeated=0)],
        intended=[make_intended(), stale, untried],
        warnings=["generation stopped early: " + HOSTILE],
        second_primary=Side(url="http://127.0.0.1:5001", server=None),
    )


def make_cannot_tell() -> ParityResult:
    return make_parity(
        verdict="cannot tell",
        why="The candidate does not answer at http://127.0.0.1:8000: Connection refused.",
        sources={"corpus": 31},
        operations=[Sent(request="GET /health", count=31, differing=0, detectable_rate=0.092)],
        detectable_rate=0.092,
        warnings=["Stopped after 31 requests."],
    )
