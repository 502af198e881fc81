"""Profiles: what they say, what a person is told who got one wrong, and that ours covers the contract."""

import contextlib
import itertools
import json
import re
import time
from pathlib import Path
from textwrap import dedent

import jwt
import pytest
from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request
from serving_lab.api.sign_in import SignIn
from serving_lab.documents.finding import USUAL
from serving_lab.errors import LabError
from serving_lab.parity.cases import Case
from serving_lab.parity.examination.session import Session
from serving_lab.parity.inputs.profile import Profile
from serving_lab.parity.judgement.declarations import Declaration
from serving_lab.parity.judgement.difference import DifferenceKind
from serving_lab.parity.judgement.rules import Rules, Tolerance
from serving_lab.targets.catalogue import Catalogue
from serving_lab.wire.message import RawRequest
from support.checkout import REPOSITORY
from support.services import PASSWORD, SECRET_KEY, USERNAME, RunningService

KEY = "k" * 40


def load(tmp_path: Path, text: str, api: str = "", **environment: str) -> Profile:
    """Read a profile of parity's own keys, and the description beside it."""
    path = tmp_path / "profile.yaml"
    path.write_text(f"{dedent(text)}\napi: api.yaml\n", encoding="utf-8")
    (tmp_path / "api.yaml").write_text(dedent(api), encoding="utf-8")
    return Profile.load(path, environment)


def intended(tmp_path: Path, text: str) -> tuple[Declaration, ...]:
    """Read a profile's intended differences."""
    (tmp_path / "intended.yaml").write_text(dedent(text), encoding="utf-8")
    return load(tmp_path, "intended: intended.yaml").intended


def claims(tmp_path: Path, text: str, **environment: str) -> dict[str, object]:
    """Sign a token of these claims and return what it says."""
    token = load(tmp_path, f"tokens: {{it: {{key: {KEY}, claims: {text}}}}}", **environment).variables["it"]
    decoded: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    return decoded


class TestProfile:
    def test_an_empty_one_looks_for_the_document_where_it_usually_is(self, tmp_path: Path) -> None:
        assert load(tmp_path, "") == Profile() == Profile.load(None, {})
        assert Profile().openapi == USUAL

    def test_the_document_may_be_elsewhere_or_not_be_used(self, tmp_path: Path) -> None:
        assert load(tmp_path, "openapi: /v1/openapi.yaml").openapi == "/v1/openapi.yaml"
        assert load(tmp_path, "openapi: null").openapi is None

    def test_the_sign_in_is_not_signed_in_itself(self, tmp_path: Path) -> None:
        profile = load(
            tmp_path,
            "",
            """
            sign_in:
              request: {method: POST, path: /login, json: {user: "${env:USER_NAME}"}}
              save: {token: $.token}
            authorization: {Authorization: "Bearer ${token}"}
            before:
              - {method: POST, path: /reset}
              - {path: /public, signed_in: false}
            """,
            USER_NAME="me",
        )

        request = Request("POST", "/login", (("Content-Type", "application/json"),), b'{"user": "me"}')
        assert profile.sign_in == SignIn(request, {"token": "$.token"})
        assert profile.authorization == (("Authorization", "Bearer ${token}"),)
        assert profile.before == (Request("POST", "/reset", profile.authorization), Request("GET", "/public"))

    def test_rules(self, tmp_path: Path) -> None:
        profile = load(
            tmp_path,
            """
            exclude: [POST /orders, "* /admin/*"]
            tolerances:
              - {where: "$.items[*].price", relative: 1e-9}
              - {where: $.total, absolute: 0.01}
            unordered: ["$.tags", '$["odd key"][*]']
            counters: [$.requests]
            """,
        )

        assert profile.exclude == ("POST /orders", "* /admin/*")
        assert profile.rules == Rules(
            (Tolerance("$.items[*].price", relative=1e-9), Tolerance("$.total", absolute=0.01)),
            frozenset({"$.tags", '$["odd key"][*]'}),
            frozenset({"$.requests"}),
        )

    def test_corpus_files_are_found_beside_it_and_know_its_names(self, tmp_path: Path) -> None:
        (tmp_path / "corpus").mkdir()
        for name in ("b", "a"):
            (tmp_path / "corpus" / f"{name}.yaml").write_text(f"requests: [{{name: {name}, path: '/${{old}}'}}]")
        (tmp_path / "more.yaml").write_text("raw: [{name: more, send: '${token}${other_token}'}]")
        profile = load(
            tmp_path,
            """
            tokens: {old: {claims: {exp: 1}, key: k}}
            corpus: [corpus/*.yaml, more.yaml, corpus/a.yaml]
            """,
            "sign_in: {request: {path: /login}, save: {token: $.token}}",
        )

        assert [case.name for case in profile.cases] == ["a", "b", "more"]

    def test_intended_differences_may_come_from_elsewhere(self, tmp_path: Path) -> None:
        declared = "[{reason: %s, request: GET /, kind: status, where: status}]"
        (tmp_path / "own.yaml").write_text(declared % "own")
        (tmp_path / "other.yaml").write_text(declared % "other")
        profile = tmp_path / "profile.yaml"
        profile.write_text("parity: {intended: own.yaml}")

        def reasons(*names: str) -> list[str]:
            given = [tmp_path / f"{name}.yaml" for name in names]
            return [each.reason for each in Profile.load(profile, {}, intended=given or None).intended]

        assert (reasons(), reasons("other"), reasons("other", "own")) == (["own"], ["other"], ["other", "own"])
        with pytest.raises(LabError, match=r"absent\.yaml: No such file"):
            reasons("absent")

    def test_a_description_with_a_section_says_the_same_as_two_files(self, tmp_path: Path) -> None:
        api = "sign_in: {request: {path: /login}, save: {token: $.token}}\nauthorization: {X-Token: '${token}'}\n"
        two = load(tmp_path, "exclude: [POST /orders]", api)
        (tmp_path / "one.yaml").write_text(
            f"{api}parity: {{exclude: [POST /orders]}}\nbench: {{of: '${{env:OTHERS}}'}}"
        )

        assert Profile.load(tmp_path / "one.yaml", {}) == two

    def test_further_corpora_come_on_top(self, tmp_path: Path) -> None:
        (tmp_path / "more.yaml").write_text("requests: [{name: more, path: '/'}]")
        (tmp_path / "profile.yaml").write_text("authorization: {X-Key: abc}")

        alone = Profile.load(None, {}, [tmp_path / "more.yaml"])
        beside = Profile.load(tmp_path / "profile.yaml", {}, [tmp_path / "more.yaml"])

        assert [case.request for case in alone.cases] == [Request("GET", "/")]
        assert [case.request for case in beside.cases] == [Request("GET", "/", (("X-Key", "abc"),))]


