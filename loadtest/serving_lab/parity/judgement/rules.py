"""What two answers are compared by, beyond plain equality."""

import math
import re
from dataclasses import dataclass
from fractions import Fraction

JSON_PATH = re.compile(r"""\$(\.\w+|\[(\*|\d+|"(?:[^"\\]|\\.)*")\])*""")
"""Where a rule or declaration holds: `$.items[*].price`, `$["odd key"]`."""


@dataclass(frozen=True)
class Tolerance:
    """Numbers at a JSON path (`$.predictions[*]`) that may lie apart: by a share of the larger, or by an amount."""

    where: str
    relative: float = 0.0
    absolute: float = 0.0

    def accepts(self, primary: float, candidate: float) -> bool:
        """Whether the two numbers are near enough."""
        try:
            apart = abs(primary - candidate)
            return apart <= max(self.absolute, self.relative * max(abs(primary), abs(candidate)))
        except OverflowError:
            share = distance(primary, candidate)
            return share is not None and share <= self.relative


@dataclass(frozen=True)
class Rules:
    """The rules of one API."""

    tolerances: tuple[Tolerance, ...] = ()
    unordered: frozenset[str] = frozenset()
    """JSON paths of arrays whose order means nothing."""
    counters: frozenset[str] = frozenset()
    """JSON paths of numbers that count what a service has done since it started."""

    def tolerance(self, where: str) -> Tolerance | None:
        """The tolerance for numbers at this path."""
        return next((tolerance for tolerance in self.tolerances if tolerance.where == where), None)


def distance(primary: float, candidate: float) -> float | None:
    """How far two different numbers are apart, as a share of the larger; None where one of them is infinite.

    JSON has integers that are larger than any float: those are compared exactly.
    """
    try:
        apart = abs(primary - candidate) / max(abs(primary), abs(candidate))
    except OverflowError:
        if any(isinstance(number, float) and math.isinf(number) for number in (primary, candidate)):
            return None
        left, right = Fraction(primary), Fraction(candidate)
        apart = float(abs(left - right) / max(abs(left), abs(right)))
    return None if math.isnan(apart) else apart
