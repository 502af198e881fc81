"""A drawing with two axes, as SVG: positions come from scales, colours and sizes of text from the page's style."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

from serving_lab.text.phrases import visible

SHAPES = ("circle", "diamond", "triangle", "square")
"""Of the targets' marks, in their order: the colour alone is not for everybody's eyes."""
_STEPS = (1, 2, 5, 10)
_MOST_LOG_TICKS = 7
_RADIUS = {"circle": 3.4, "square": 3.1, "diamond": 4.4, "triangle": 4.2}
_PRECISION = 2


@dataclass(frozen=True)
class Scale:
    """From a value to a position: linear, or of the value's logarithm."""

    low: float
    high: float
    start: float
    end: float
    """Positions of `low` and `high`."""
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the position of a value; what lies outside of the scale stands at its end."""
        low, high, at = (math.log(each) if self.log else each for each in (self.low, self.high, self._within(value)))
        return self.start + (self.end - self.start) * (at - low) / (high - low)

    def ticks(self, count: int = 5) -> list[float]:
        """Return round values, about so many."""
        if not self.log:
            return round_values(self.low, self.high, count)
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for factors in ((1, 2, 5), (1, 3), (1,)):
            values = [factor * 10.0**decade for decade in decades for factor in factors]
            within = [value for value in values if self.low <= value <= self.high]
            if len(within) <= _MOST_LOG_TICKS:
                break
        return within if len(within) > 1 else round_values(self.low, self.high, count)

    def _within(self, value: float) -> float:
        return min(max(value, self.low), self.high)


def round_values(low: float, high: float, count: int = 5) -> list[float]:
    """Return multiples of 1, 2 or 5 times a power of ten from low to high, about `count`."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in _STEPS if factor * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


@dataclass
class Drawing:
    """What is drawn so far, within margins for the axes' texts."""

    name: str
    """Of the page's names this one is the drawing's own."""
    heading: str
    about: str
    """Which of those with the same heading it is."""
    description: str
    """What a reader who cannot see it is told."""
    width: float = 460
    height: float = 270
    left: float = 56
    right: float = 14
    top: float = 30
    bottom: float = 50
    root: Element = field(init=False)

    def __post_init__(self) -> None:
        self.root = Element(
            "svg",
            {
                "class": "plot",
                "viewBox": f"0 0 {self.width:g} {self.height:g}",
                "role": "img",
                "aria-labelledby": f"{self.name}-title {self.name}-description",
            },
        )
        SubElement(self.root, "title", {"id": f"{self.name}-title"}).text = visible(f"{self.heading}: {self.about}")
        SubElement(self.root, "desc", {"id": f"{self.name}-description"}).text = visible(self.description)

    def across(self, low: float, high: float, *, log: bool = False) -> Scale:
        """Return the scale from the left to the right."""
        return Scale(low, high, self.left, self.width - self.right, log)

    def upwards(self, low: float, high: float, *, log: bool = False) -> Scale:
        """Return the scale from the bottom to the top."""
        return Scale(low, high, self.height - self.bottom, self.top, log)

    def x_axis(
        self, scale: Scale, label: str, ticks: Sequence[float], show: Callable[[float], str], grid: bool = True
    ) -> None:
        """Draw the lower axis, with its label below."""
        floor = self.height - self.bottom
        for tick in ticks:
            at = scale(tick)
            if grid:
                self.line(at, self.top, at, floor, "grid")
            self.text(at, floor + 17, show(tick), "middle")
        self.line(self.left, floor, self.width - self.right, floor, "axis")
        self.text((self.left + self.width - self.right) / 2, self.height - 8, label, "middle", "label")

    def y_axis(self, scale: Scale, label: str, ticks: Sequence[float], show: Callable[[float], str]) -> None:
        """Draw the left axis, with its label on top, where it can be read without turning one's head."""
        for tick in ticks:
            at = scale(tick)
            self.line(self.left, at, self.width - self.right, at, "grid")
            self.text(self.left - 7, at + 4, show(tick), "end")
        self.text(4, 14, label, "start", "label")

    def line(self, x1: float, y1: float, x2: float, y2: float, style: str) -> None:
        """Draw a straight line."""
        ends = {name: _number(value) for name, value in (("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2))}
        SubElement(self.root, "line", {"class": style, **ends})

    def path(self, points: Sequence[tuple[float, float]], style: str, *, closed: bool = False) -> None:
        """Draw a line through points; closed, it is an area."""
        steps = "L".join(f"{_number(x)} {_number(y)}" for x, y in points)
        SubElement(self.root, "path", {"class": style, "d": f"M{steps}{'Z' if closed else ''}"})

    def area(self, x: float, y: float, width: float, height: float, style: str) -> None:
        """Draw a rectangle."""
        sides = (("x", x), ("y", y), ("width", width), ("height", height))
        SubElement(self.root, "rect", {"class": style, **{name: _number(value) for name, value in sides}})

    def mark(self, x: float, y: float, target: int, *, style: str = "mark", says: str = "") -> None:
        """Draw the mark of a target; `says` is shown where a pointer rests on it."""
        shape = SHAPES[target % len(SHAPES)]
        drawn = SubElement(self.root, "path", {"class": f"{style} {colour(target)}", "d": outline(shape, x, y)})
        if says:
            SubElement(drawn, "title").text = visible(says)

    def text(self, x: float, y: float, text: str, anchor: str, style: str = "") -> None:
        """Write a text; `anchor` is start, middle or end."""
        attributes = {"x": _number(x), "y": _number(y), "text-anchor": anchor, **({"class": style} if style else {})}
        SubElement(self.root, "text", attributes).text = visible(text)

    def svg(self) -> Markup:
        """Return the drawing, to be put into a page."""
        return Markup(tostring(self.root, encoding="unicode"))  # noqa: S704 - ElementTree has escaped all texts


def colour(target: int) -> str:
    """Return the style's name of a target's colour; the page says which colour that is."""
    return f"t{target}"


def key(target: int) -> Markup:
    """Return a target's mark alone, to stand before its name."""
    shape = outline(SHAPES[target % len(SHAPES)], 6, 6)
    svg = Element("svg", {"class": "key", "viewBox": "0 0 12 12", "aria-hidden": "true"})
    SubElement(svg, "path", {"class": f"mark {colour(target)}", "d": shape})
    return Markup(tostring(svg, encoding="unicode"))  # noqa: S704 - nothing in it comes from elsewhere


def outline(shape: str, x: float, y: float) -> str:
    """Return the path of a mark around a point."""
    r = _RADIUS[shape]
    if shape == "circle":
        return f"M{_number(x - r)} {_number(y)}a{r:g} {r:g} 0 1 0 {2 * r:g} 0a{r:g} {r:g} 0 1 0 {-2 * r:g} 0Z"
    corners = {
        "square": ((-r, -r), (r, -r), (r, r), (-r, r)),
        "diamond": ((0, -r), (r, 0), (0, r), (-r, 0)),
        "triangle": ((0, -r), (r, r * 0.8), (-r, r * 0.8)),
    }[shape]
    return f"M{'L'.join(f'{_number(x + dx)} {_number(y + dy)}' for dx, dy in corners)}Z"


def _number(value: float) -> str:
    return f"{round(value, _PRECISION):g}"