class TestTokens:
    def test_clocks_are_told_from_now(self, tmp_path: Path) -> None:
        now = time.time()

        told = claims(tmp_path, "{iat: now, exp: now+3600, nbf: now-1, late: later}")

        assert told["iat"] == pytest.approx(now, abs=5)
        assert (told["exp"], told["nbf"], told["late"]) == (told["iat"] + 3600, told["iat"] - 1, "later")  # type: ignore[operator]

    def test_claims_may_be_of_any_type(self, tmp_path: Path) -> None:
        assert claims(tmp_path, '{exp: "1", user: null, iat: [1.5, true], jti: {a: é}}') == {
            "exp": "1",
            "user": None,
            "iat": [1.5, True],
            "jti": {"a": "é"},
        }

    def test_the_environment_is_filled_in(self, tmp_path: Path) -> None:
        assert claims(tmp_path, '{user: "${env:USER_NAME}"}', USER_NAME="me") == {"user": "me"}

    def test_key_algorithm_and_header_are_free(self, tmp_path: Path) -> None:
        variables = load(
            tmp_path,
            f"""
            tokens:
              usual: {{claims: {{a: 1}}, key: {KEY}}}
              strong: {{claims: {{a: 1}}, key: {KEY}, algorithm: HS512, header: {{kid: "7"}}}}
              unsigned: {{claims: {{a: 1}}, algorithm: none}}
              short_key: {{claims: {{a: 1}}, key: k}}
            """,
        ).variables

        assert jwt.decode(variables["usual"], KEY, algorithms=["HS256"]) == {"a": 1}
        assert jwt.get_unverified_header(variables["strong"])["alg"] == "HS512"
        assert jwt.get_unverified_header(variables["strong"])["kid"] == "7"
        assert jwt.get_unverified_header(variables["unsigned"])["alg"] == "none"
        assert variables["unsigned"].endswith(".")
        with pytest.raises(jwt.InvalidSignatureError):
            jwt.decode(variables["short_key"], KEY, algorithms=["HS256"])


