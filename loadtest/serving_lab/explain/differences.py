"""By how much many things differ at once, over pairs: intervals that hold together, by flipping signs.

In each pair it is drawn which side comes first. If nothing differed, each difference could as well have had the other
sign, for all things of a pair together. So the largest |t| over all things is compared with what it would have been
under every pattern of signs (max-T: Westfall and Young, *Resampling-Based Multiple Testing*, 1993; sign flips: Fisher,
*The Design of Experiments*, 1935). That is exact for few pairs, assumes no distribution, and uses that functions which
call each other differ together, where Bonferroni would count each as another chance.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.99
"""That no equal thing is called different. Of twenty comparisons of equals, two or more name something in 2 of 100."""
PAIRS = 10
"""512 patterns of signs, up to the sign of all: enough for `CONFIDENCE`, which needs 100."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Intervals:
    """Mean differences, and half the width of the interval of each."""

    means: Matrix
    halves: Matrix


def intervals(differences: Matrix) -> Intervals | None:
    """Return intervals that hold together with `CONFIDENCE`; None where there are too few pairs for that.

    Args:
        differences: A row for each pair, a column for each thing.
    """
    pairs = differences.shape[0]
    patterns = 2 ** (pairs - 1)
    beyond = math.floor((1 - CONFIDENCE) * patterns + 1e-9)
    if not beyond:
        return None
    signs = np.array([(1.0, *rest) for rest in itertools.product((1.0, -1.0), repeat=pairs - 1)])
    # The first pair keeps its own sign: with all signs flipped, |t| is the same.
    flipped = signs @ differences / pairs
    spread = np.square(differences).sum(axis=0) - pairs * np.square(flipped)
    # What rounding leaves of no spread at all is none.
    spread = np.where(spread > 1e-12 * np.square(differences).sum(axis=0), spread, 0.0)
    errors = np.sqrt(spread / (pairs - 1) / pairs)
    ratios = np.divide(np.abs(flipped), errors, out=np.zeros_like(errors), where=errors > 0)
    largest = np.sort(ratios.max(axis=1, initial=0.0))
    # The first row has all signs as they were measured.
    return Intervals(flipped[0], np.nextafter(largest[-beyond - 1], np.inf) * errors[0])
