"""Two populations of numbers side by side: the share of each in the same bins."""

import math
from collections.abc import Sequence

from serving_lab.pages.drawing import Drawing, colour, round_values
from serving_lab.text.phrases import percent

_MOST_TICKS = 5
_GAP = 0.16
"""Share of a bin that is left free beside its two bars."""


def shares(
    name: str,
    heading: str,
    axis: str,
    edges: Sequence[float],
    populations: Sequence[tuple[str, Sequence[float]]],
) -> Drawing:
    """Draw bars for each bin, one of each population.

    Args:
        name: Of the drawing within the page.
        heading: What is above it.
        axis: What the values are, with their unit.
        edges: Inner edges of the bins, ascending; bins are drawn equally wide, whatever their edges.
        populations: What each is called, and its shares, one more than edges.
    """
    told = "; ".join(f"{label}: {', '.join(percent(each) for each in values)}" for label, values in populations)
    ends = ", ".join(f"{edge:g}" for edge in edges)
    drawing = Drawing(
        name, heading, axis, f"Shares in bins that end at {ends}. {told}.", width=380, height=220, left=44
    )
    highest = max(max(values) for _, values in populations)
    upwards, across = drawing.upwards(0, highest * 1.08 or 1.0), drawing.across(0, len(edges) + 1)
    drawing.y_axis(upwards, "share of rows", round_values(0, highest * 1.08 or 1.0, 4), percent)
    every = math.ceil(len(edges) / _MOST_TICKS) or 1
    ticks = {float(at): f"{edge:.3g}" for at, edge in enumerate(edges, 1) if (at - 1) % every == 0}
    drawing.x_axis(across, axis, list(ticks), ticks.__getitem__, grid=False)
    width = (1 - _GAP) / len(populations)
    for number, (_, values) in enumerate(populations):
        for at, share in enumerate(values):
            left, right = (across(at + _GAP / 2 + width * each) for each in (number, number + 1))
            drawing.area(left, upwards(share), right - left, upwards(0) - upwards(share), f"bar {colour(number)}")
    return drawing
