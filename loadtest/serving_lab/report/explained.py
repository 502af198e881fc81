"""Why a candidate takes more or less CPU time, from the extra pairs under the profiler: tables, and a flame graph."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from serving_lab.bench.result import Scenario
from serving_lab.explain import wording
from serving_lab.explain.records import Change, Explained, Flames, Kind
from serving_lab.report.tables import Cell, Row, Table

_MOST = 20
"""Rows of a table: the largest differences come first."""
_HEADINGS: dict[Kind, str] = {
    "own": "Function, its own time",
    "package": "Package, all its functions",
    "inclusive": "Function, with what it calls",
}
Label = Callable[[str], str]
"""What people call a target."""


@dataclass(frozen=True)
class Why:
    """What makes the difference between a candidate and the baseline."""

    candidate: str
    sentence: str
    tables: list[Table]
    """Functions by their own time, packages, functions with what they call; those without a row are left out."""
    flames: Flames


@dataclass(frozen=True)
class WhySection:
    """What explains a scenario."""

    missing: str | None
    """Why there is no explanation."""
    candidates: list[Why]
    cost: list[str]
    """What the profiler cost."""


def why(scenario: Scenario, baseline: str, label: Label) -> WhySection | None:
    """Return what explains a scenario; None where nobody asked."""
    explanation = scenario.explanation
    if explanation is None:
        return None
    return WhySection(
        missing=explanation.missing,
        candidates=[
            Why(
                candidate=each.candidate,
                sentence=wording.of_candidate(each, baseline, label),
                tables=list(_tables(each, baseline)),
                flames=each.flames,
            )
            for each in explanation.candidates
        ],
        cost=list(wording.of_cost(explanation, label)),
    )


def _tables(explained: Explained, baseline: str) -> Iterator[Table]:
    for kind, heading in _HEADINGS.items():
        if found := explained.named(kind):
            yield _table(heading, found[:_MOST], baseline, explained.candidate)


def _table(heading: str, found: Sequence[Change], baseline: str, candidate: str) -> Table:
    return Table(
        columns=(heading, baseline, candidate, "Difference", "Interval"),
        rows=tuple(
            Row(
                each.name,
                (
                    Cell(wording.micros(each.baseline)),
                    Cell(wording.micros(each.candidate)),
                    Cell(wording.difference(each), tone="bad" if each.difference > 0 else "good"),
                    Cell(wording.interval(each)),
                ),
                hint=each.place,
            )
            for each in found
        ),
        targets=(baseline, candidate),
    )
