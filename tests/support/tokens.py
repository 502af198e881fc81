"""Tokens that /login would never give out."""

import time
import warnings
from typing import Any

import jwt

LEEWAY_SECONDS = 5
"""How far clocks may disagree, according to the contract."""


def claims(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a claim may be anything, that is what is tested
    """Return valid claims with changes; a claim that is None is left out."""
    now = int(time.time())
    merged = {"user": "tester", "iat": now, "exp": now + 3600} | changes
    return {name: value for name, value in merged.items() if value is not None}


def sign(payload: dict[str, Any], key: str, algorithm: str = "HS256") -> str:
    """Return the claims as a signed token."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=jwt.warnings.InsecureKeyLengthWarning)
        return jwt.encode(payload, key if algorithm != "none" else None, algorithm=algorithm)
