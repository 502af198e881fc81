"""Which tokens open the protected endpoints."""

import base64
import json
import time
from typing import Any

import httpx
import pytest
from support.answers import assert_error
from support.services import RunningService, wait_until
from support.tokens import LEEWAY_SECONDS, claims, sign
from support.wire import Request, send

from contract.cases import ROW, Fault, each
from contract.cases.access import BAD_TOKENS, NO_TOKEN

EXPIRED = "Token has expired"


def ask(service: RunningService, *authorization: str) -> httpx.Response:
    """Ask for something protected with these Authorization headers."""
    headers = tuple(("Authorization", value) for value in authorization)
    return send(service, Request("GET", "/cache/stats", headers=headers))


@each("fault", NO_TOKEN)
def test_a_protected_endpoint_asks_for_a_token(service: RunningService, fault: Fault) -> None:
    assert_error(send(service, fault.request), fault.status, fault.error)


@each("fault", BAD_TOKENS)
def test_what_is_no_token_is_invalid(service: RunningService, fault: Fault) -> None:
    assert assert_error(send(service, fault.request), fault.status, fault.error) != EXPIRED


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER {}", "bEaReR {}", "{}"])
def test_the_scheme_may_be_in_any_case_or_left_out(service: RunningService, token: str, form: str) -> None:
    assert ask(service, form.format(token)).status_code == 200


@pytest.mark.parametrize("form", ["Basic {}", "Token {}", "JWT {}", "Bearer{}", "Bearer:{}", "Bearer {} x", "{} x"])
def test_another_scheme_is_not_accepted(service: RunningService, token: str, form: str) -> None:
    assert_error(ask(service, form.format(token)), 401, "Token is invalid")


def test_the_token_of_one_service_opens_the_other(baseline: RunningService, candidate: RunningService) -> None:
    assert ask(baseline, f"Bearer {candidate.login()}").status_code == 200
    assert ask(candidate, f"Bearer {baseline.login()}").status_code == 200


def test_a_token_that_is_signed_with_the_key_is_accepted(service: RunningService) -> None:
    assert ask(service, f"Bearer {sign(claims(extra=[1]), service.secret_key)}").status_code == 200


@pytest.mark.parametrize("seconds_ago", [LEEWAY_SECONDS + 1, 3600, 10**9])
def test_an_expired_token_is_told_so(service: RunningService, seconds_ago: int) -> None:
    now = int(time.time())
    token = sign(claims(iat=now - seconds_ago - 60, exp=now - seconds_ago), service.secret_key)

    assert assert_error(ask(service, f"Bearer {token}"), 401, "Token is invalid") == EXPIRED


def test_a_token_expires_although_it_was_accepted_before(service: RunningService) -> None:
    refused_from = int(time.time()) + 2
    token = sign(claims(exp=refused_from - LEEWAY_SECONDS), service.secret_key)

    accepted = [ask(service, f"Bearer {token}").status_code for _ in range(8)]
    wait_until(lambda: time.time() >= refused_from, "the token's expiry")
    refused = [ask(service, f"Bearer {token}") for _ in range(8)]

    assert accepted == [200] * 8
    assert {assert_error(response, 401, "Token is invalid") for response in refused} == {EXPIRED}


@pytest.mark.parametrize("claim", ["user", "iat", "exp"])
def test_every_claim_is_required(service: RunningService, claim: str) -> None:
    token = sign(claims(**{claim: None}), service.secret_key)

    assert assert_error(ask(service, f"Bearer {token}"), 401, "Token is invalid") != EXPIRED


@pytest.mark.parametrize("algorithm", ["HS384", "HS512", "none"])
def test_another_algorithm_is_not_accepted(service: RunningService, algorithm: str) -> None:
    token = sign(claims(), service.secret_key, algorithm)

    assert assert_error(ask(service, f"Bearer {token}"), 401, "Token is invalid") != EXPIRED


def test_another_key_is_not_accepted(service: RunningService) -> None:
    token = sign(claims(), "another-key-that-is-also-long-enough")

    assert_error(ask(service, f"Bearer {token}"), 401, "Token is invalid")


def test_an_expired_token_of_another_key_is_only_invalid(service: RunningService) -> None:
    token = sign(claims(exp=1), "another-key-that-is-also-long-enough")

    assert assert_error(ask(service, f"Bearer {token}"), 401, "Token is invalid") != EXPIRED


def test_changed_claims_break_the_signature(service: RunningService, token: str) -> None:
    header, _, signature = token.split(".")
    payload = base64.urlsafe_b64encode(json.dumps(claims(user="root")).encode()).rstrip(b"=").decode()

    assert_error(ask(service, f"Bearer {header}.{payload}.{signature}"), 401, "Token is invalid")


@pytest.mark.parametrize("part", [0, 1, 2])
def test_every_part_of_a_token_counts(service: RunningService, token: str, part: int) -> None:
    parts = token.split(".")
    parts[part] = parts[part][:-4]

    assert_error(ask(service, f"Bearer {'.'.join(parts)}"), 401, "Token is invalid")


@pytest.mark.parametrize("ahead", [{"iat": 1}, {"nbf": 1}, {"iat": 3, "nbf": 3}, {"exp": -1}, {"nbf": 0}], ids=str)
def test_clocks_may_disagree_by_a_few_seconds(service: RunningService, ahead: dict[str, int]) -> None:
    now = int(time.time())
    token = sign(claims(**{name: now + seconds for name, seconds in ahead.items()}), service.secret_key)

    assert ask(service, f"Bearer {token}").status_code == 200


@pytest.mark.parametrize("ahead", [{"iat": 15}, {"nbf": 15}, {"iat": 1, "nbf": 600}, {"nbf": "x", "iat": 600}], ids=str)
def test_a_token_from_the_future_is_told_so_and_logged(service: RunningService, ahead: dict[str, Any]) -> None:
    now = int(time.time())
    times = {name: now + value if isinstance(value, int) else value for name, value in ahead.items()}
    token = sign(claims(**times), service.secret_key)
    logged = service.stderr().count("do the clocks of issuer and service agree?")

    assert assert_error(ask(service, f"Bearer {token}"), 401, "Token is invalid") == "Token is not valid yet"
    if service.directory:
        text = service.stderr()
        assert text.count("do the clocks of issuer and service agree?") == logged + 1
        assert str(max(value for value in times.values() if isinstance(value, int))) in text


def test_a_prediction_is_refused_after_many_accepted_tokens(service: RunningService) -> None:
    """What is remembered of good tokens must not let in a bad one."""
    good = [sign(claims(user=f"user {number}"), service.secret_key) for number in range(20)]
    body = json.dumps({"features": ROW}).encode()

    for token in good:
        assert send(service, Request("POST", "/predict", body=body), token).status_code == 200
    spoilt = good[0][:-6] + "AAAAAA"

    assert_error(send(service, Request("POST", "/predict", body=body), spoilt), 401, "Token is invalid")
