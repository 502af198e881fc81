"""Each pair's change, their mean with its interval, and what counts as no change."""

import math
from collections.abc import Sequence
from itertools import pairwise

from serving_lab.experiment import wording
from serving_lab.experiment.records import METRICS, Comparison
from serving_lab.pages.drawing import Drawing, colour, round_values
from serving_lab.report.targets import ShownTarget
from serving_lab.text import phrases

_ROOM = 0.12
_SMALLEST_SPAN = 0.01
_MOST_NUMBERS = 12
_FARTHEST = math.log(20)
"""An interval of two or three pairs may reach beyond all that can be drawn; its ends are then cut."""


def pairs(
    name: str, comparison: Comparison, margin: float, target: ShownTarget, baseline: ShownTarget
) -> Drawing | None:
    """Return the changes pair by pair; None where there are none.

    Args:
        name: Of the drawing within the page.
        comparison: Whose log-ratios are drawn.
        margin: What counts as equivalent, as a share.
        target: The candidate.
        baseline: What it is compared with.
    """
    logs = comparison.log_ratios
    if not logs:
        return None
    metric = METRICS[comparison.metric]
    drawing = Drawing(
        name,
        "Pair by pair",
        metric.title,
        f"{target.label} against {baseline.label} in {len(logs)} pairs: "
        f"{wording.of_comparison(comparison)}; {comparison.verdict}.",
        width=300,
        height=214,
        bottom=44,
    )
    interval = _interval(comparison)
    band = math.log1p(-margin), math.log1p(margin)
    low, high = _span([*logs, *(interval or ()), *band, 0.0])
    upwards, across = drawing.upwards(low, high), drawing.across(0.4, len(logs) + 0.6)
    left, right = drawing.left, drawing.width - drawing.right
    drawing.area(left, upwards(band[1]), right - left, upwards(band[0]) - upwards(band[1]), "band")
    changes = round_values(math.exp(low) - 1, math.exp(high) - 1)
    ticks = {math.log1p(change): signed(change, changes) for change in changes if change > -1}
    drawing.y_axis(upwards, f"change of {metric.title}", list(ticks), ticks.__getitem__)
    every = math.ceil(len(logs) / _MOST_NUMBERS)
    numbers = [float(number) for number in range(1, len(logs) + 1) if (number - 1) % every == 0]
    drawing.x_axis(across, "pair", numbers, lambda number: f"{number:.0f}", grid=False)
    drawing.line(left, upwards(0), right, upwards(0), "zero")
    if interval:
        top, bottom = upwards(interval[1]), upwards(interval[0])
        drawing.area(left, top, right - left, max(bottom - top, 1), f"interval {colour(target.index)}")
    mean = upwards(sum(logs) / len(logs))
    drawing.line(left, mean, right, mean, f"mean {colour(target.index)}")
    for number, ratio in enumerate(logs, start=1):
        drawing.mark(
            across(number), upwards(ratio), target.index, says=f"pair {number}: {phrases.short(math.exp(ratio))}"
        )
    return drawing


def signed(change: float, others: Sequence[float]) -> str:
    """Return a change in percent as a tick shows it, with as many digits as its neighbours need."""
    step = min((abs(b - a) for a, b in pairwise(others)), default=1.0)
    digits = max(0, -math.floor(math.log10(step * 100) + 1e-9))
    return "0" if change == 0 else f"{'+' if change > 0 else phrases.MINUS}{abs(change) * 100:,.{digits}f}%"


def _interval(comparison: Comparison) -> tuple[float, float] | None:
    if comparison.low is None or comparison.high is None:
        return None
    low = max(math.log(comparison.low), -_FARTHEST) if comparison.low > 0 else -_FARTHEST
    return low, min(math.log(comparison.high), _FARTHEST)


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = max((high - low) * _ROOM, _SMALLEST_SPAN)
    return low - room, high + room