class TestIntended:
    def test_a_declaration(self, tmp_path: Path) -> None:
        text = """
            - reason: Prices are numbers now
              request: GET /orders
              kind: type
              where: $.items[*].price
              primary: text
              candidate: decimal number
            - {reason: New, request: "* /docs", kind: status, where: status}
            """

        assert intended(tmp_path, text) == (
            Declaration(
                "Prices are numbers now",
                "GET /orders",
                DifferenceKind.TYPE,
                "$.items[*].price",
                "text",
                "decimal number",
            ),
            Declaration("New", "* /docs", DifferenceKind.STATUS, "status"),
        )

    @pytest.mark.parametrize("text", ["", "# none yet\n", "[]"])
    def test_there_may_be_none(self, tmp_path: Path, text: str) -> None:
        assert intended(tmp_path, text) == ()

    @pytest.mark.parametrize("request_", ["*", "* *", "* /*", "**", "?* /*"])
    def test_everything_cannot_be_intended(self, tmp_path: Path, request_: str) -> None:
        with pytest.raises(
            LabError, match=r"intended\.yaml:1: \[0\]\.request: .* matches every request, so that a real"
        ):
            intended(tmp_path, f'[{{reason: x, request: "{request_}", kind: status, where: status}}]')

    @pytest.mark.parametrize(
        "declared",
        [
            "kind: header missing, where: header server",
            "kind: header value, where: header date, primary: a",
            "kind: connection, where: connection",
            "kind: content type, where: header content-type, primary: a, candidate: b",
        ],
    )
    def test_in_what_all_servers_differ_may_be_intended_everywhere(self, tmp_path: Path, declared: str) -> None:
        (one,) = intended(tmp_path, f'[{{reason: x, request: "*", {declared}}}]')

        assert one.covers("POST /orders")

    def test_any_content_type_may_not(self, tmp_path: Path) -> None:
        with pytest.raises(LabError, match="matches every request"):
            intended(tmp_path, '[{reason: x, request: "*", kind: content type, where: header content-type}]')

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ("reason: ' '", r"\[0\]\.reason: it is empty"),
            ("kind: statuses", r"\[0\]\.kind: invalid enum value 'statuses'"),
            ("where: price", r"\[0\]\.where: 'price' is not a place"),
            ("where: header", r"\[0\]\.where: 'header' is not a place"),
            ("primary: 404", r"\[0\]\.primary: expected str \| null, got int"),
            ("because: y", r"\[0\]: unknown key because"),
        ],
    )
    def test_what_is_wrong_is_told_with_its_place(self, tmp_path: Path, change: str, told: str) -> None:
        good = {"reason": "x", "request": "GET /", "kind": "status", "where": "status"}
        key, value = change.split(": ")
        text = "\n  ".join(f"{name}: {said}" for name, said in (good | {key: value}).items())

        with pytest.raises(LabError, match=rf"intended\.yaml:\d+: {told}") as error:
            intended(tmp_path, f"- {text}")

        assert error.value.hint


SIGN_IN = "sign_in: {request: {path: /login}, save: {token: $.token}}\n"
WRONG = {
    "an unknown key": ("corpsu: []", ": unknown key corpsu"),
    "no corpus": ("corpus: [none/*.yaml]", ":1: corpus[0]: no file is called 'none/*.yaml'"),
    "an absolute pattern": ("corpus: [/etc/*.yaml]", ":1: corpus[0]: '/etc/*.yaml': "),
    "no tolerance": ("tolerances: [{where: $.a}]", ":1: tolerances[0]: it tolerates nothing"),
    "a negative tolerance": ("tolerances: [{where: $.a, relative: -1, absolute: 1}]", "tolerances[0]: it tolerates"),
    "a tolerance nowhere": ("tolerances: [{where: a, relative: 1}]", "tolerances[0].where: 'a' is not a JSON path"),
    "unordered nowhere": ("unordered: [a]", ":1: unordered[0]: 'a' is not a JSON path"),
    "a counter nowhere": ("counters: [a]", ":1: counters[0]: 'a' is not a JSON path"),
    "a token that cannot be signed": ("tokens: {a: {claims: {}, algorithm: X}}", ":1: tokens.a: it cannot be signed"),
    "a token of no key": ("tokens: {a: {claims: {}}}", ":1: tokens.a: it cannot be signed"),
    "a token of an odd name": ("tokens: {a-b: {claims: {}, key: k}}", ":1: tokens.a-b: a name has letters"),
    "a token of a taken name": ("tokens: {token: {claims: {}, key: k}}", ":1: tokens.token: sign_in saves a variable"),
    "a log without a line": ("prediction_log: {request: {path: /}}", ":1: prediction_log.request: it has nothing"),
    "a log of no JSON path": (
        "prediction_log: {request: {path: '/${line:a}'}}",
        "prediction_log.request: 'a' is not a JSON path",
    ),
    "what belongs into the description": (SIGN_IN, ":1: sign_in: belongs into the description of the API"),
}


