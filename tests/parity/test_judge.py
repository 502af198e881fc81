"""The judgement of two exchanges: a pure function, of whatever services answer."""

import ast
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from serving_lab.api.request import Request
from serving_lab.documents.operations import Operations
from serving_lab.parity import judgement
from serving_lab.parity.judgement.declarations import Declaration
from serving_lab.parity.judgement.difference import Difference, DifferenceKind
from serving_lab.parity.judgement.judge import ExchangePair, Judgement, Judging, judge, own_differences
from serving_lab.parity.judgement.noise import Field, Noise
from serving_lab.parity.judgement.rules import Rules, Tolerance
from serving_lab.wire.message import Answer, Ending, Exchange, RawRequest

from parity.exchanges import EXPOSITION, JSON, NOW, answer, pair

PACKAGE = Path(judgement.__file__).parent
IMPURE = {"asyncio", "http", "os", "pathlib", "random", "select", "socket", "subprocess", "threading", "time"}
SHARED = ("documents.operations", "text.secrets", "text.times", "text.tokens")
MAY_IMPORT = (
    "serving_lab.api",
    "serving_lab.parity.judgement",
    "serving_lab.wire.message",
    *(f"serving_lab.{name}" for name in SHARED),
)

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
ODD_TEXTS = (
    '"Mon, 99 Jan 2026 99:99:99 GMT"',
    '"2026-99-99T99:99:99Z"',
    f'"{json.dumps("eyJhbGciOiJIUzI1NiJ9.W10.")[1:-1]}"',
    '"\\ud800 half of a character"',
    "NaN",
    "1e999",
    "9" * 400,
    "[" * 300 + "1" + "]" * 300,
    "[" * 300 + "2" + "]" * 300,
    '{"a": 1, "a": 2}',
    "# TYPE a counter\na_total 1\n",
    "# TYPE a counter\na_total",
    "not JSON",
    "",
)
BODIES = (
    DOCUMENTS.map(lambda document: json.dumps(document).encode())
    | st.sampled_from(ODD_TEXTS).map(str.encode)
    | st.binary(max_size=20)
)
HEADERS = st.lists(
    st.sampled_from((JSON, EXPOSITION))
    | st.tuples(
        st.sampled_from(("date", "server", "allow", "content-length", "transfer-encoding", "x-a")),
        st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=12)
        | st.sampled_from(("Sat, 28 Nov 2026 12:00:00 GMT", "Sat, 99 Nov 2026 12:00:00 GMT", "GET, HEAD")),
    ),
    max_size=4,
).map(tuple)
ANSWERS = st.builds(Answer, st.sampled_from((200, 400, 404, 500)), HEADERS, BODIES)
EXCHANGES = st.builds(Exchange, st.lists(ANSWERS, max_size=2).map(tuple), st.sampled_from(Ending))
REQUESTS = st.sampled_from(
    (
        Request("GET", "/"),
        Request("POST", "/items/7?a=1", (JSON,), b'{"id": "half of a character"}'),
        RawRequest(b"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n"),
        RawRequest(b"nothing"),
    )
)


def found(judged: Judgement) -> list[tuple[str, str]]:
    return [(difference.kind, difference.where) for difference in judged.undeclared]


def with_values(noise: Noise, place: Field, one: object, other: object) -> Noise:
    """The noise, and that the primary had these two values there."""
    return noise.with_difference(place, Difference(DifferenceKind.TEXT, place.where, "", "", values=(one, other)))


def noisy(**values: tuple[object, object]) -> Judging:
    """Noise of `GET /`: members of the answer, each with two values that the primary had."""
    noise = Noise()
    for name, (value, other) in values.items():
        noise = with_values(noise, Field.of("GET /", 200, f"$.{name}"), value, other)
    return Judging(operations=judging_of("/").operations, noise=noise)


def judging_of(*templates: str) -> Judging:
    return Judging(operations=Operations(templates))


