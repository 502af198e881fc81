"""How latencies are distributed: percentile curves that stretch the slow end, and a histogram."""

from collections.abc import Sequence
from math import log10

import numpy as np
from numpy.typing import NDArray

from serving_lab.bench.result import Scenario
from serving_lab.experiment.records import QUANTILES, Distribution
from serving_lab.experiment.validity import SAMPLES_BEYOND
from serving_lab.pages.drawing import Drawing, Scale, colour
from serving_lab.report.targets import ShownTarget
from serving_lab.text import phrases

BINS = 36
_LARGEST_SHOWN = 0.999
_MARKED = {"P50": 0.5, "P90": 0.9, "P99": 0.99, "P99.9": 0.999, "P99.99": 0.9999}
_ROOM = 1.12
_SMALLEST_SECONDS = 1e-7

Points = list[tuple[float, float]]


def percentiles(name: str, scenario: Scenario, targets: Sequence[ShownTarget]) -> Drawing | None:
    """Return the latency at each percentile; None where there is no distribution.

    A curve ends where fewer than `SAMPLES_BEYOND` answers lie beyond. In an open loop a second, dashed one counts from
    when requests were sent.
    """
    curves = {target: curve(scenario.distributions[target.name]) for target in _known(scenario, targets)}
    drawn = [point for points in curves.values() for point in points]
    if not drawn:
        return None
    dashed = {
        target: curve(scenario.distributions[target.name], uncorrected=True) if scenario.loop != "closed" else []
        for target in curves
    }
    times = [seconds for points in (*curves.values(), *dashed.values()) for _, seconds in points]
    # Wider on the right than others: the last percentile's name is centred on the last tick.
    drawing = Drawing(name, "Latency at each percentile", scenario.title, _described(scenario, targets), right=28)
    across = drawing.across(0, max(_stretched(share) for share, _ in drawn))
    upwards = _latency_scale(drawing, times)
    ticks = {_stretched(share): label for label, share in _MARKED.items() if _stretched(share) <= across.high + 1e-9}
    drawing.y_axis(upwards, "latency, ms (log scale)", upwards.ticks(), _milliseconds)
    drawing.x_axis(across, "percentile (the slow end is stretched)", list(ticks), ticks.__getitem__)
    for target, points in curves.items():
        for line, style in ((dashed[target], "curve dashed"), (points, "curve")):
            placed = [(across(_stretched(share)), upwards(seconds)) for share, seconds in line]
            if placed:
                drawing.path(placed, f"{style} {colour(target.index)}")
        for share, seconds in points:
            if share in _MARKED.values():
                says = f"{target.label}, P{share * 100:g}: {phrases.seconds(seconds)}"
                drawing.mark(across(_stretched(share)), upwards(seconds), target.index, says=says)
    return drawing


def histogram(name: str, scenario: Scenario, targets: Sequence[ShownTarget]) -> Drawing | None:
    """Return which share of answers took how long, up to P99.9; None where there is no distribution."""
    known = {target: scenario.distributions[target.name] for target in _known(scenario, targets)}
    if not known:
        return None
    edges = bins(list(known.values()))
    shares = {target: shares_within(distribution, edges) for target, distribution in known.items()}
    drawing = Drawing(name, "Distribution of latency", scenario.title, _described(scenario, targets))
    across = drawing.across(float(edges[0]), float(edges[-1]), log=True)
    upwards = drawing.upwards(0, max(float(each.max()) for each in shares.values()) * _ROOM)
    drawing.y_axis(upwards, "answers, %", upwards.ticks(4), lambda tick: f"{tick * 100:g}")
    drawing.x_axis(across, "latency, ms (log scale)", across.ticks(), _milliseconds, grid=False)
    for target, heights in shares.items():
        steps = _steps(across, upwards, edges, heights)
        drawing.path(steps, f"under {colour(target.index)}", closed=True)
        drawing.path(steps, f"curve {colour(target.index)}")
        median = known[target].seconds[QUANTILES.index(0.5)]
        peak = upwards(float(heights[min(max(int(np.searchsorted(edges, median)) - 1, 0), BINS - 1)]))
        drawing.mark(across(median), peak, target.index, says=f"{target.label}, median: {phrases.seconds(median)}")
    return drawing


def curve(distribution: Distribution, *, uncorrected: bool = False) -> Points:
    """Return shares and latencies (s), as far as enough answers lie beyond to mean something."""
    seconds = distribution.uncorrected if uncorrected else distribution.seconds
    return [
        (share, max(at, _SMALLEST_SECONDS))
        for share, at in zip(QUANTILES, seconds, strict=False)
        if distribution.count * (1 - share) >= SAMPLES_BEYOND - 1e-6
    ]


def bins(distributions: Sequence[Distribution]) -> NDArray[np.float64]:
    """Return the edges of equally wide bins of the logarithm, from the fastest answer of any to the slowest P99.9."""
    last = QUANTILES.index(_LARGEST_SHOWN)
    low = max(min(each.seconds[0] for each in distributions), _SMALLEST_SECONDS)
    high = max(max(each.seconds[last] for each in distributions), low * _ROOM)
    # A little below, so that the fastest answers lie within the first bin and not on its edge.
    return np.asarray(np.geomspace(low / 1.001, high * 1.001, BINS + 1), dtype=np.float64)


def shares_within(distribution: Distribution, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of answers within each bin, between the kept percentiles by straight lines."""
    seconds = np.maximum(np.asarray(distribution.seconds), _SMALLEST_SECONDS)
    # Of equal latencies the last one counts: so many took at most that long.
    at, first_from_behind = np.unique(seconds[::-1], return_index=True)
    below = np.asarray(QUANTILES)[::-1][first_from_behind]
    return np.asarray(np.diff(np.interp(np.log(edges), np.log(at), below, left=0.0)), dtype=np.float64)


def _known(scenario: Scenario, targets: Sequence[ShownTarget]) -> list[ShownTarget]:
    return [each for each in targets if (of := scenario.distributions.get(each.name)) and of.seconds]


def _stretched(share: float) -> float:
    return -log10(1 - share)


def _latency_scale(drawing: Drawing, times: Sequence[float]) -> Scale:
    return drawing.upwards(min(times) / _ROOM, max(times) * _ROOM, log=True)


def _milliseconds(seconds: float) -> str:
    return f"{round(seconds * 1000, 6):,g}"


def _steps(across: Scale, upwards: Scale, edges: NDArray[np.float64], heights: NDArray[np.float64]) -> Points:
    points = [(across(float(edges[0])), upwards(0))]
    for left, right, height in zip(edges[:-1], edges[1:], heights, strict=True):
        points += [(across(float(left)), upwards(float(height))), (across(float(right)), upwards(float(height)))]
    return [*points, (across(float(edges[-1])), upwards(0))]


def _described(scenario: Scenario, targets: Sequence[ShownTarget]) -> str:
    told = []
    for target in _known(scenario, targets):
        seconds = scenario.distributions[target.name].seconds
        marks = [f"{label} {phrases.seconds(seconds[QUANTILES.index(share)])}" for label, share in _MARKED.items()]
        told.append(f"{target.label}: {', '.join(marks)}")
    return f"{'; '.join(told)}."
