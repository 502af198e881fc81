"""A comparison as a whole, against small services whose every answer the test decides."""

import base64
import functools
import itertools
import json
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request
from serving_lab.api.sign_in import SignIn
from serving_lab.errors import LabError
from serving_lab.parity.cases import Case, Source
from serving_lab.parity.inputs.profile import Profile
from serving_lab.parity.inputs.recorded import Recording
from serving_lab.parity.judgement.declarations import Declaration
from serving_lab.parity.judgement.difference import DifferenceKind
from serving_lab.parity.plan import ParityPlan
from serving_lab.parity.result import ParityResult
from serving_lab.results import files
from support.fake_server import Asked, Says, fake_server
from support.quiet import Quiet

from parity.comparing import result_of_comparing

Behaviour = Callable[[Asked], Says]


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Do not wait for clocks with whole seconds, but where they are the subject."""
    if "whole_seconds" not in request.node.name:
        monkeypatch.setattr("serving_lab.parity.run._PASS_SECONDS", 0.01)
        monkeypatch.setattr("serving_lab.parity.run._PROBE_SECONDS", 0.001)


def case(method: str = "GET", path: str = "/", body: object = None, **headers: str) -> Case:
    content = b"" if body is None else json.dumps(body).encode()
    return Case(Source.CORPUS, f"{method} {path} {body}", Request(method, path, tuple(headers.items()), content))


def compared(
    primary: Behaviour,
    candidate: Behaviour,
    *cases: Case,
    profile: Profile | None = None,
    recorded: tuple[Case, ...] = (),
    repeat: int = 1,
    require_success: bool = False,
) -> ParityResult:
    """Compare two behaviours by these cases, or one plain request."""
    profile = replace(profile or Profile(), openapi=None, cases=cases or (case(),))
    with ExitStack() as stack:
        servers = [stack.enter_context(fake_server(behave)) for behave in (primary, candidate)]
        left, right = (Endpoint.parse(server.base_url) for server in servers)
        plan = ParityPlan(left, right, profile=profile, recordings=(Recording(recorded),), generate=0, repeat=repeat)
        return result_of_comparing(replace(plan, require_success=require_success))


def causes(result: ParityResult) -> list[tuple[str, str]]:
    return [(cause.kind, cause.where) for cause in result.causes]


def saying(make: Callable[[], object]) -> Behaviour:
    return lambda _: Says(make())


def test_the_same_service_twice_is_the_same() -> None:
    result = compared(saying(lambda: {"a": 1}), saying(lambda: {"a": 1}))

    assert (result.verdict, result.exit_code, result.causes, result.noise) == ("same", 0, [], [])
    assert result.requests == 1


def test_a_service_that_is_compared_with_itself_is_told() -> None:
    with fake_server(saying(lambda: {"a": 1})) as server:
        where = Endpoint.parse(server.base_url)
        result = result_of_comparing(ParityPlan(where, where, profile=Profile(cases=(case(),)), generate=0))

    assert "primary and candidate are one address: a service was compared with itself" in result.warnings
    assert "one address" not in " ".join(compared(saying(lambda: 1), saying(lambda: 1)).warnings)


@pytest.mark.parametrize("strange", [0, 20])
def test_requests_of_others_are_told_as_far_as_metrics_show_them(strange: int) -> None:
    counted = Counter[str]()

    def counting(asked: Asked) -> Says:
        if asked.path == "/metrics":
            line = f'http_requests_total{{handler="/",method="GET",status="200"}} {counted["requests"]}\n'
            return Says(line.encode(), headers={"Content-Type": "text/plain; version=0.0.4"})
        counted["requests"] += 1 + strange
        return Says({"a": 1})

    result = compared(counting, saying(lambda: {"a": 1}), case())

    told = [each for each in result.warnings if each.startswith("others sent about")]
    assert len(told) == (1 if strange else 0)
    assert all("to the primary meanwhile, by its metrics" in each for each in told)


def test_a_difference_is_one_cause_however_often_it_shows() -> None:
    cases = [case(path=f"/?{number}" + "x" * number) for number in range(30, 0, -1)]

    result = compared(saying(lambda: {"a": 1}), saying(lambda: {"a": 2}), *cases)

    (cause,) = result.causes
    assert (result.exit_code, cause.count, cause.compared, cause.operations) == (1, 30, 30, {"GET /": 30})
    assert (cause.kind, cause.where, cause.primary, cause.candidate) == (DifferenceKind.NUMBER, "$.a", "1", "2")
    assert (cause.repeated, cause.reproduced) == (4, 4)
    assert cause.example.case == "GET /?1x None"
    assert "/?1x" in cause.example.primary_command
    assert cause.relative == 0.5


def now() -> str:
    return datetime.now(UTC).isoformat()


VARYING: dict[str, tuple[Callable[[], object], Callable[[], object], str]] = {
    "constant time": (now, lambda: "2020-01-01T00:00:00.000000+00:00", DifferenceKind.CLOCK),
    "frozen clock": (now, functools.cache(now), DifferenceKind.CONSTANT),
    "local time": (now, lambda: (datetime.now(UTC) + timedelta(hours=2)).isoformat(), DifferenceKind.CLOCK),
    "no zone": (now, lambda: datetime.now(UTC).replace(tzinfo=None).isoformat(), DifferenceKind.FORM),
    "another id": (lambda: uuid.uuid4().hex, lambda: str(uuid.uuid4()), DifferenceKind.FORM),
    "the same id": (lambda: uuid.uuid4().hex, lambda: "0" * 32, DifferenceKind.CONSTANT),
    "zero": (time.monotonic, lambda: 0.0, DifferenceKind.CONSTANT),
    "negative": (time.monotonic, lambda: -time.monotonic(), DifferenceKind.FORM),
}


@pytest.mark.parametrize(("primary", "candidate", "kind"), VARYING.values(), ids=VARYING)
def test_noise_lets_no_wrong_value_through(
    primary: Callable[[], object], candidate: Callable[[], object], kind: DifferenceKind
) -> None:
    result = compared(saying(lambda: {"v": primary()}), saying(lambda: {"v": candidate()}))

    assert causes(result) == [(kind, "$.v")]
    assert [(noise.request, noise.where, noise.late) for noise in result.noise] == [("GET / 200", "$.v", False)]


@pytest.mark.parametrize("vary", [now, lambda: uuid.uuid4().hex, time.monotonic])
def test_what_varies_on_both_is_no_difference(vary: Callable[[], object]) -> None:
    result = compared(
        saying(lambda: {"v": vary()}), saying(lambda: {"v": vary()}), *[case(path=f"/{n}") for n in "abc"]
    )

    assert (result.verdict, result.causes) == ("same", [])


def test_clocks_with_whole_seconds_are_noise() -> None:
    clock = saying(lambda: {"v": int(time.time())})

    result = compared(clock, clock)

    assert (result.verdict, [noise.forms for noise in result.noise]) == ("same", [["integer, a time in seconds"]])


def echo(asked: Asked) -> Says:
    return Says(headers={"X-Request-ID": asked.headers.get("x-request-id") or uuid.uuid4().hex})


def no_echo(_: Asked) -> Says:
    return Says(headers={"X-Request-ID": uuid.uuid4().hex})


def test_noise_that_the_primary_took_from_the_request_is_compared_exactly() -> None:
    cases = case(), case("GET", "/", None, **{"X-Request-ID": "a" * 32})

    assert compared(echo, echo, *cases).verdict == "same"
    assert causes(compared(echo, no_echo, *cases)) == [(DifferenceKind.HEADER_VALUE, "header x-request-id")]


def test_digits_that_a_long_body_happens_to_have_are_no_echo() -> None:
    microseconds = itertools.count(1)

    def timed(_: Asked) -> Says:
        return Says(headers={"X-Time": f"{next(microseconds) / 1e6:.6f}"})

    result = compared(timed, timed, case(body=[f"-{number / 1e6:.6f}5" for number in range(1, 300)]))

    assert (result.verdict, result.causes) == ("same", [])


def test_noise_found_late_is_noise_all_the_same() -> None:
    def rarely(asked: Asked) -> Says:
        return Says({"v": uuid.uuid4().hex if asked.path == "/other" else 1})

    second = Case(Source.RECORDED, "other", Request("GET", "/other"))

    result = compared(rarely, rarely, recorded=(second,))

    assert result.verdict == "same"
    assert [(noise.where, noise.late) for noise in result.noise] == [("$.v", True)]
    assert sum(sent.differing for sent in result.operations) == 0


def test_what_is_there_sometimes_is_noise_and_the_rest_is_compared() -> None:
    def turning(rest: object) -> Behaviour:
        turns = itertools.cycle([{"a": 1}, {"b": 1}, {"a": 1}])
        return saying(lambda: next(turns) | {"rest": rest})

    same = compared(turning(1), turning(1))
    assert (same.verdict, {noise.where: noise.forms for noise in same.noise}) == (
        "same",
        {"$.a": ["is there sometimes"], "$.b": ["is there sometimes"]},
    )
    assert causes(compared(turning(1), turning(2))) == [(DifferenceKind.NUMBER, "$.rest")]


def test_a_primary_that_differs_from_itself_in_more_than_noise_cannot_be_compared_with() -> None:
    turns = itertools.cycle([b'{"a": 1, "a": 1}', b'{"a": 1}', b'{"a": 1}'])

    result = compared(saying(lambda: next(turns)), saying(lambda: {"a": 1}))

    assert (result.verdict, result.exit_code) == ("cannot tell", 2)
    assert {(cause.kind, cause.where) for cause in result.unsteady} == {(DifferenceKind.REPEATED, "$")}


def test_a_field_that_the_primary_gets_wrong_once_is_not_let_off() -> None:
    numbers = itertools.count(1)
    cases = [case(path=f"/?{number}") for number in range(30)]

    def flickering(_: Asked) -> Says:
        return Says({"a": 2 if next(numbers) == 20 else 1})

    result = compared(flickering, saying(lambda: {"a": 3}), *cases)

    assert (result.verdict, result.noise) == ("cannot tell", [])
    assert [(cause.kind, cause.where) for cause in result.unsteady] == [(DifferenceKind.NUMBER, "$.a")]


def test_a_token_of_the_same_second_is_not_taken_for_steady() -> None:
    def token() -> str:
        claims = base64.urlsafe_b64encode(json.dumps({"iat": int(time.time())}).encode()).decode().rstrip("=")
        return f"eyJhbGciOiJIUzI1NiJ9.{claims}."

    second = Case(Source.RECORDED, "other", Request("GET", "/token"))

    def service_with(name: str) -> Behaviour:
        return lambda asked: Says({"v": token() + name if asked.path == "/token" else 1})

    result = compared(service_with("a"), service_with("b"), recorded=(second,))

    assert [(noise.where, noise.late) for noise in result.noise] == [("$.v", True)]
    assert result.verdict == "same"


def test_an_intended_difference_is_counted_and_one_that_no_longer_occurs_is_stale() -> None:
    intended = (
        Declaration("new field", "GET /", DifferenceKind.EXTRA, "$.b"),
        Declaration("mended", "GET /", DifferenceKind.EXTRA, "$.c"),
        Declaration("elsewhere", "GET /other", DifferenceKind.EXTRA, "$.c"),
    )

    result = compared(saying(lambda: {"a": 1}), saying(lambda: {"a": 1, "b": 2}), profile=Profile(intended=intended))

    assert result.verdict == "same"
    assert [(entry.reason, entry.count, entry.stale) for entry in result.intended] == [
        ("new field", 1, False),
        ("mended", 0, True),
        ("elsewhere", 0, False),
    ]


def test_what_utf_8_cannot_hold_is_written_out(tmp_path: Path) -> None:
    """Escapes in YAML and JSON may be of half a character, and the names of files need not be UTF-8."""
    named = replace(case(), name="case \ud800")
    intended = (Declaration("reason \udcff", "GET /", DifferenceKind.EXTRA, "$.b"),)

    result = compared(saying(dict), saying(lambda: {"b": 1, "c": 1}), named, profile=Profile(intended=intended))

    files.write(tmp_path / "parity.json", result)
    again = files.read(tmp_path / "parity.json", ParityResult)
    assert (again.causes[0].example.case, again.intended[0].reason) == ("case \\ud800", "reason \\udcff")


def test_a_declaration_covers_nothing_beside_its_scope() -> None:
    intended = (Declaration("new field", "GET /a", DifferenceKind.EXTRA, "$.b"),)

    result = compared(
        saying(dict),
        saying(lambda: {"b": 2, "c": 3}),
        case(path="/a"),
        case(path="/b"),
        profile=Profile(intended=intended),
    )

    assert {(c.where, *c.operations) for c in result.causes} == {("$.b", "GET /b"), ("$.c", "GET /a", "GET /b")}


def test_each_operation_that_shows_a_difference_has_an_example_of_its_own() -> None:
    def failing(status: int) -> Behaviour:
        return lambda asked: Says({"error": "x"}, status=200 if asked.path == "/ok" else status)

    cases = [case(path="/rare"), *[case(path=f"/often?{number}") for number in range(9)], case(path="/ok")]

    result = compared(failing(400), failing(500), *cases)

    (cause,) = result.causes
    assert (cause.kind, cause.count, cause.operations) == ("status", 10, {"GET /often": 9, "GET /rare": 1})
    assert [(place.operation, place.count, place.compared, place.reproduced) for place in cause.places] == [
        ("GET /often", 9, 9, 4),
        ("GET /rare", 1, 1, 4),
    ]
    assert ["/often" in place.example.primary_command for place in cause.places] == [True, False]


def test_what_shows_sometimes_is_found_by_repeating_and_its_rate_is_told() -> None:
    numbers = itertools.count(1)

    def sometimes(_: Asked) -> Says:
        return Says({"a": 2 if next(numbers) % 40 == 0 else 1})

    assert compared(saying(lambda: {"a": 1}), sometimes).verdict == "same"
    result = compared(saying(lambda: {"a": 1}), sometimes, repeat=60)

    assert causes(result) == [(DifferenceKind.NUMBER, "$.a")]
    assert result.causes[0].reproduced == 0
    assert result.detectable_rate == pytest.approx(1 - 0.05 ** (1 / 60))


def test_recorded_requests_are_made_as_small_as_still_shows_it() -> None:
    body = {"rows": [[1, 2, 3], [4, 5, 777], [7, 8, 9]], "note": "long" * 20, "more": {"deep": [1, 2, 3]}}
    long = replace(case("POST", "/", body, **{"X-Odd": "1"}), source=Source.RECORDED)

    def differing(asked: Asked) -> Says:
        return Says({"seen": b"777" in asked.body})

    result = compared(saying(lambda: {"seen": False}), differing, recorded=(long,))

    (cause,) = result.causes
    assert "777" in cause.example.primary_command
    assert "note" not in cause.example.primary_command
    assert "X-Odd" not in cause.example.primary_command


def shop(refused: str, about: int) -> Behaviour:
    """A shop that does not take orders for this item."""
    orders: list[object] = []

    def answer(asked: Asked) -> Says:
        if asked.method == "DELETE":
            orders.clear()
        elif asked.method == "POST":
            if asked.json()["item"] == refused:
                return Says({"error": "no"}, 422)
            orders.append(asked.json())
        return Says({"full": bool(orders)} if asked.path == "/orders" else {"about": about})

    return answer


@pytest.mark.parametrize("before", [True, False])
def test_what_follows_from_states_that_differ_is_told_as_that(*, before: bool) -> None:
    reset = Request("DELETE", "/orders")
    cases = case("POST", "/orders", {"item": "pear"}), case(path="/orders"), case(path="/about")

    result = compared(
        shop("", 1), shop("pear", 2), *cases, profile=Profile(before=(reset,) if before else ()), repeat=2
    )

    told = {(cause.where, cause.after, cause.after_proven) for cause in result.causes}
    assert told == {("status", "", False), ("$.full", "POST /orders", before), ("$.about", "", False)}
    assert result.causes[-1].after == "POST /orders"


def test_a_step_that_one_side_alone_accepts_explains_those_behind_it() -> None:
    create = Case(Source.SEQUENCE, "create", case("POST", "/orders", {"item": "pear"}).request)
    sequence = (create, Case(Source.SEQUENCE, "read", Request("GET", "/orders")))

    profile = Profile(sequences=(sequence,), before=(Request("DELETE", "/orders"),))
    result = compared(shop("", 1), shop("pear", 1), case(path="/about"), profile=profile)

    assert [(cause.where, cause.after) for cause in result.causes] == [("status", ""), ("$.full", "POST /orders")]


def test_recorded_requests_without_a_document_are_told_by_operation() -> None:
    recorded = [
        Case(Source.RECORDED, path, Request("GET", path)) for path in ("/posts/1", "/posts/2", "/posts/2/x", "/about")
    ]

    result = compared(saying(lambda: {"a": 1}), saying(lambda: {"a": 2}), case(), recorded=tuple(recorded))

    (cause,) = result.causes
    assert cause.operations == {"GET /posts/{id}": 2, "GET /": 1, "GET /about": 1, "GET /posts/{id}/x": 1}


STARTS = itertools.count(100, 37)  # services have run for different lengths of time


def counting(step: int) -> Behaviour:
    number = itertools.count(next(STARTS), step)
    return lambda _: Says({"hits": next(number)})


@pytest.mark.parametrize(("step", "same"), [(1, True), (0, False), (2, False)])
def test_counters_are_compared_by_what_they_grew(step: int, *, same: bool) -> None:
    read = Request("GET", "/stats")
    sequence = (
        Case(Source.SEQUENCE, "before", read, {"hits": "$.hits"}),
        Case(Source.SEQUENCE, "after", read, since={"$.hits": "hits"}),
    )

    result = compared(counting(1), counting(step), profile=Profile(sequences=(sequence,)))

    assert (result.verdict == "same") is same


def test_what_a_service_said_is_sent_in_any_script() -> None:
    seen: list[object] = []

    def naming(asked: Asked) -> Says:
        seen.append(json.loads(asked.body) if asked.body else None)
        return Says({"name": "Zoë 漢字 \ud83d\ude00"})

    sequence = (
        Case(Source.SEQUENCE, "asked", Request("GET", "/"), {"name": "$.name"}),
        Case(Source.SEQUENCE, "sent", Request("POST", "/", body=b'{"name": "${name}"}')),
    )

    result = compared(naming, naming, profile=Profile(sequences=(sequence,)))

    assert result.verdict == "same"
    assert {"name": "Zoë 漢字 😀"} in seen


@pytest.mark.parametrize("earlier", [10**400, 1.5, "text", None])
def test_a_counter_that_cannot_be_subtracted_from_is_compared_as_it_is(earlier: object) -> None:
    numbers = itertools.cycle([earlier, 2.5])
    read = Request("GET", "/stats")
    sequence = (
        Case(Source.SEQUENCE, "before", read, {"hits": "$.hits"}),
        Case(Source.SEQUENCE, "after", read, since={"$.hits": "hits"}),
    )

    result = compared(saying(dict), saying(lambda: {"hits": next(numbers)}), profile=Profile(sequences=(sequence,)))

    assert result.verdict == "different"


def guarded(token: str) -> Behaviour:
    def answer(asked: Asked) -> Says:
        if asked.path == "/login":
            return Says({"token": token})
        return Says({"in": asked.headers.get("authorization") == f"Bearer {token}"})

    return answer


SIGN_IN = SignIn(Request("POST", "/login"), {"token": "$.token"})


def test_each_side_is_sent_its_own_token() -> None:
    signed_in = case("GET", "/", None, Authorization="Bearer ${token}")

    result = compared(guarded("one"), guarded("two"), signed_in, profile=Profile(sign_in=SIGN_IN))

    assert result.verdict == "same"
    assert "one" not in repr(result.causes)


def test_a_sign_in_that_gives_no_token_is_told() -> None:
    with pytest.raises(
        LabError, match=r"the candidate \(.*\) does not sign in: the answer has no \$\.token"
    ) as refused:
        compared(guarded("one"), saying(dict), profile=Profile(sign_in=SIGN_IN))

    assert refused.value.exit_code == 2


def test_a_service_that_is_not_there_is_told_at_once() -> None:
    with fake_server(saying(dict)) as server:
        gone = Endpoint.parse("http://127.0.0.1:9")
        with pytest.raises(LabError, match=r"the candidate does not answer at http://127\.0\.0\.1:9") as refused:
            result_of_comparing(
                ParityPlan(Endpoint.parse(server.base_url), gone, profile=Profile(openapi=None, cases=(case(),)))
            )

    assert refused.value.exit_code == 2


def test_an_interruption_keeps_what_was_found() -> None:
    class Impatient(Quiet):
        def remark(self, text: str) -> None:
            raise KeyboardInterrupt(text)

    with fake_server(saying(lambda: {"a": 1})) as one, fake_server(saying(lambda: {"a": 2})) as other:
        profile = Profile(openapi=None, cases=tuple(case(path=f"/{n}") for n in range(5)))
        left, right = Endpoint.parse(one.base_url), Endpoint.parse(other.base_url)
        result = result_of_comparing(ParityPlan(left, right, profile=profile, generate=0), Impatient())

    assert (result.verdict, result.requests) == ("different", 1)
    assert "interrupted" in result.why


def test_nothing_to_compare_is_no_agreement() -> None:
    with fake_server(saying(dict)) as server:
        endpoint = Endpoint.parse(server.base_url)
        result = result_of_comparing(ParityPlan(endpoint, endpoint, profile=Profile(openapi=None), generate=0))

    assert (result.verdict, result.exit_code) == ("cannot tell", 2)


def test_a_service_names_its_own_address_without_differing() -> None:
    def redirecting(asked: Asked) -> Says:
        return Says(status=307, headers={"Location": f"http://{asked.headers['host']}/other"})

    assert compared(redirecting, redirecting).verdict == "same"
    assert causes(compared(redirecting, lambda _: Says(status=307, headers={"Location": "/other"}))) == [
        (DifferenceKind.HEADER_VALUE, "header location")
    ]


@pytest.mark.parametrize("status", [401, 404, 500])
def test_where_nobody_is_let_in_nothing_is_proven(status: int) -> None:
    def refuse(_: Asked) -> Says:
        return Says({"error": "no"}, status)

    result = compared(refuse, refuse, case(path="/a"), case(path="/b"))

    assert (result.verdict, result.exit_code) == ("cannot tell", 2)
    assert "nobody was let in" in result.why


def test_each_operation_that_never_answered_2xx_is_told_and_may_be_asked_for() -> None:
    def half(asked: Asked) -> Says:
        return Says({"a": 1}, 200 if asked.path == "/open" else 401)

    cases = case(path="/open"), case(path="/closed")
    result, strict = (compared(half, half, *cases, require_success=required) for required in (False, True))

    assert (result.verdict, result.unsuccessful) == ("same", ["GET /closed"])
    assert "1 operation never answered 2xx" in result.why
    assert any("GET /closed never answered 2xx (401 in 1 request)" in warning for warning in result.warnings)
    assert {sent.request: sent.primary_statuses for sent in result.operations} == {
        "GET /open": {"200": 1},
        "GET /closed": {"401": 1},
    }
    assert (strict.verdict, strict.exit_code) == ("cannot tell", 2)


def test_what_the_candidate_alone_has_is_told_as_a_difference_only() -> None:
    new = Declaration("it is new", "GET /new", DifferenceKind.STATUS, "status")
    opened = saying(lambda: {"a": 1})

    result = compared(
        lambda asked: Says({}, 404) if asked.path == "/new" else opened(asked),
        opened,
        case(path="/open"),
        recorded=(Case(Source.RECORDED, "new", Request("GET", "/new")),),
        profile=Profile(intended=(new,)),
    )

    assert (result.verdict, result.unsuccessful, result.warnings) == ("same", [], [])


@pytest.mark.timeout(20)
def test_an_interruption_does_not_wait_for_a_limited_rate() -> None:
    limited = threading.Event()

    def refuse(asked: Asked) -> Says:
        if asked.path != "/limited":
            return Says({"a": 1})
        limited.set()
        return Says({"error": "slow down"}, 429, {"Retry-After": "50"})

    class Impatient(Quiet):
        def advance(self, amount: float = 1) -> None:
            limited.wait()
            raise KeyboardInterrupt(amount)

    with fake_server(saying(lambda: {"a": 1})) as one, fake_server(refuse) as other:
        profile = Profile(openapi=None, cases=(case(path="/limited"),))
        left, right = Endpoint.parse(one.base_url), Endpoint.parse(other.base_url)
        result = result_of_comparing(ParityPlan(left, right, profile=profile, generate=0), Impatient())

    assert "interrupted" in result.why


def limiting(after: int, **headers: str) -> Behaviour:
    """One that refuses every nth request as one too many."""
    numbers = itertools.count(1)

    def answer(_: Asked) -> Says:
        if next(numbers) % after == 0:
            return Says({"error": "slow down"}, 429, headers)
        return Says({"a": 1})

    return answer


def test_a_limited_rate_is_waited_for_and_is_no_difference() -> None:
    cases = [case(path=f"/?{number}") for number in range(20)]

    result = compared(limiting(7, **{"Retry-After": "0"}), limiting(11, **{"Retry-After": "0"}), *cases)

    assert (result.verdict, result.causes, result.unsteady) == ("same", [], [])
    assert [sent.primary_statuses for sent in result.operations] == [{"200": 20}]


def test_what_is_refused_as_one_too_many_is_counted_apart() -> None:
    cases = [case(path=f"/?{number}") for number in range(20)]

    result = compared(saying(lambda: {"a": 1}), limiting(7), *cases)

    assert (result.causes, result.unsteady) == ([], [])
    assert any("only the candidate answered 429" in warning for warning in result.warnings)
    assert 0 < result.requests < 20


def test_a_primary_with_a_limited_rate_is_not_unsteady_and_hides_no_difference() -> None:
    cases = [case(path=f"/?{number}") for number in range(20)]

    result = compared(limiting(3), saying(lambda: {"a": 2}), *cases)

    assert (causes(result), result.unsteady) == ([(DifferenceKind.NUMBER, "$.a")], [])


def test_an_operation_that_one_side_always_refuses_as_one_too_many_is_not_the_same() -> None:
    def refusing(asked: Asked) -> Says:
        return Says({"a": 1}, 429 if asked.path == "/b" else 200)

    result = compared(saying(lambda: {"a": 1}), refusing, case(path="/a"), case(path="/b"))

    assert (result.verdict, result.causes) == ("cannot tell", [])
    assert "1 operation could not be compared: one side always answered 429" in result.why


def test_a_named_request_is_the_example_though_another_is_smaller() -> None:
    named = replace(case(path="/?" + "x" * 50), name="a name")
    recorded = Case(Source.RECORDED, "other", Request("GET", "/"))

    result = compared(saying(lambda: {"a": 1}), saying(lambda: {"a": 2}), named, recorded=(recorded,))

    assert [(cause.count, cause.example.case) for cause in result.causes] == [(2, "a name")]


def test_what_signing_in_gave_is_shown_nowhere_though_a_text_is_cut_within_it() -> None:
    secret = "c0ffee" * 8

    def echoing(padding: int) -> Behaviour:
        def answer(asked: Asked) -> Says:
            return Says(
                {"token": secret} if asked.path == "/login" else {"said": "x" * padding + asked.headers.get("key", "")}
            )

        return answer

    profile = Profile(
        sign_in=SignIn(Request("POST", "/login"), {"token": "$.token"}), authorization=(("Key", "${token}"),)
    )
    result = compared(echoing(100), echoing(1980), case(Key="${token}"), profile=profile)

    (cause,) = result.causes
    assert "<token>" in (cause.primary or "")
    assert not re.search("(c0ffee){2}|c0ff.{0,8}…", json.dumps(msgspec.to_builtins(result), ensure_ascii=False))
