"""Plots of a judgement: how far slices have moved, and how much longer a prediction takes, round by round."""

import math
from collections.abc import Sequence

from serving_lab.model_judge.result import LatencyRecord, SliceRecord
from serving_lab.model_judge.thresholds import Bound
from serving_lab.model_judge.words import slice_name
from serving_lab.pages.drawing import Drawing, colour, round_values
from serving_lab.text.phrases import short

SHOWN_SLICES = 12
_NEW = 1
"""Place of the new version among the page's colours."""
_ROW = 20


def slices(name: str, records: Sequence[SliceRecord], bound: Bound) -> Drawing:
    """The slices that moved most, with their intervals, between the bounds; there is one at least."""
    shown = records[:SHOWN_SLICES]
    told = "; ".join(f"where {slice_name(each)}, by {each.shift:+.3f}" for each in shown)
    drawing = Drawing(
        name,
        "Moves of slices",
        "mean move in deviations of the target",
        f"Predictions moved {told}. Beyond {bound.ask:g} a person is asked, beyond {bound.refuse:g} it is refused.",
        width=620,
        height=70 + _ROW * len(shown),
        left=250,
    )
    reach = max(bound.refuse, *(max(abs(each.low), abs(each.high)) for each in shown)) * 1.1
    across = drawing.across(-reach, reach)
    floor = drawing.height - drawing.bottom
    drawing.x_axis(across, "mean move, deviations of the target", round_values(-reach, reach, 6), "{:g}".format)
    for sign in (-1, 1):
        drawing.line(across(sign * bound.ask), drawing.top, across(sign * bound.ask), floor, "ask")
        drawing.line(across(sign * bound.refuse), drawing.top, across(sign * bound.refuse), floor, "refuse")
    drawing.line(across(0), drawing.top, across(0), floor, "zero")
    for number, each in enumerate(shown):
        y = drawing.top + _ROW * (number + 0.5) - 4
        drawing.text(drawing.left - 8, y + 4, slice_name(each), "end", "name")
        drawing.area(
            across(each.low), y - 3, max(across(each.high) - across(each.low), 1), 6, f"interval {colour(_NEW)}"
        )
        drawing.mark(across(each.shift), y, _NEW, says=f"{slice_name(each)}: {each.shift:+.3f}, {each.rows:,} rows")
    return drawing


def latency(name: str, record: LatencyRecord) -> Drawing:
    """The ratio of each round, and their mean with its interval."""
    logs = [*record.log_ratios, math.log(record.low), math.log(record.high), 0.0]
    room = max((max(logs) - min(logs)) * 0.12, 0.01)
    drawing = Drawing(
        name,
        "Time of a prediction, round by round",
        "new / old",
        f"In {record.rounds} rounds the new version took {short(record.ratio)} of the time of the old one: "
        f"{record.low:.2f} to {record.high:.2f} times as long.",
        width=380,
        height=220,
    )
    low, high = min(logs) - room, max(logs) + room
    upwards, across = drawing.upwards(low, high), drawing.across(0.4, record.rounds + 0.6)
    left, right = drawing.left, drawing.width - drawing.right
    ratios = round_values(math.exp(low), math.exp(high), 5)
    ticks = {math.log(ratio): f"{ratio:g}" for ratio in ratios if ratio > 0}
    drawing.y_axis(upwards, "new / old", list(ticks), ticks.__getitem__)
    drawing.x_axis(across, "round", round_values(1, record.rounds, 6), "{:.0f}".format, grid=False)
    drawing.line(left, upwards(0), right, upwards(0), "zero")
    top, bottom = upwards(math.log(record.high)), upwards(math.log(record.low))
    drawing.area(left, top, right - left, max(bottom - top, 1), f"interval {colour(_NEW)}")
    mean = upwards(math.log(record.ratio))
    drawing.line(left, mean, right, mean, f"mean {colour(_NEW)}")
    for number, each in enumerate(record.log_ratios, 1):
        drawing.mark(across(number), upwards(each), _NEW, says=f"round {number}: {math.exp(each):.3f}")
    return drawing
