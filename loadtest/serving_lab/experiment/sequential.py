"""Looking at a measurement while it runs: intervals that hold at every look, and therefore wherever one stops.

Repeated confidence intervals (Jennison and Turnbull, *Journal of the Royal Statistical Society* B 51, 1989): each look
has a part of the error, which is spent over the looks (Lan and DeMets, *Biometrika* 70, 1983), here in proportion to
the pairs, the simplest of their power family. The levels follow from the joint distribution of the looks, by the
recursion of Armitage, McPherson and Rowe (*Journal of the Royal Statistical Society* A 132, 1969).
"""

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

SPENT = 0.75
"""Share of the error that is spent. The recursion is that of a known variance: with one that is estimated from few
pairs, and with noise that lasts longer than an arm, up to a quarter more alarms come than it says (simulated in
tests/selftest/test_looking.py)."""
GROWTH = 1.25
"""From one look to the next: looking more often costs precision, and hardly ends sooner."""

_POINTS = 601
_WIDEST = 12.0
"""Standard deviations beyond which no bound is looked for."""

Grid = NDArray[np.float64]


@dataclass(frozen=True)
class Looks:
    """After how many pairs one looked, in rising order, and after how many all of the error will be spent."""

    at: tuple[int, ...]
    most: int

    def level(self, alpha: float) -> float:
        """Return the two-sided level of the last look's interval, for all looks to hold together with 1 - `alpha`.

        Raises:
            ValueError: there was no look, or one beyond the most.
        """
        if not self.at or self.at[-1] > self.most:
            raise ValueError(f"no level after {self.at} of {self.most} pairs")
        return 2 * float(special.ndtr(-_look(self.at, self.most, alpha).bound))


def looks(first: int, most: int) -> Iterator[int]:
    """Yield after how many pairs to look, up to the most."""
    at = min(first, most)
    while at < most:
        yield at
        at = min(most, max(at + 1, math.ceil(at * GROWTH)))
    yield most


@dataclass(frozen=True)
class _Look:
    """Where the sum of pairs may be after a look that did not end it."""

    bound: float
    """In standard deviations."""
    sums: Grid
    """The sum, in standard deviations of one pair."""
    density: Grid
    """Of paths that were within the bounds so far, by its weights for an integral over the sums."""


@functools.lru_cache(maxsize=1024)
def _look(at: tuple[int, ...], most: int, alpha: float) -> _Look:
    pairs, before = at[-1], at[-2] if len(at) > 1 else 0
    to_spend = SPENT * alpha * (pairs - before) / most
    root = math.sqrt(pairs - before)
    if before:
        earlier = _look(at[:-1], most, alpha)
        bound = _bound(earlier, root, to_spend) / math.sqrt(pairs)
    else:
        bound = float(-special.ndtri(to_spend / 2))
    end = bound * math.sqrt(pairs)
    sums = np.linspace(-end, end, _POINTS)
    weights = np.full(_POINTS, sums[1] - sums[0])
    weights[[0, -1]] /= 2
    steps = (sums[:, None] - earlier.sums if before else sums[:, None]) / root
    kernel = np.exp(-(steps**2) / 2) / (root * math.sqrt(2 * math.pi))
    density = kernel @ earlier.density if before else kernel[:, 0]
    return _Look(bound, sums, density * weights)


def _bound(earlier: _Look, root: float, to_spend: float) -> float:
    """The sum beyond which so much is spent, by halving."""
    low, high = 0.0, _WIDEST * root + float(earlier.sums[-1])
    for _ in range(60):
        middle = (low + high) / 2
        beyond = special.ndtr((earlier.sums - middle) / root) + special.ndtr((-earlier.sums - middle) / root)
        low, high = (middle, high) if float(beyond @ earlier.density) > to_spend else (low, middle)
    return high
