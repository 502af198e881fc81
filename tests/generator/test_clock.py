"""The agreed clock: what is said of another one holds, however unequal the ways there and back are."""

import random

import pytest
from serving_lab.generator.clock import Clock, compare
from serving_lab.generator.outcome import Measured, RunOutcome, together

from generator.samples import done

AHEAD = 1234.5


class Network:
    """A clock that is ahead, and a way to it that takes its time; both are simulated."""

    def __init__(self, seed: int, there: float, back: float) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - the same journey for the same seed
        self._ways = there, back
        self._now = 100.0

    def now(self) -> float:
        return self._now

    def ask(self) -> float:
        there, back = (way * (1 + self._chance.expovariate(1)) for way in self._ways)
        self._now += there
        said = self._now + AHEAD
        self._now += back
        return said


@pytest.mark.parametrize(("there", "back"), [(0.001, 0.001), (0.02, 0.0001), (0.0001, 0.02)])
def test_the_error_is_never_larger_than_the_stated_uncertainty(there: float, back: float) -> None:
    for seed in range(200):
        network = Network(seed, there, back)

        found = compare(network.ask, network.now)

        assert abs(found.ahead - AHEAD) <= found.uncertainty + 1e-9
        assert found.uncertainty < 2 * (there + back)


def test_the_quickest_of_several_round_trips_counts() -> None:
    one, many = Network(1, 0.01, 0.01), Network(1, 0.01, 0.01)

    assert compare(many.ask, many.now, 20).uncertainty < compare(one.ask, one.now, 1).uncertainty


def joined(*generators: tuple[float, float]) -> RunOutcome:
    """Of generators that were so late, by clocks so uncertain."""
    parts = [
        Measured(str(number), Clock(0.0, uncertainty), done(late=late), 0.0)
        for number, (late, uncertainty) in enumerate(generators)
    ]
    return together(parts, 1.0, {})


def test_the_skew_is_what_generators_say_and_what_their_clocks_may_hide() -> None:
    assert joined((0.005, 0.001)).start_skew == 0
    assert joined((0.0, 0.001), (0.0, 0.002)).start_skew == pytest.approx(0.003)
    assert joined((0.0, 0.001), (0.03, 0.002), (0.01, 0.0)).start_skew == pytest.approx(0.033)