@pytest.mark.parametrize(("text", "told"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(LabError) as error:
        load(tmp_path, text, SIGN_IN)

    assert str(error.value).startswith(str(tmp_path / "profile.yaml"))
    assert told in str(error.value)
    assert "\n" not in str(error.value)
    assert error.value.hint
    assert error.value.exit_code == 2


@pytest.fixture(scope="module")
def ours() -> Profile:
    """The profile of our own API."""
    environment = {"API_USERNAME": USERNAME, "API_PASSWORD": PASSWORD, "SECRET_KEY": SECRET_KEY}
    folder = REPOSITORY / "loadtest"
    intended = Catalogue.read(folder / "catalogue.yaml").intended("fastapi-api")
    return Profile.load(folder / "parity" / "profile.yaml", environment, intended=intended)


def all_cases(profile: Profile) -> list[Case]:
    """Every case, also those in sequences."""
    return [*profile.cases, *itertools.chain.from_iterable(profile.sequences)]


def said(ours: Profile, url: str) -> dict[str, set[str]]:
    """What a service says to all ordinary cases: by path, every `error` and `detail`."""
    session = Session("service", Endpoint.parse(url), ours.variables)
    assert ours.sign_in
    session.sign_in(ours.sign_in)
    session.variables["other_token"] = session.variables["token"]
    found: dict[str, set[str]] = {}
    for case in all_cases(ours):
        if not isinstance(case.request, Request):
            continue
        exchange = session.send(case)
        for answer in exchange.answers:
            with contextlib.suppress(ValueError):
                body = json.loads(answer.body)
                texts = {text for key, text in body.items() if key in {"error", "detail"} and text}
                found.setdefault(case.request.target.partition("?")[0], set()).update(texts)
    session.close()
    return found


OF_BOTH, _, _ = (REPOSITORY / "docs" / "contract.md").read_text(encoding="utf-8").partition("\n## GraphQL\n")
# What the new service alone has cannot be compared.
CONTRACT = "\n".join(line for line in OF_BOTH.splitlines() if "*FastAPI only*" not in line)
ENDPOINTS = re.findall(r"^\| (GET|POST) (/\S+) \|", CONTRACT, re.MULTILINE)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def test_the_contract_is_read_right() -> None:
    assert ("POST", "/predict") in ENDPOINTS
    assert len(ENDPOINTS) == 9


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_ours_asks_every_endpoint_in_every_way(ours: Profile, method: str, path: str) -> None:
    asked = [case.request for case in all_cases(ours) if isinstance(case.request, Request)]
    here = [request for request in asked if request.target.partition("?")[0] == path]

    assert {request.method for request in here} >= set(METHODS)
    assert any(request.method == method and request.header("X-Request-ID") for request in asked)
    if method == "POST":
        assert any(request.header("Authorization") is None for request in here)
        assert any(len(request.body) > 2**20 for request in here)
    if method == "POST" and path != "/cache/clear":
        types = {request.header("Content-Type") for request in here if request.method == "POST"}
        assert {"application/json", "text/plain", None} <= types


# What takes more than a request to happen.
NOT_ASKED_FOR = {"Too many requests", "Internal server error", "Service unavailable"}
MESSAGES = {" ".join(text.split()) for text in re.findall(r"`([A-Z][a-z][^`:<]*\s[^`:<]*)`", CONTRACT)} - NOT_ASKED_FOR
OF_A_BODY = {"Malformed JSON", "Request body must be a JSON object", "No data provided", "Request body too large"}
OF_A_TYPE = {"Content-Type must be application/json"}
OF_A_TOKEN = {"Token is missing", "Token is invalid"}


def test_ours_makes_a_service_say_everything_the_contract_has(
    ours: Profile, documented_service: RunningService
) -> None:
    by_path = said(ours, documented_service.base_url)

    heard = set().union(*by_path.values())
    unheard = {
        message
        for message in MESSAGES
        if not any(re.fullmatch(re.sub(r"\\{\w\\}", r"\\d+", re.escape(message)), text) for text in heard)
    }
    assert len(MESSAGES) >= 25
    assert not unheard
    for path in ("/login", "/predict", "/batch-predict"):
        assert by_path[path] >= OF_A_BODY | OF_A_TYPE | {"Method not allowed"}, path
    for path in ("/predict", "/batch-predict", "/cache/stats", "/cache/clear"):
        assert by_path[path] >= OF_A_TOKEN | {"Method not allowed"}, path
    assert by_path["/cache/stats"] >= {"Token has expired", "Token is not valid yet"}


def test_ours_has_no_name_twice_and_reaches_below_http(ours: Profile) -> None:
    names = [case.name for case in all_cases(ours)]

    assert len(set(names)) == len(names)
    assert sum(isinstance(case.request, RawRequest) for case in ours.cases) > 100


def test_ours_gives_every_intended_difference_a_reason_of_some_words(ours: Profile) -> None:
    assert ours.intended
    assert all(len(declaration.reason.split()) >= 5 for declaration in ours.intended)
