"""The plot of docs/scaling.md: what the model says against what was measured, one mark for each arrangement."""

from collections.abc import Sequence
from dataclasses import dataclass

from serving_lab.pages.drawing import Drawing

COLOURS = ("#c4620f", "#0b7f95", "#6d4bb0", "#4a7d1f")
_STYLE = """
svg { background: #fff; font-family: system-ui, 'DejaVu Sans', sans-serif; }
text { font-size: 11px; fill: #4a5260; } .name { fill: #1d2430; font-weight: 600; }
.grid { stroke: #e3e7ec; } .axis { stroke: #5b6472; } .ideal { stroke: #5b6472; stroke-dasharray: 4 4; }
.mark { stroke: #fff; stroke-width: 0.8; } .held { fill: none; stroke-width: 1.8; }
"""


@dataclass(frozen=True)
class Mark:
    """An arrangement; both costs are in milliseconds of processor time for each request."""

    target: int
    measured: float
    expected: float
    held_out: bool
    says: str


def svg(marks: Sequence[Mark], labels: Sequence[str]) -> str:
    """A file of its own: it has its style with it."""
    top = 1.1 * max(max(each.measured, each.expected) for each in marks)
    drawing = Drawing(
        "scaling",
        "Processor time of a request",
        "expected and measured",
        "Each mark is a service in an arrangement: near the line, the model is right. Hollow marks were held out.",
        width=620,
        height=380,
        top=58,
    )
    across, upwards = drawing.across(0, top), drawing.upwards(0, top)
    drawing.y_axis(upwards, "expected, ms of processor time for each request", upwards.ticks(), _shown)
    drawing.x_axis(across, "measured, ms of processor time for each request", across.ticks(6), _shown)
    drawing.line(across(0), upwards(0), across(top), upwards(top), "ideal")
    for mark in marks:
        style = "mark held" if mark.held_out else "mark"
        drawing.mark(across(mark.measured), upwards(mark.expected), mark.target, style=style, says=mark.says)
    for number, label in enumerate(labels):
        at = 56 + 110 * number
        drawing.mark(at + 5, 38, number)
        drawing.text(at + 14, 42, label, "start", "name")
    drawing.text(56 + 110 * len(labels), 42, "filled: the model is fitted to it; hollow: held out", "start")
    colours = "".join(
        f".t{number} {{ fill: {colour}; }} .held.t{number} {{ fill: none; stroke: {colour}; }}\n"
        for number, colour in enumerate(COLOURS)
    )
    head, rest = str(drawing.svg()).split(">", 1)
    return f'{head} xmlns="http://www.w3.org/2000/svg"><style>{_STYLE}{colours}</style>{rest}\n'


def _shown(value: float) -> str:
    return f"{value:g}"
