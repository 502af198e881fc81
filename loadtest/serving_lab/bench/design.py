"""What is fixed before anything is measured: how many pairs or how much time, how long arms are, and the margin."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from serving_lab.errors import LabError
from serving_lab.experiment import validity
from serving_lab.experiment.profile import BEST, OfPeakForm, ScenarioForm
from serving_lab.text import durations

SECONDS_AROUND_AN_ARM = 0.5
PREPARATION_SECONDS = 8.0
WARM_UP_SECONDS, WARM_SECONDS, SEARCH_SECONDS = 4.5, 2.0, 5.0
KNEE_SECONDS = 35.0
"""What an arm takes besides what it measures; about how long preparing a target takes, and finding a knee. With a
budget, preparation is a warm-up, a shorter one for a target that is warm, and a search for what is not given."""
SHORTEST_ARM_SECONDS, LONGEST_ARM_SECONDS = 0.6, 2.0
"""Of an arm whose length is not given. Short arms make many pairs, of which slow noise spoils few."""
ENOUGH_ANSWERS, ENOUGH_FOR_P99, SECONDS_FOR_P99 = 300, 1.3 * validity.samples_needed(0.99), 1.2
"""Answers that an arm should have; as many as its P99 needs, if that takes no longer than so."""

BUDGET, MARGIN = "5m", 0.05
SECONDS_OF_PAIRS, MARGIN_OF_PAIRS = 5.0, 0.03
"""Where they are not said: a margin that can be shown in some minutes, and the one of many long arms."""


@dataclass(frozen=True)
class Design:
    """What is fixed before anything is measured."""

    pairs: int | None
    """Blocks of arms, one arm of each target; None: as many as it takes, in the time of the budget."""
    seconds: float | None
    """Of an arm; None: as short as the rate of answers allows."""
    seed: int
    margin: float
    """What counts as equivalent, as a share."""
    budget: float | None = None
    """Seconds that the whole measurement may take; None: as long as the pairs take."""

    def __post_init__(self) -> None:
        """Raises ValueError: there is neither a number of pairs nor a budget, or both."""
        if (self.pairs is None) is (self.budget is None):
            raise ValueError("a design has a number of pairs or a budget")

    @classmethod
    def asked(
        cls, budget: str | None, pairs: int | None, seconds: float | None, seed: int, margin_percent: float | None
    ) -> Self:
        """Return the design that is asked for, with what is usual for what is left out.

        Raises:
            LabError: a budget and pairs are given, or the budget is no length of time.
        """
        if pairs is None:
            margin = MARGIN if margin_percent is None else margin_percent / 100
            return cls(None, seconds, seed, margin, durations.parse(budget or BUDGET, "--budget"))
        if budget is not None:
            raise LabError("--budget and --pairs exclude each other", hint="a time for all of it, or a number of pairs")
        margin = MARGIN_OF_PAIRS if margin_percent is None else margin_percent / 100
        return cls(pairs, seconds or SECONDS_OF_PAIRS, seed, margin)

    def pairs_of(self, form: ScenarioForm) -> int:
        """Return how many pairs a scenario gets: half as many for a knee, each of which is a search of its own.

        With a budget these are the fewest, after which one looks for the first time.
        """
        if self.pairs is None:
            return 3 if form.loop == "knee" else 4
        return max(3, math.ceil(self.pairs / 2)) if form.loop == "knee" else self.pairs

    def expected_seconds(self, form: ScenarioForm, targets: int, *, warm: bool = False) -> float:
        """Return about how long a scenario takes, with a budget at least.

        Args:
            form: Of the scenario.
            targets: How many are measured.
            warm: Whether another scenario came before.
        """
        preparation = self.preparation_seconds(form, warm=warm)
        return targets * preparation + self.pairs_of(form) * self.pair_seconds(form, targets)

    def preparation_seconds(self, form: ScenarioForm, *, warm: bool) -> float:
        """Return about how long the preparation of a target takes."""
        if self.budget is None:
            return PREPARATION_SECONDS
        return (WARM_SECONDS if warm else WARM_UP_SECONDS) + (SEARCH_SECONDS if self.searches(form) else 0.0)

    def searches(self, form: ScenarioForm) -> bool:
        """Whether it is searched with how many connections a target answers most.

        With a budget, a share of the largest rate is one of the rate in the warm-up, over the scenario's connections.
        """
        if self.budget is None and isinstance(form.rate, OfPeakForm):
            return True
        return form.connections == BEST or form.loop == "knee"

    def pair_seconds(self, form: ScenarioForm, targets: int, seconds: float | None = None) -> float:
        """Return about how long an arm of each target takes; `seconds` is its length, once it is known."""
        seconds = seconds or self.seconds or SHORTEST_ARM_SECONDS
        return targets * (KNEE_SECONDS if form.loop == "knee" else seconds + SECONDS_AROUND_AN_ARM)

    def arm_seconds(self, rates: Iterable[float]) -> float:
        """Return how long arms are.

        Args:
            rates: Answers a second that each target can be expected to give.
        """
        if self.seconds is not None:
            return self.seconds
        slowest = max(min(rates), 1e-9)
        seconds = ENOUGH_FOR_P99 / slowest
        if seconds > SECONDS_FOR_P99:
            seconds = ENOUGH_ANSWERS / slowest
        return min(LONGEST_ARM_SECONDS, max(SHORTEST_ARM_SECONDS, seconds))
