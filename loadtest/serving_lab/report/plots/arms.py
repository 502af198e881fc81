"""What each target reached: a bar for the mean, a mark for each arm."""

import math
from collections.abc import Sequence

from serving_lab.bench.result import Scenario
from serving_lab.experiment import wording
from serving_lab.experiment.records import METRICS, Arm
from serving_lab.pages.drawing import Drawing, Scale, colour
from serving_lab.report.targets import ShownTarget

_ROW, _BAR = 58, 26
_LONGEST_NAME = 28
_HEADROOM = 1.16


def arms(name: str, scenario: Scenario, metric: str, targets: Sequence[ShownTarget]) -> Drawing | None:
    """Return the bars of a metric over all arms; None where no arm that counts has it."""
    counting = {target: _values(scenario.arms, target.name, metric) for target in targets}
    largest = max((value for values in counting.values() for _, value in values), default=0.0)
    if not largest:
        return None
    title = METRICS[metric].title
    means = {target: _mean([value for _, value in values]) for target, values in counting.items() if values}
    told = ", ".join(f"{target.label} {wording.value(metric, mean)}" for target, mean in means.items())
    drawing = Drawing(
        name,
        f"{title[:1].upper()}{title[1:]}",
        scenario.title,
        f"Geometric means over the arms: {told}.",
        height=_ROW * len(targets) + 62,
        left=14,
        right=26,
        top=10,
    )
    scale = drawing.across(0, largest * _HEADROOM)
    drawing.x_axis(scale, f"{title}, {METRICS[metric].unit}", scale.ticks(), lambda tick: f"{tick:,g}")
    for target in targets:
        _row(drawing, scale, target, metric, counting[target], means.get(target))
    return drawing


def _row(
    drawing: Drawing,
    scale: Scale,
    target: ShownTarget,
    metric: str,
    values: Sequence[tuple[Arm, float]],
    mean: float | None,
) -> None:
    top = drawing.top + target.index * _ROW + 22
    label = target.label
    shown = label if len(label) <= _LONGEST_NAME else f"{label[: _LONGEST_NAME - 1]}…"
    drawing.text(scale(0) + 2, top - 6, shown, "start", "name")
    drawing.text(drawing.width - drawing.right, top - 6, wording.value(metric, mean), "end", "name")
    if mean is None:
        return
    drawing.area(scale(0), top, scale(mean) - scale(0), _BAR, f"bar {colour(target.index)}")
    drawing.line(scale(mean), top - 1, scale(mean), top + _BAR + 1, f"mean {colour(target.index)}")
    for order, (arm, value) in enumerate(values):
        # From top to bottom in the order of time, so that a drift is seen.
        y = top + _BAR * (order + 1) / (len(values) + 1)
        drawing.mark(scale(value), y, target.index, says=f"{label}, pair {arm.pair}: {wording.value(metric, value)}")


def _values(arms: Sequence[Arm], target: str, metric: str) -> list[tuple[Arm, float]]:
    return [
        (arm, arm.values[metric])
        for arm in arms
        if arm.target == target and not arm.faults and arm.values.get(metric, 0) > 0
    ]


def _mean(values: Sequence[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))
