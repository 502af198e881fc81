"""Signing in keeps what later requests need, and says what prevents it."""

import json

import pytest
from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request
from serving_lab.api.sign_in import Grant, NotSignedInError, OfHeadForm, SignIn
from serving_lab.errors import LabError
from serving_lab.wire.signing_in import sign_in
from support.fake_server import Says, fake_server

SIGN_IN = SignIn(Request("POST", "/login?for=${host}"), {"token": "$.token", "n": "$.of[0]"}, "$.seconds")
RIGHT = {"token": "abc", "of": [7], "seconds": 60}


def granted(**changes: object) -> Grant:
    return SIGN_IN.granted(json.dumps(RIGHT | changes).encode())


def test_what_is_saved_is_text_and_the_lifetime_seconds() -> None:
    assert granted() == Grant({"token": "abc", "n": "7"}, 60)


def test_without_a_lifetime_nothing_is_said_about_it() -> None:
    assert SignIn(SIGN_IN.request, {"token": "$.token"}).granted(b'{"token": "a"}') == Grant({"token": "a"}, None)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"of": []}, r"the answer has no \$\.of\[0\] for n"),
        ({"token": None}, r"\$\.token for token is empty"),
        ({"token": ""}, r"\$\.token for token is empty"),
        ({"seconds": "soon"}, r"\$\.seconds is not a number of seconds"),
    ],
)
def test_an_answer_without_it_is_refused(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(NotSignedInError, match=complaint):
        granted(**changes)


def test_the_service_is_asked_under_its_own_name() -> None:
    with fake_server(lambda _: Says(RIGHT)) as server:
        endpoint = Endpoint.parse(server.base_url)
        assert sign_in(SIGN_IN, endpoint).variables == {"token": "abc", "n": "7"}
        [asked] = server.requests

    assert (asked.method, asked.path) == ("POST", f"/login?for={endpoint.host}")


COOKIE, HEADER = OfHeadForm(cookie="sid"), OfHeadForm(header="X-Token")


def test_a_cookie_and_a_header_are_saved_of_an_answer_that_is_no_json() -> None:
    head = {"Set-Cookie": "sid=a.b; Path=/; HttpOnly", "X-Token": "abc"}
    how = SignIn(SIGN_IN.request, {"session": COOKIE, "token": HEADER})
    with fake_server(lambda _: Says(b"<html>", headers=head)) as server:
        variables = sign_in(how, Endpoint.parse(server.base_url)).variables

    assert variables == {"session": "a.b", "token": "abc"}


@pytest.mark.parametrize(
    ("where", "headers", "complaint"),
    [
        (COOKIE, [("set-cookie", "sid2=1")], "the answer has no cookie sid for name"),
        (COOKIE, [("set-cookie", "sid=; Path=/")], "the cookie sid for name is empty"),
        (HEADER, [("token", "1")], "the answer has no header X-Token for name"),
    ],
)
def test_a_head_without_it_is_refused(where: OfHeadForm, headers: list[tuple[str, str]], complaint: str) -> None:
    with pytest.raises(NotSignedInError, match=complaint):
        SignIn(SIGN_IN.request, {"name": where}).granted(b"", headers)


@pytest.mark.parametrize("says", [Says({"error": "wrong password"}, 401), Says(b"<html>")])
def test_a_service_that_refuses_is_told_with_what_it_said(says: Says) -> None:
    with (
        fake_server(lambda _: says) as server,
        pytest.raises(LabError, match=r"http://.* does not sign in: the answer .*: (401 .*wrong password|200 <html>)"),
    ):
        sign_in(SIGN_IN, Endpoint.parse(server.base_url))
