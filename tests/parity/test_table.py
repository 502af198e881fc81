"""What a person reads on the console after a comparison."""

import io
from pathlib import Path

import pytest
from made.comparison import (
    PRIMARY,
    make_cannot_tell,
    make_cause,
    make_different,
    make_example,
    make_intended,
    make_many,
    make_parity,
)
from msgspec.structs import replace
from rich.console import Console
from serving_lab.parity.ledger import detectable_rate
from serving_lab.parity.reporting.phrases import difference, showed_again
from serving_lab.parity.reporting.table import print_result
from serving_lab.parity.result import Sent
from serving_lab.text.phrases import duration, rarest_seen

FILES = (Path("build/parity/parity.html"), Path("build/parity/parity.json"))


def printed(result: object, width: int = 80, *, terminal: bool = False) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=terminal, highlight=False)
    print_result(console, result, FILES)  # type: ignore[arg-type]
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def flat(text: str) -> str:
    return " ".join(text.split())


def test_when_nothing_differs_it_is_a_few_calm_lines() -> None:
    text = printed(make_parity())

    assert text.strip().startswith("Same: 10,000 requests were answered alike")
    assert len(text.strip().splitlines()) <= 15
    assert "curl" not in text
    assert (
        "a difference that shows in 1 of 3,338 requests would have been seen with 95% probability "
        "for one operation alone it is less: 1 of 2,336 for POST /predict, 1 of 1,002 for GET /health"
    ) in flat(text)
    assert (
        "10,000 (9,000 generated, 612 from the corpus, 300 other methods and paths, 88 raw) in 3 min 12 s, seed 7"
        in flat(text)
    )
    assert "2 of 2 declared differences occurred" in text
    assert "header x-process-time, $.timestamp" in text
    assert all(str(path) in text for path in FILES)


@pytest.mark.parametrize("width", [80, 140])
@pytest.mark.parametrize("result", [make_different(make_cause()), make_many()], ids=["one", "many"])
def test_each_line_to_copy_is_whole_and_on_a_line_of_its_own(result: object, width: int) -> None:
    lines = printed(result, width).splitlines()

    for cause in result.causes:  # type: ignore[attr-defined]
        for command in (cause.example.primary_command, cause.example.candidate_command):
            assert all(line in lines for line in command.splitlines())
    assert "TOKEN=$(curl -sS http://127.0.0.1:5000/login)" in lines


@pytest.mark.parametrize("width", [80, 140])
def test_everything_else_fits_the_width(width: int) -> None:
    result = make_many()
    copied = {line for cause in (*result.causes, *result.unsteady) for line in commands(cause)}

    lines = [line for line in printed(result, width).splitlines() if line not in copied]

    assert max(map(len, lines)) <= width


def test_a_cause_is_told_with_all_that_is_known_of_it() -> None:
    text = flat(printed(make_different(make_cause(kind="number", where="$.prediction", relative=0.000001234))))

    assert text.startswith("Different: ")
    for told in (
        "1 number: $.prediction 401 403 900 of 1,200",
        "POST /predict and 1 more",
        "at POST /predict (850), GET /cache/stats (50)",
        "sent again 5 times, it showed each time; up to 1.2e-06 apart, as a share of the larger",
        "with it: header missing: www-authenticate; content type",
        "corpus: predict/without a token",
    ):
        assert told in text


@pytest.mark.parametrize(
    ("proven", "told"),
    [
        (True, "a consequence of what differs at POST /orders: it did not show with both in the same state"),
        (False, "may be a consequence of POST /orders, which one side alone accepted: before, in the profile, brings"),
    ],
)
def test_a_consequence_is_told_as_that(*, proven: bool, told: str) -> None:
    text = flat(printed(make_different(make_cause(after="POST /orders", after_proven=proven))))

    assert told in text


def test_what_the_primary_itself_is_unsteady_in_is_told_apart() -> None:
    text = flat(printed(make_different(unsteady=[make_cause(candidate=None)])))

    assert "Cannot be compared" in text
    assert "primary, once primary, again" in text
    assert "401 nothing 900 of 1,200" in text


def test_stale_and_untried_declarations_are_named_with_their_reasons() -> None:
    intended = [
        make_intended(),
        make_intended(request="GET /redoc", reason="Old habit", count=0, tried=44),
        make_intended(request="GET /graphql", count=0, tried=0),
    ]

    text = flat(printed(make_parity(intended=intended)))

    assert "1 of 3 declared differences occurred" in text
    assert "stale: status at GET /redoc did not occur in 44 requests (declared as: Old habit)" in text
    assert "untried: status at GET /graphql was not tried" in text


