"""The targets as a report shows them: what people call each, and its colour."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

PALETTE = {
    "#e0751a": "#e0751a",
    "#0f97b0": "#0f97b0",
    "#7b52c9": "light-dark(#7b52c9, #a98bf0)",
    "#5f7d1b": "light-dark(#5f7d1b, #a3c158)",
    "#b03a7c": "light-dark(#b03a7c, #e886bb)",
    "#4a5d70": "light-dark(#4a5d70, #a9bccf)",
}
"""For targets without a colour of their own: each colour, and how a style sheet says it for light and dark pages."""
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


class Named(Protocol):
    """A target of a result."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def label(self) -> str | None:
        """What people call it."""

    @property
    def colour(self) -> str | None:
        """Its colour."""


@dataclass(frozen=True)
class ShownTarget:
    """A target as a report shows it."""

    name: str
    """As results call it."""
    label: str
    """As people call it; no two targets of a report have the same."""
    index: int
    """Its place in the order of targets; 0 is the baseline."""
    colour: str
    """A colour as style sheets write it."""


def shown(targets: Sequence[Named]) -> list[ShownTarget]:
    """Return the targets with labels that tell them apart, and colours of their own or from the palette."""
    labels = [target.label or target.name for target in targets]
    often = Counter(labels)
    colours = _colours([target.colour for target in targets])
    return [
        ShownTarget(target.name, label if often[label] == 1 else target.name, index, colour)
        for index, (target, label, colour) in enumerate(zip(targets, labels, colours, strict=True))
    ]


def _colours(given: Sequence[str | None]) -> Iterator[str]:
    # A result may come from anywhere: what is not a colour must not get into a style sheet.
    own = [colour if colour and _COLOUR.fullmatch(colour) else None for colour in given]
    taken = {colour.lower() for colour in own if colour}
    free = [style for colour, style in PALETTE.items() if colour not in taken] or list(PALETTE.values())
    chosen = 0
    for colour in own:
        if colour:
            yield colour
        else:
            yield free[chosen % len(free)]
            chosen += 1
