"""Tokens: what a black box cannot see of them."""

from __future__ import annotations

import jwt
import pytest
from serving_core.settings import Settings
from serving_core.tokens import AuthenticationError, Tokens

KEY = "k" * 32


@pytest.fixture
def tokens() -> Tokens:
    environment = {"SECRET_KEY": KEY, "API_USERNAME": "lab", "API_PASSWORD": "secret"}
    return Tokens(Settings.from_environment(environment, default_port=1))


def test_a_remembered_token_still_expires(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    token = tokens.issue("lab")
    assert tokens.authenticate(f"Bearer {token}") == "lab"
    expiry = jwt.decode(token, KEY, algorithms=["HS256"])["exp"]
    monkeypatch.setattr("time.time", lambda: float(expiry))
    with pytest.raises(AuthenticationError) as refused:
        tokens.authenticate(f"Bearer {token}")
    assert (refused.value.reason, refused.value.detail) == ("expired", "Token has expired")


def test_a_token_that_failed_is_not_remembered(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 2_000_000_000
    early = jwt.encode({"user": "lab", "iat": now, "exp": now + 60}, KEY, algorithm="HS256")
    with pytest.raises(AuthenticationError):
        tokens.authenticate(early)
    monkeypatch.setattr("jwt.api_jwt.PyJWT._validate_iat", lambda *_args: None)
    assert tokens.authenticate(early) == "lab"
