"""`lab history`: at which commit a metric moved, over the results of many runs."""

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Literal

import msgspec

from serving_lab.bench import changepoints
from serving_lab.bench.changepoints import Finding, SeriesPoint, Shift
from serving_lab.bench.circumstances import circumstance_changes, load_changes
from serving_lab.bench.comparing import logarithms
from serving_lab.bench.result import BenchResult, Scenario
from serving_lab.errors import LabError
from serving_lab.experiment import statistics
from serving_lab.experiment.records import METRICS, RATIO_SIGN
from serving_lab.experiment.verdicts import COMPARED
from serving_lab.results import files
from serving_lab.results.envelope import Envelope, Format, Metadata
from serving_lab.text.phrases import moment


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A metric moved to another level and stayed there."""

    direction: Literal["faster", "slower"]
    previous: str
    """Last commit at the old level."""
    commit: str
    """First one at the new level."""
    started: str
    """When that was measured."""
    ratio: float
    """New level / old level; both reach to the neighbouring moves."""
    low: float | None
    """Ends of its 95% interval."""
    high: float | None
    chance: float
    """Upper bound of how probable noise alone makes any of the series looked at seem to move so clearly."""
    causes: list[str]
    """What else changed between the two results: the likely cause, before the code is."""
    nearby: list[str]
    """What changed one result earlier or later; the place of a move is not known better than that."""


class MetricSeries(msgspec.Struct, frozen=True, kw_only=True):
    """A metric over time."""

    scenario: str
    target: str
    """Or `candidate / baseline`."""
    ratio: bool
    """Whether it is the ratio of two targets: what slows both alike does not move it."""
    metric: str
    values: list[float]
    """Geometric mean of each run; of a ratio, that of its pairs."""
    commits: list[str]
    noise: float
    """Standard deviation from run to run around the levels, as a share."""
    moves: list[Move]
    drift: float | None
    """Change from first to last, as a share, where it crept and no commit stands out."""


class HistoryResult(Envelope, frozen=True, kw_only=True):
    """What a number of results show together."""

    file_format: ClassVar[Format] = Format("serving-lab.history/2", command="history --json")

    schema: str = file_format.schema
    results: int
    needed: int
    """Results that a series needs so that any move can be found, with so many series looked at."""
    series: list[MetricSeries]
    left_out: list[str]
    """Which runs of which scenarios were not looked at, and why."""
    without_commit: dict[str, int] = msgspec.field(default_factory=dict)
    """Why commits of results are unknown, and of how many; these are told by their time."""

    @property
    def longest(self) -> int:
        """Results of the longest series."""
        return max((len(each.values) for each in self.series), default=0)


def read(paths: Sequence[Path]) -> list[BenchResult]:
    """Return the results of files, and of all `*.json` in directories, in order of time.

    Raises:
        LabError: there is none, or a file is not a result.
    """
    found = {file.resolve(): files.read(file, BenchResult) for path in paths for file in _files(path)}
    if not found:
        raise LabError(
            f"no results in {', '.join(map(str, paths))}",
            hint="keep the result of each lab bench there, see docs/guide.md",
        )
    return [
        result for _, result in sorted(((_when(*each), each[1]) for each in found.items()), key=lambda pair: pair[0])
    ]


def _files(path: Path) -> list[Path]:
    # The directory of the results need not be there yet.
    return sorted(path.glob("*.json")) if path.is_dir() or not path.suffix else [path]


def history(
    results: Sequence[BenchResult], *, target: str | None = None, scenario: str | None = None, metric: str | None = None
) -> HistoryResult:
    """Return what moved when.

    Args:
        results: In order of time.
        target: Look at this one alone, or at `candidate / baseline` alone.
        scenario: Likewise.
        metric: Likewise; any of `METRICS`. By default those that get verdicts.

    Raises:
        LabError: there is nothing of that name, or every scenario was refused.
    """
    metadata = Metadata.begin(_JUDGED_WITH)
    left_out: list[str] = []
    runs = _runs(results, metric, left_out)
    if not runs:
        why = "; ".join(left_out[:_TOLD]) or "no result has a scenario"
        raise LabError(f"there is nothing to look at: {why}", hint="lab bench says what would help; measure again")
    chosen = {
        key: points
        for key, points in runs.items()
        if scenario in {None, key[0]} and target in {None, key[1]} and metric in {None, key[2]}
    }
    if not chosen:
        there = [f"{name}: {', '.join(dict.fromkeys(key[at] for key in runs))}" for at, name in enumerate(_NAMES)]
        raise LabError(f"no result has that; there are {'; '.join(there)}")
    series = [_series(key, points, len(chosen)) for key, points in chosen.items()]
    return HistoryResult(
        started=metadata.started,
        seconds=metadata.seconds,
        seed=changepoints.SEED,
        machine=metadata.machine,
        versions=metadata.versions,
        results=len(results),
        needed=changepoints.fewest(len(chosen)),
        series=series,
        left_out=left_out,
        without_commit=Counter(result.commit for result in results if not result.revision),
    )


_TOLD = 3
"""Refused scenarios, where there is nothing else."""
_JUDGED_WITH = ("numpy", "scipy")
_NAMES = ("scenarios", "targets", "metrics")
_Key = tuple[str, str, str]
_Run = tuple[BenchResult, Scenario, SeriesPoint]


def _runs(results: Sequence[BenchResult], metric: str | None, left_out: list[str]) -> dict[_Key, list[_Run]]:
    runs: dict[_Key, list[_Run]] = {}
    for result in results:
        for scenario in result.scenarios:
            if scenario.refused:
                left_out.append(f"{scenario.name} of {_commit(result)}: {'; '.join(scenario.refused)}")
                continue
            for name, of, logs in _samples(scenario, (metric,) if metric else COMPARED[scenario.loop]):
                estimate = statistics.paired(logs)
                if estimate.mean is not None:
                    point = SeriesPoint(estimate.mean, estimate.error)
                    runs.setdefault((scenario.name, of, name), []).append((result, scenario, point))
    return runs


def _samples(scenario: Scenario, metrics: Sequence[str]) -> Iterator[tuple[str, str, list[float]]]:
    """Yield metric, target or ratio, and the logarithms of the arms or pairs that count."""
    for metric in metrics:
        for target in dict.fromkeys(arm.target for arm in scenario.arms):
            if logs := logarithms(scenario, target, metric):
                yield metric, target, logs
        for each in scenario.comparisons:
            if each.metric == metric and each.verdict != "refused":
                yield metric, f"{each.candidate}{RATIO_SIGN}{each.baseline}", each.log_ratios


def _series(key: _Key, runs: Sequence[_Run], count: int) -> MetricSeries:
    points = [point for _, _, point in runs]
    finding = changepoints.find(points, series=count)
    return MetricSeries(
        scenario=key[0],
        target=key[1],
        ratio=RATIO_SIGN in key[1],
        metric=key[2],
        values=[math.exp(point.value) for point in points],
        commits=[_commit(result) for result, _, _ in runs],
        noise=_noise(points, finding),
        moves=[_move(shift, runs, key[2]) for shift in finding.shifts],
        drift=finding.drift,
    )


def _move(shift: Shift, runs: Sequence[_Run], metric: str) -> Move:
    size = shift.size
    ratio = size.ratio or 1.0
    near = [cause for at in (shift.at - 1, shift.at + 1) if 0 < at < len(runs) for cause in _changed(runs, at)]
    causes = _changed(runs, shift.at)
    return Move(
        direction="faster" if (ratio > 1) is (METRICS[metric].better == "higher") else "slower",
        previous=_commit(runs[shift.at - 1][0]),
        commit=_commit(runs[shift.at][0]),
        started=runs[shift.at][0].started,
        ratio=ratio,
        low=size.low,
        high=size.high,
        chance=shift.chance,
        causes=causes,
        nearby=[cause for cause in dict.fromkeys(near) if cause not in causes],
    )


def _changed(runs: Sequence[_Run], at: int) -> list[str]:
    """Return what changed between a run and the one before it, but for the code."""
    (before, old, _), (after, new, _) = runs[at - 1], runs[at]
    return [str(each) for each in (*circumstance_changes(before, after), *load_changes(old, new))]


def _noise(points: Sequence[SeriesPoint], finding: Finding) -> float:
    ends = [0, *(shift.at for shift in finding.shifts), len(points)]
    stretches = [[point.value for point in points[first:end]] for first, end in itertools.pairwise(ends)]
    squares = sum((value - sum(each) / len(each)) ** 2 for each in stretches for value in each)
    freedom = len(points) - len(stretches)
    return math.expm1(math.sqrt(squares / freedom)) if freedom else 0.0


def _commit(result: BenchResult) -> str:
    return result.revision or moment(result.started)


def _when(path: Path, result: BenchResult) -> datetime:
    try:
        when = datetime.fromisoformat(result.started)
    except ValueError:
        raise LabError(f"{path}: {result.started!r} is not an ISO 8601 time") from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
