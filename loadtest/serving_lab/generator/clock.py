"""The agreed clock: how far a generator's clock is from the laboratory's, and how surely that is known.

The way of NTP (RFC 5905, section 8): of several round trips the quickest tells most. The reply was made somewhere
between question and answer, so half of the trip is the most by which the middle can be wrong, however unequal both
directions are.
"""

from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple

ROUNDS = 8


class Clock(NamedTuple):
    """Another clock beside this one, both `time.perf_counter` of their processes; in seconds."""

    ahead: float
    """How far it is ahead of this one."""
    uncertainty: float
    """What `ahead` may be wrong by, at most."""


def compare(ask: Callable[[], float], now: Callable[[], float] = perf_counter, rounds: int = ROUNDS) -> Clock:
    """Compare a clock with this one's.

    Args:
        ask: Returns what the other clock says, after a round trip.
        now: This clock.
        rounds: How often it is asked.
    """
    return min((_round(ask, now) for _ in range(rounds)), key=lambda clock: clock.uncertainty)


def _round(ask: Callable[[], float], now: Callable[[], float]) -> Clock:
    asked = now()
    there = ask()
    answered = now()
    return Clock(there - (asked + answered) / 2, (answered - asked) / 2)