class TestAnyExchange:
    @settings(deadline=None)
    @given(EXCHANGES, REQUESTS)
    def test_does_not_differ_from_itself(self, exchange: Exchange, request_: Request | RawRequest) -> None:
        judged = judge(ExchangePair(request_, exchange, exchange, NOW), Judging())

        assert (judged.undeclared, judged.declared, judged.values) == ((), (), ())

    @settings(deadline=None)
    @given(DOCUMENTS)
    def test_is_the_same_in_another_spelling(self, document: object) -> None:
        spelled = json.dumps(document, ensure_ascii=False, indent=3, sort_keys=True).encode("utf-8", "surrogatepass")

        assert found(judge(pair(answer(document), answer(spelled)), Judging())) == []

    @settings(max_examples=300, deadline=None)
    @given(EXCHANGES, EXCHANGES, REQUESTS)
    def test_is_judged_without_an_error_and_always_alike(
        self, primary: Exchange, candidate: Exchange, request_: Request | RawRequest
    ) -> None:
        both = ExchangePair(request_, primary, candidate, NOW)

        judged = judge(both, Judging())

        assert judged == judge(both, Judging())
        turned = judge(replace(both, primary=candidate, candidate=primary), Judging())
        assert bool(judged.undeclared) is bool(turned.undeclared)
        for difference in judged.undeclared:
            assert all(side is None or side.isprintable() for side in (difference.primary, difference.candidate))

    @settings(deadline=None)
    @given(EXCHANGES, EXCHANGES)
    def test_has_no_undeclared_difference_once_all_are_declared(self, primary: Exchange, candidate: Exchange) -> None:
        both = pair(primary, candidate)
        differences = judge(both, Judging()).undeclared
        declarations = tuple(Declaration("meant", "GET *", each.kind, each.where) for each in differences)

        judged = judge(both, Judging(declarations=declarations))

        assert judged.undeclared == ()
        assert [difference for difference, _ in judged.declared] == list(differences)

    @settings(deadline=None)
    @given(EXCHANGES, EXCHANGES, st.lists(st.sampled_from(("header x-a", "header date", "$", "body")), unique=True))
    def test_noise_excuses_nothing_but_values(self, primary: Exchange, candidate: Exchange, places: list[str]) -> None:
        both = pair(primary, candidate)
        noise = Noise()
        for place in places:
            for status in (200, 400, 404, 500):
                place_of = Field.of("GET (other)", status, place)
                noise = with_values(with_values(noise, place_of, "text", "word"), place_of, 1, 1.5)

        with_noise = judge(both, Judging(noise=noise))

        unexcused = {(d.kind, d.where) for d in judge(both, Judging()).undeclared if d.where not in places}
        assert unexcused <= set(found(with_noise))


class TestNoise:
    def test_of_the_same_form_is_no_difference_but_a_sample(self) -> None:
        judged = judge(pair(answer({"id": "a" * 32}), answer({"id": "b" * 32})), noisy(id=("c" * 32, "d" * 32)))

        assert found(judged) == []
        assert [(each.primary, each.candidate) for each in judged.values] == [("a" * 32, "b" * 32)]

    def test_of_another_form_is_a_difference(self) -> None:
        judged = judge(pair(answer({"id": "a" * 32}), answer({"id": "b"})), noisy(id=("c" * 32, "d" * 32)))

        assert found(judged) == [(DifferenceKind.FORM, "$.id")]

    def test_gains_the_forms_that_the_primary_shows_and_the_context_stays_as_it_was(self) -> None:
        context = noisy(id=("abc", "abd"))

        judged = judge(pair(answer({"id": "a longer one".replace(" ", "")}), answer({"id": "x" * 11})), context)

        lengths = [{form.length for form in each.forms} for each in (*context.noise.fields.values(),)]
        assert (lengths, found(judged)) == ([{3}], [])
        assert {form.length for each in judged.noise.fields.values() for form in each.forms} == {3, 10}

    @pytest.mark.parametrize(("late", "kinds"), [(0, []), (59, []), (61, [DifferenceKind.CLOCK])])
    def test_a_clock_must_tell_when_it_was_answered_however_long_ago_that_is(
        self, late: int, kinds: list[DifferenceKind]
    ) -> None:
        told, other, before = ((NOW + timedelta(seconds=seconds)).isoformat() for seconds in (0, late, -1))

        judged = judge(pair(answer({"at": told}), answer({"at": other})), noisy(at=(told, before)))

        assert [kind for kind, _ in found(judged)] == kinds

    def test_a_time_that_is_not_the_present_may_be_any(self) -> None:
        long_ago, longer_ago = ((NOW - timedelta(days=days)).isoformat() for days in (10, 20))
        context = noisy(at=(long_ago, longer_ago))

        assert found(judge(pair(answer({"at": long_ago}), answer({"at": longer_ago})), context)) == []

    @pytest.mark.parametrize(
        ("one", "other", "primary", "candidate", "kinds"),
        [
            (b"\xb4", b"\xb5", b"\xc1", b";", []),
            (b"\xb4\x01", b"z\xff", b"a\xc1", b";\x00", []),
            (b"\x89PNG made 17\xff", b"\x89PNG made 18\xff", b"\x89PNG made 19\xff", b"\x88PNG made 20\xff",
             [DifferenceKind.BODY]),
        ],
    )  # fmt: skip
    def test_bytes_that_are_no_text_have_no_form_and_what_is_constant_beside_them_is_compared(
        self, one: bytes, other: bytes, primary: bytes, candidate: bytes, kinds: list[DifferenceKind]
    ) -> None:
        place, noise = Field.of("GET /", 200, "body"), Noise()
        for each in own_differences(answer(one), answer(other), Rules()):
            noise = noise.with_difference(place, each)
        context = replace(judging_of("/"), noise=noise)

        assert [kind for kind, _ in found(judge(pair(answer(primary), answer(candidate)), context))] == kinds

    def test_half_of_a_character_in_noise_is_a_value_like_any_other(self) -> None:
        left, right = (answer({"id": f"{half} half of a character"}) for half in ("\ud800", "\udc00"))

        assert found(judge(pair(left, right), noisy(id=("a text", "of another form")))) == []


