"""What a console shows of how far the work is: time left from what is expected, then from the pace."""

import io

import pytest
from rich.console import Console
from serving_lab.text import progress
from serving_lab.text.progress import TerminalProgress, Unit


class Clock:
    """Time that a test decides."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    own = Clock()
    monkeypatch.setattr(progress, "time", own)
    return own


def shown(clock: Clock, expected: float, unit: Unit) -> str:
    console = Console(file=io.StringIO(), width=80)
    with TerminalProgress(console, expected, unit) as told:
        told.phase("first [part]", "1,000 requests" if unit == "requests" else "")
        clock.now = 20.0
        told.remark("1 difference")
        told.advance(expected / 10)
        told.phase("second")
        clock.now = 25.0
        told.advance(expected / 10)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_expected_seconds_tell_how_long_it_takes_and_the_pace_corrects_them(clock: Clock) -> None:
    assert shown(clock, 100.0, "seconds").splitlines() == [
        "first [part], about 1 min 40 s left",
        "  1 difference, about 3 min 00 s left",
        "second, about 3 min 00 s left",
    ]


def test_requests_tell_it_when_some_are_done(clock: Clock) -> None:
    assert shown(clock, 2000, "requests").splitlines() == [
        "first [part]: 1,000 requests",
        "  200 of 2,000, 1 difference, about 3 min 00 s left",
        "second, about 3 min 00 s left",
    ]


def test_what_goes_on_has_some_time_left_or_takes_longer_than_expected(clock: Clock) -> None:
    console = Console(file=io.StringIO(), width=80)
    with TerminalProgress(console, 10) as told:
        clock.now = 11.0
        told.advance(9.9)
        clock.now = 30.0
        told.advance(20)
        told.phase("last")
        told.expect(10.0)
        told.phase("after that")

    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().splitlines() == [
        "  about 1 s left",
        "  longer than expected",
        "last",
        "after that, about 10 s left",
    ]


def test_a_terminal_shows_a_bar_that_goes_away() -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    with TerminalProgress(console, 2, "requests") as told:
        told.phase("generated")
        told.advance()

    assert isinstance(console.file, io.StringIO)
    assert "generated" in console.file.getvalue()
    assert "1 of 2" in console.file.getvalue()