def test_stale_declarations_with_one_reason_are_one_line_and_those_for_everything_are_not_stale() -> None:
    closes = [make_intended(request=f"* /{path}", reason="Closes", count=0, tried=9) for path in "abc"]
    everywhere = make_intended(request="*", reason="Server", count=0, tried=900)

    text = flat(printed(make_parity(intended=[*closes, everywhere])))

    assert "stale: status at * /a and 2 more did not occur in 9 requests (declared as: Closes)" in text
    assert text.count("stale") == 1
    assert "Server" not in text


def test_what_nobody_was_let_in_to_is_told_beside_the_verdict_and_its_statuses_come_first() -> None:
    operations = [
        Sent(request="GET /a", count=90, differing=0, detectable_rate=0.03, primary_statuses={"200": 90}),
        Sent(request="GET /b", count=9, differing=0, detectable_rate=0.3, primary_statuses={"401": 8, "404": 1}),
    ]
    operations = [replace(each, candidate_statuses=each.primary_statuses) for each in operations]
    operations[0] = replace(operations[0], candidate_statuses={"200": 89, "500": 1})

    text = flat(printed(make_parity(operations=operations, unsuccessful=["GET /b"])))

    assert text.startswith("Same, as far as anybody was let in: ")
    assert "statuses GET /b 401:8 404:1 GET /a 200:90 against 200:89 500:1 how sure" in text


def test_warnings_and_a_missing_proof_are_said() -> None:
    text = flat(printed(make_cannot_tell()))

    assert text.startswith("Cannot tell: The candidate does not answer")
    assert "warnings Stopped after 31 requests." in text


def test_a_line_too_long_for_a_screen_is_left_to_the_report() -> None:
    example = make_example(primary_command="curl " + "x" * 50_000)

    text = printed(make_different(make_cause(example=example)))

    assert "# 50,005 characters long: see the report" in text
    assert len(text) < 10_000


def test_what_a_service_says_cannot_command_the_terminal() -> None:
    evil = "\x1b[2J\x07\u202e[red]x[/red]"
    operations = [Sent(request=evil, count=1, differing=0, detectable_rate=1, primary_statuses={evil: 1})]
    example = make_example(case=evil, primary_command=evil)
    cause = make_cause(where=evil, primary=evil, operations={evil: 1}, follows=[evil], example=example)

    text = printed(make_different(cause, why=evil, warnings=[evil], operations=operations))

    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert "[red]x[/red]" in text
    assert "\x1b[2J" not in printed(make_different(cause, why=evil, warnings=[evil]), terminal=True)


@pytest.mark.parametrize(
    ("kind", "where", "words"),
    [
        ("status", "status", "status"),
        ("content type", "header content-type", "content type"),
        ("header missing", "header www-authenticate", "header missing: www-authenticate"),
        ("metric extra", "metric http_requests_total", "metric extra: http_requests_total"),
        ("missing field", "$.detail", "missing field: $.detail"),
        ("no answer", "connection", "no answer: connection"),
    ],
)
def test_what_differs_is_said_without_a_word_twice(kind: str, where: str, words: str) -> None:
    assert difference(make_cause(kind=kind, where=where)) == words


def test_operations_that_were_sent_too_seldom_to_say_much_are_counted() -> None:
    operations = [
        Sent(request="POST /predict", count=600, differing=0, detectable_rate=0.005),
        Sent(request="GET /" + "x" * 2000, count=5, differing=0, detectable_rate=0.45),
        Sent(request="GET /docs", count=1, differing=0, detectable_rate=0.95),
    ]

    text = flat(printed(make_different(make_cause(operations={operations[1].request: 5}), operations=operations)))

    assert (
        "for one operation alone it is less: 1 of 200 for POST /predict; 2 of 3 operations had fewer than 60 requests, "
        "so that only what shows more often than in 1 of 20 was seen"
    ) in text
    assert "x" * 100 not in text


def test_numbers_are_put_into_words() -> None:
    assert rarest_seen(detectable_rate(0)) == "nothing can be said: no request was compared"
    assert rarest_seen(0.0017635) == (
        "a difference that shows in 1 of 567 requests would have been seen with 95% probability"
    )
    assert [duration(seconds) for seconds in (0.04, 59.9, 61, 7260)] == ["0.0 s", "59.9 s", "1 min 1 s", "2 h 1 min"]
    assert showed_again(make_cause(repeated=0)) is None
    assert showed_again(make_cause(repeated=4, reproduced=0)) == "sent again 4 times, it showed in none of them"
    assert showed_again(make_cause(repeated=4, reproduced=3)) == "sent again 4 times, it showed in 3 of them"


def commands(cause: object) -> list[str]:
    example = cause.example  # type: ignore[attr-defined]
    return [*example.primary_command.splitlines(), *example.candidate_command.splitlines()]


def test_the_examples_of_these_tests_are_of_the_primary_and_the_candidate() -> None:
    assert PRIMARY in make_cause().example.primary_command