class TestOddValues:
    def test_an_integer_beyond_any_float_is_compared_exactly(self) -> None:
        large, fraction = answer([10**400]), answer([1.5])

        (_, number) = judge(pair(large, fraction), Judging()).undeclared

        assert (number.kind, number.relative) == (DifferenceKind.NUMBER, 1.0)

    @pytest.mark.parametrize(("relative", "same"), [(1.0, True), (0.5, False)])
    def test_a_tolerance_holds_for_it_too(self, relative: float, *, same: bool) -> None:
        rules = Rules(tolerances=(Tolerance("$[*]", relative=relative),))

        kinds = [kind for kind, _ in found(judge(pair(answer([10**400]), answer([1.5])), Judging(rules=rules)))]

        assert (DifferenceKind.NUMBER not in kinds) is same

    def test_infinity_is_at_no_distance(self) -> None:
        (difference,) = judge(pair(answer(b"1e999"), answer(b"1.5")), Judging()).undeclared

        assert (difference.kind, difference.relative) == (DifferenceKind.NUMBER, None)

    def test_documents_that_are_nested_too_deeply_are_compared_as_text(self) -> None:
        left, right = (answer(b"[" * 900 + number + b"]" * 900) for number in (b"1", b"2"))

        assert found(judge(pair(left, right), Judging())) == [(DifferenceKind.BODY, "body")]


def test_an_operation_is_named_by_its_template_and_raw_requests_are_apart() -> None:
    context = judging_of("/items/{id}")
    requests = Request("GET", "/items/7"), RawRequest(b"GET /items/7 HTTP/1.1\r\n\r\n"), RawRequest(b"nothing")

    operations = [judge(pair(answer(), answer(), request), context).operation for request in requests]

    assert operations == ["GET /items/{id}", "raw GET /items/{id}", "raw (no request line)"]


def test_what_our_services_once_answered_is_judged_without_a_connection_and_without_waiting() -> None:
    program = """
import socket, subprocess, time
from parity.exchanges import recorded
from serving_lab.parity.judgement.judge import Judging, judge

def refuse(*_, **__):
    raise AssertionError("the judgement does more than judge")

socket.socket = socket.create_connection = socket.getaddrinfo = subprocess.Popen = time.sleep = refuse
for each in recorded():
    found = [[difference.kind, difference.where] for difference in judge(each.pair, Judging()).undeclared]
    assert tuple(dict.fromkeys(map(tuple, found))) == each.differences, found
"""
    path = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(path)}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_its_modules_import_nothing_that_could() -> None:
    for module, imported in imports().items():
        assert not {name.partition(".")[0] for name in imported} & IMPURE, module
        own = {name for name in imported if name.startswith("serving_lab")}
        assert all(name.startswith(MAY_IMPORT) for name in own), (module, own)


def imports() -> Mapping[str, set[str]]:
    """The modules of the judgement and what it shares with others, each with all that it imports."""
    found_in: dict[str, set[str]] = {}
    shared = [PACKAGE.parents[1].joinpath(*name.split(".")).with_suffix(".py") for name in SHARED]
    for path in (*PACKAGE.glob("*.py"), *shared):
        names: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
        found_in[path.name] = names
    assert len(found_in) > 5
    return found_in
