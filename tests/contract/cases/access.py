"""Credentials and the form of the Authorization header; forged tokens are in the tests, they need the key."""

from support.wire import Request

from contract.cases import Fault
from contract.cases.bodies import GOOD

PROTECTED = (
    Request("POST", "/predict", body=GOOD, signed_in=False),
    Request("POST", "/batch-predict", body=b'{"samples": []}', signed_in=False),
    Request("GET", "/cache/stats", signed_in=False),
    Request("POST", "/cache/clear", signed_in=False),
)

NO_TOKEN = [Fault(f"{request.method} {request.target}", request, 401, "Token is missing") for request in PROTECTED]

BAD_TOKENS = [
    Fault(f"{request.target} {value!r}"[:60], request.with_headers(("Authorization", value)), 401, "Token is invalid")
    for request in PROTECTED
    for value in (
        "Bearer x",
        "Bearer a.b.c",
        "Bearer ..",
        "Bearer eyJhbGciOiJIUzI1NiJ9.e30.",
        "Bearer é.é.é",
        "Bearer " + "x" * 4000,
        "Basic dGVzdGVyOnNlY3JldA==",
        "Token x",
        "x",
        "a.b.c",
        "Bearer null",
    )
]


def login(body: str | bytes) -> Request:
    """Return a login request with this body."""
    return Request("POST", "/login", body=body if isinstance(body, bytes) else body.encode(), signed_in=False)


LOGIN_FAULTS = [
    *[
        Fault(f"missing: {body}", login(body), 400, "Missing credentials")
        for body in (
            '{"username": "tester"}',
            '{"password": "secret"}',
            '{"user": "tester", "pass": "secret"}',
            '{"username": null, "password": "secret"}',
            '{"username": "tester", "password": null}',
            '{"username": 1, "password": "secret"}',
            '{"username": "tester", "password": 1.5}',
            '{"username": true, "password": false}',
            '{"username": ["tester"], "password": "secret"}',
            '{"username": "tester", "password": {"value": "secret"}}',
        )
    ],
    *[
        Fault(f"wrong: {body}"[:60], login(body), 401, "Invalid credentials")
        for body in (
            '{"username": "tester", "password": "wrong"}',
            '{"username": "nobody", "password": "correct horse battery staple"}',
            '{"username": "TESTER", "password": "correct horse battery staple"}',
            '{"username": "tester", "password": "correct horse battery staple "}',
            '{"username": "tester", "password": "correct horse battery stapl"}',
            '{"username": "тестер", "password": "пароль"}',
            '{"username": "tester\\u0000", "password": "\\u0000"}',
            '{"username": "tester", "password": "🎉"}',
            '{"username": "tester", "password": "' + "x" * 100_000 + '"}',
        )
    ],
]
