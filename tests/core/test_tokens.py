"""Tokens: what a black box cannot see of them."""

import jwt
import pytest
from serving_core.http.tokens import LEEWAY_SECONDS, AuthenticationError, Tokens
from serving_core.runtime.settings import Settings

KEY = "k" * 32


@pytest.fixture
def tokens() -> Tokens:
    environment = {"SECRET_KEY": KEY, "API_USERNAME": "lab", "API_PASSWORD": "secret"}
    return Tokens(Settings.from_environment(environment, default_port=1))


def test_a_remembered_token_still_expires(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    token = tokens.issue("lab")
    assert tokens.authenticate(f"Bearer {token}") == "lab"
    expiry = jwt.decode(token, KEY, algorithms=["HS256"])["exp"]
    monkeypatch.setattr("time.time", lambda: float(expiry + LEEWAY_SECONDS - 1))
    assert tokens.authenticate(f"Bearer {token}") == "lab"
    monkeypatch.setattr("time.time", lambda: float(expiry + LEEWAY_SECONDS))
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


def test_while_a_key_is_replaced_both_are_accepted_and_the_new_one_signs() -> None:
    def tokens_with(**keys: str) -> Tokens:
        environment = {"API_USERNAME": "lab", "API_PASSWORD": "secret", **keys}
        return Tokens(Settings.from_environment(environment, default_port=1))

    before, after = tokens_with(SECRET_KEY=KEY), tokens_with(SECRET_KEY="n" * 32)
    between = tokens_with(SECRET_KEY="n" * 32, SECRET_KEY_PREVIOUS=KEY)

    assert between.authenticate(before.issue("old")) == "old"
    assert after.authenticate(between.issue("new")) == "new"
    for holder, token in ((before, between.issue("new")), (after, before.issue("old"))):
        with pytest.raises(AuthenticationError, match="Token is invalid"):
            holder.authenticate(token)


def test_a_token_of_the_previous_key_expires_as_well() -> None:
    environment = {"SECRET_KEY": "n" * 32, "SECRET_KEY_PREVIOUS": KEY, "API_USERNAME": "lab", "API_PASSWORD": "secret"}
    expired = jwt.encode({"user": "lab", "iat": 1, "exp": 2}, KEY, algorithm="HS256")
    with pytest.raises(AuthenticationError) as refused:
        Tokens(Settings.from_environment(environment, default_port=1)).authenticate(expired)
    assert refused.value.reason == "expired"
