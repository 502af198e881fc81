"""A condition under which a measurement fails, such as `steady/p99:slower:10%`."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from serving_lab.errors import LabError
from serving_lab.experiment.records import METRICS, RATIO_SIGN, VerdictWord

WORDS: dict[str, frozenset[VerdictWord]] = {
    "slower": frozenset({"slower"}),
    "faster": frozenset({"faster"}),
    "changed": frozenset({"slower", "faster"}),
    "undecided": frozenset({"undecided"}),
    "refused": frozenset({"refused", "withheld"}),
}
"""What may be asked for, and the verdicts that meet it."""

_SIZED = "slower", "faster", "changed"
_FORM = re.compile(
    r"(?:(?P<scenario>[^@]+)/)?(?:(?P<metric>[^:/@]+):)?(?P<word>[A-Za-z][\w-]*)(?::(?P<percent>\d+(\.\d+)?)%)?"
    r"(?:@(?P<candidate>.+))?"
)
_HINT = "[SCENARIO/][METRIC:]WORD[:PERCENT%][@CANDIDATE], such as slower, steady/p99:slower:10% or undecided@new"


class Judged(Protocol):
    """One verdict."""

    @property
    def metric(self) -> str:
        """Its name."""

    @property
    def verdict(self) -> VerdictWord:
        """What was concluded."""

    @property
    def why(self) -> str:
        """The same in a sentence."""

    @property
    def candidate(self) -> str:
        """Of whom it is said."""

    @property
    def certain_change(self) -> float:
        """Of how large a change it is certain, as a share."""


class JudgedScenario(Protocol):
    """The verdicts of one load."""

    @property
    def name(self) -> str:
        """As in the profile."""

    @property
    def comparisons(self) -> Sequence[Judged]:
        """Its verdicts."""

    @property
    def refused(self) -> Sequence[str]:
        """Why nothing is concluded from it."""


class JudgedResult(Protocol):
    """What a condition is held against: the result of `lab bench`, or of `lab compare`."""

    @property
    def scenarios(self) -> Sequence[JudgedScenario]:
        """Its loads."""


@dataclass(frozen=True)
class FailIf:
    """`[SCENARIO/][METRIC:]WORD[:PERCENT%][@CANDIDATE]`: what is left out is any.

    - `slower`, `faster`, `changed` (either): a verdict says so. With a percentage the change must surely be larger than
      that: the nearer end of the interval counts, not the estimate.
    - `undecided`: the noise hid whether there is a change.
    - `refused`: nothing was concluded, or the verdict was withheld.
    """

    text: str
    """As it was written."""
    scenario: str | None
    metric: str | None
    word: str
    """One of `WORDS`."""
    change: float
    """How much must be exceeded, as a share."""
    candidate: str | None = None

    @classmethod
    def parse(cls, text: str) -> "FailIf":
        """Return the condition that was written.

        Raises:
            LabError: it is not a condition, or names a metric that does not exist.
        """
        match = _FORM.fullmatch(text)
        if match is None:
            raise LabError(f"{text!r} is not a condition", hint=_HINT)
        scenario, metric, word, percent = match["scenario"], match["metric"], match["word"], match["percent"]
        if word not in WORDS:
            raise LabError(f"{text!r}: {word!r} is not one of {', '.join(WORDS)}", hint=_HINT)
        if metric and metric not in METRICS:
            raise LabError(f"{text!r}: {metric!r} is not one of {', '.join(METRICS)}", hint=_HINT)
        if percent and word not in _SIZED:
            raise LabError(f"{text!r}: {word!r} has no size; {', '.join(_SIZED)} have", hint=_HINT)
        change = float(percent or 0) / 100
        return cls(text, scenario, metric, word, change, match["candidate"])

    @property
    def is_of_change(self) -> bool:
        """Whether it is about a change that was found, not about what could not be told."""
        return self.word in _SIZED

    def met(self, result: JudgedResult) -> list[str]:
        """Return each reason why the condition is met; none: it is not.

        Where a verdict was withheld or refused, only `refused` is met. For other words that is no answer: see
        `unanswered`.

        Raises:
            LabError: the result has no such scenario or candidate, or nothing of it was measured by that metric.
        """
        return list(self._reasons(result))

    def met_by(self, scenario: str, judged: Judged) -> bool:
        """Return whether one verdict of a scenario meets the condition."""
        return (
            self.scenario in {None, scenario}
            and self.metric in {None, judged.metric}
            and self._is_about(judged)
            and self._says(judged.verdict, judged.certain_change)
        )

    def unanswered(self, result: JudgedResult) -> list[str]:
        """Return why the condition could not be judged for all that it is about.

        Raises:
            LabError: as of `met`.
        """
        if self.word == "refused":
            return []
        return [f"{where}: {why}" for where, verdict, why, _ in self._scope(result) if verdict in WORDS["refused"]]

    def _reasons(self, result: JudgedResult) -> Iterator[str]:
        for where, verdict, why, change in self._scope(result):
            if self._says(verdict, change):
                yield f"{where} {verdict}: {why}"

    def _says(self, verdict: VerdictWord, change: float) -> bool:
        return verdict in WORDS[self.word] and (self.word not in _SIZED or change > self.change)

    def _scope(self, result: JudgedResult) -> Iterator[tuple[str, VerdictWord, str, float]]:
        """Yield what the condition is about: where, verdict, why, certain change."""
        if not any(each.comparisons or each.refused for each in result.scenarios):
            raise LabError(f"{self.text!r}: nothing was compared")
        scenarios = [each for each in result.scenarios if self.scenario in {None, each.name}]
        if not scenarios:
            there = ", ".join(each.name for each in result.scenarios) or "none"
            raise LabError(f"{self.text!r}: there is no such scenario, only: {there}")
        verdicts = [judged for each in scenarios for judged in each.comparisons]
        compared = list(dict.fromkeys(judged.metric for judged in verdicts))
        if verdicts and not any(map(self._is_about, verdicts)):
            there = ", ".join(dict.fromkeys(judged.candidate for judged in verdicts))
            raise LabError(f"{self.text!r}: there is no candidate {self.candidate!r}, only: {there}")
        if self.metric and self.metric not in compared and not all(each.refused for each in scenarios):
            raise LabError(
                f"{self.text!r}: {self.metric} was not compared, only: {', '.join(compared) or 'nothing'}",
            )
        for scenario in scenarios:
            if scenario.refused:
                yield scenario.name, "refused", "; ".join(scenario.refused), 0.0
                continue
            for judged in scenario.comparisons:
                if self.metric in {None, judged.metric} and self._is_about(judged):
                    where = f"{scenario.name}/{judged.metric} {judged.candidate}"
                    yield where, judged.verdict, judged.why, judged.certain_change

    def _is_about(self, judged: Judged) -> bool:
        return self.candidate in {None, judged.candidate, judged.candidate.partition(RATIO_SIGN)[0]}
