"""What two answers are compared by, beyond plain equality."""

import math
import re
from collections.abc import Container
from dataclasses import dataclass, replace
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


class _Everywhere:
    def __contains__(self, _: object) -> bool:
        return True


EVERYWHERE = _Everywhere()
"""Any JSON path."""


@dataclass(frozen=True)
class Leeway:
    """JSON paths where the structure itself varies: what is beside that is compared all the same."""

    lengths: Container[str] = frozenset()
    """Of arrays: the items that both sides have are compared."""
    maps: Container[str] = frozenset()
    """Of objects with other keys each time: their values are compared in order."""
    unordered: Container[str] = frozenset()
    """Of arrays in another order each time."""


@dataclass(frozen=True)
class Rules:
    """The rules of one API."""

    tolerances: tuple[Tolerance, ...] = ()
    unordered: frozenset[str] = frozenset()
    """JSON paths of arrays whose order means nothing."""
    counters: frozenset[str] = frozenset()
    """JSON paths of numbers that count what a service has done since it started."""
    leeway: Leeway = Leeway()
    """What noise leaves open."""

    def with_leeway(self, leeway: Leeway) -> "Rules":
        """The same rules, and what noise leaves open."""
        return replace(self, leeway=leeway)

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
