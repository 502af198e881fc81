"""What two answers are compared by, beyond plain equality."""

import re
from dataclasses import dataclass

JSON_PATH = re.compile(r"""\$(\.\w+|\[(\*|\d+|"(?:[^"\\]|\\.)*")\])*""")
"""Where a rule or declaration holds: `$.items[*].price`, `$["odd key"]`."""


@dataclass(frozen=True)
class Tolerance:
    """Numbers at a JSON path (`$.predictions[*]`) that may lie apart: by a share of the larger, or by an amount."""

    where: str
    relative: float = 0.0
    absolute: float = 0.0

    def accepts(self, primary: float, candidate: float) -> bool:
        """Whether the two are near enough."""
        distance = abs(primary - candidate)
        return distance <= max(self.absolute, self.relative * max(abs(primary), abs(candidate)))


@dataclass(frozen=True)
class Rules:
    """The rules of one API."""

    tolerances: tuple[Tolerance, ...] = ()
    unordered: frozenset[str] = frozenset()
    """JSON paths of arrays whose order means nothing."""
    counters: frozenset[str] = frozenset()
    """JSON paths of numbers that tell how much a service has done since it started."""

    def tolerance(self, where: str) -> Tolerance | None:
        """Return the tolerance for numbers at this path."""
        return next((tolerance for tolerance in self.tolerances if tolerance.where == where), None)
