"""What every answer of the contract has in common, and what of an answer two services are compared by."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from support.services import BASELINE, CANDIDATES

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")

# What may differ between two right answers to the same request: clocks, and what is made from them.
VOLATILE_FIELDS = frozenset({"timestamp", "uptime_seconds", "inference_ms", "token"})

COMPARED_HEADERS = ("content-type", "www-authenticate", "allow", "location", "vary", "cache-control", "set-cookie")


def assert_contract_headers(response: httpx.Response) -> None:
    """Check the headers that every response carries, errors included."""
    assert REQUEST_ID.fullmatch(response.headers.get("X-Request-ID", "")), response.headers
    seconds = float(response.headers.get("X-Process-Time", "nan"))
    assert math.isfinite(seconds), response.headers
    assert 0 <= seconds < 30
    assert ("WWW-Authenticate" in response.headers) == (response.status_code == 401)
    assert ("Allow" in response.headers) == (response.status_code == 405)
    assert response.headers.get("Retry-After", "").isdigit() == (response.status_code == 429)


def assert_error(response: httpx.Response, status: int, message: str) -> str | None:
    """Check that the response is this error in the contract's form, and return its detail."""
    assert response.headers.get("Content-Type") == "application/json", response.text
    body = response.json()
    assert (response.status_code, body.get("error")) == (status, message)
    assert set(body) == {"error", "detail"}
    assert_contract_headers(response)
    if status == 401:
        assert response.headers["WWW-Authenticate"] == "Bearer"
    detail = body["detail"]
    assert detail is None or isinstance(detail, str)
    return detail


@dataclass(frozen=True)
class Answer:
    """What a client can tell two answers apart by."""

    status: int
    json: Any
    headers: dict[str, str | None] = field(default_factory=dict)


def assert_all_alike(found: Mapping[str, object]) -> None:
    """Check that what was found on each candidate is what was found on the baseline."""
    for name in CANDIDATES:
        assert found[name] == found[BASELINE], name


def comparable(response: httpx.Response) -> Answer:
    """Return the answer without what may differ from one moment to the next."""
    headers = {name: response.headers.get(name) for name in COMPARED_HEADERS}
    headers |= {name: value for name, value in response.headers.items() if name.startswith("access-control-")}
    is_json = response.content and response.headers.get("Content-Type", "").startswith("application/json")
    return Answer(response.status_code, _stable(response.json()) if is_json else None, headers)


def _stable(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {key: type(item).__name__ if key in VOLATILE_FIELDS else _stable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_stable(item) for item in value]
    # 1 and 1.0 and true are equal in Python but not to a client with types.
    return type(value).__name__, value
