"""At which points a series of noisy values moved to another level, or that it drifts.

Binary segmentation: the split that best separates a stretch is kept where hardly any other order of the same values has
one as good (permutation test), and each side is looked at again. Where there is none, a level that came and went is
looked for likewise (circular binary segmentation, Olshen and others 2004). Of the noise it assumes only that its order
means nothing.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving_lab.experiment import statistics
from serving_lab.experiment.statistics import Estimate

ALPHA = 0.05
SHORTEST = 2
"""Values on each side of a change: a single one may be a bad run."""

_OF_SPLITS = 0.8
"""Share of `ALPHA` for a move that stays; the rest is for a level that comes and goes, which is clearer or none."""
_ORDERS_STAYED, _ORDERS_CAME_AND_WENT = 60, 20
"""How many of the orders that are tried may be as good as the real one: the more, the better the share is known."""
_FIRST_BATCH, _CELLS = 100, 4_000_000
_FARTHEST = 3.0
"""Standard deviations beyond which a value is taken as just so far: one alone must not hide a change."""
_OUTLIER, _OF_OUTLIER = 4.0, 0.05
"""Standard deviations from which on the farthest value is an outlier, and the share of its weight that it keeps."""
_MAD_OF_NORMAL = 0.6745
SEED = 0
"""The same series must give the same answer."""

Floats = NDArray[np.float64]
Stretches = NDArray[np.intp]
"""Rows of start and end: the values from start up to but without end, against all others."""


@dataclass(frozen=True)
class SeriesPoint:
    """One value of a series."""

    value: float
    """Natural logarithm."""
    error: float | None
    """Its standard error, from the spread within the run; None where that cannot be told."""


@dataclass(frozen=True)
class Shift:
    """A move to another level."""

    at: int
    """Index of the first value at the new level."""
    chance: float
    """Upper bound of how probable noise alone makes any of the series looked at seem to move so clearly."""
    size: Estimate
    """New level / old level, over the stretches between neighbouring shifts."""


@dataclass(frozen=True)
class Finding:
    """What a series shows."""

    shifts: list[Shift]
    """In order; empty where there is none, and where it drifts."""
    drift: float | None
    """Change from the first to the last value, as a share, where a line describes it better than steps do."""


def find(points: Sequence[SeriesPoint], series: int = 1, alpha: float = ALPHA) -> Finding:
    """Return where the series moved.

    Args:
        points: In order of time.
        series: How many series are looked at: in pure noise, any of them shows a shift with a probability of `alpha`.
        alpha: Share of false alarms.
    """
    values = np.array([point.value for point in points], dtype=np.float64)
    weights = _weights(values, [point.error for point in points])
    generator = np.random.default_rng(SEED)
    found = sorted(_split(values, weights, 0, series, alpha, generator))
    if not found:
        return Finding([], None)
    ends = [0, *(at for at, _ in found), len(values)]
    slope = _drift(values, weights, ends)
    if slope is not None:
        return Finding([], math.expm1(slope * (len(values) - 1)))
    shifts = [
        Shift(
            at=at,
            chance=chance,
            size=statistics.unpaired(values[ends[i] : at].tolist(), values[at : ends[i + 2]].tolist()),
        )
        for i, (at, chance) in enumerate(found)
    ]
    return Finding(shifts, None)


def fewest(series: int = 1, alpha: float = ALPHA) -> int:
    """Return how many values a series needs for any shift to be found, however large.

    Of n values, 2 in C(n, n/2) orders separate the lower half from the upper one: no shift is rarer by chance.
    """
    n = 2 * SHORTEST
    while 2 / math.comb(n, n // 2) * series > alpha * _OF_SPLITS:
        n += 1
    return n


def _weights(values: Floats, errors: Sequence[float | None]) -> Floats:
    """Return the weight of each value: less for a run that was noisier in itself than runs usually are."""
    known = [error for error in errors if error is not None]
    if not known or not values.size:
        return np.ones_like(values)
    usual = float(np.median(known)) ** 2
    own = np.array([max(known) if error is None else error for error in errors]) ** 2
    # Runs that seem quieter than usual are so by chance: they count no more than others.
    more = np.maximum(own - usual, 0.0)
    scale = _scale(values) ** 2
    return scale / (scale + more) if scale else np.ones_like(values)


def _split(
    values: Floats, weights: Floats, offset: int, series: int, alpha: float, generator: np.random.Generator
) -> list[tuple[int, float]]:
    """Return each shift's index and chance, found in the stretch that begins at `offset`."""
    n = len(values)
    if n < 2 * SHORTEST or not np.ptp(values):
        return []
    tamed = _tamed(values)
    trusted = _trusted(values, weights)
    stayed = np.array([(0, end) for end in range(SHORTEST, n - SHORTEST + 1)])
    came_and_went = np.array(
        [
            (start, end)
            for start in range(SHORTEST, n - 2 * SHORTEST + 1)
            for end in range(start + SHORTEST, n - SHORTEST + 1)
        ]
    )
    for stretches, share, orders in (
        (stayed, _OF_SPLITS, _ORDERS_STAYED),
        (came_and_went, 1 - _OF_SPLITS, _ORDERS_CAME_AND_WENT),
    ):
        if not len(stretches):
            continue
        best = _best(tamed, trusted, stretches)
        test = _Test(trusted, stretches, best, alpha * share / series, orders)
        chance = test.chance(tamed, generator)
        if chance is None or test.chance(_without_farthest(tamed, best), generator) is None:
            continue
        inner = [int(end) for end in best if end]
        found = [(offset + at, min(1.0, chance * series / share)) for at in inner]
        for first, end in itertools.pairwise((0, *inner, n)):
            # All pieces together get the level that the whole had: more are more occasions for a false alarm.
            level = alpha / (len(inner) + 1)
            found += _split(values[first:end], weights[first:end], offset + first, series, level, generator)
        return found
    return []


@dataclass(frozen=True)
class _Test:
    """A permutation test of the best stretch of a series."""

    weights: Floats
    stretches: Stretches
    best: Stretches
    level: float
    allowed: int
    """How many orders may be as good, of those that are tried."""

    def chance(self, values: Floats, generator: np.random.Generator) -> float | None:
        """Return the share of orders that have a stretch as good as the best one; None where it is above the level."""
        gain = float(_gains(values[np.newaxis], self.weights[np.newaxis], self.best[np.newaxis])[0, 0])
        total = math.ceil(self.allowed / self.level)
        as_good = done = 0
        size = _FIRST_BATCH
        order = np.arange(len(values))
        while done < total:
            size = min(size, total - done, max(1, _CELLS // len(self.stretches)))
            orders = generator.permuted(np.broadcast_to(order, (size, len(order))), axis=1)
            gains = _gains(values[orders], self.weights[orders], self.stretches).max(axis=1)
            # Equal sums may differ by rounding.
            as_good += int((gains >= gain * (1 - 1e-9)).sum())
            done += size
            size *= 4
            if as_good >= self.allowed:
                return None
        return (as_good + 1) / (total + 1)


def _best(values: Floats, weights: Floats, stretches: Stretches) -> Stretches:
    best: Stretches = stretches[_gains(values[np.newaxis], weights[np.newaxis], stretches)[0].argmax()]
    return best


def _gains(values: Floats, weights: Floats, stretches: Stretches) -> Floats:
    """Return how much of the squared distances each stretch explains: of an array of series, one a row."""
    before = ((0, 0), (1, 0))
    masses = np.pad(weights.cumsum(axis=1), before)
    sums = np.pad((weights * values).cumsum(axis=1), before)
    starts, ends = stretches.T
    inside, inner = masses[:, ends] - masses[:, starts], sums[:, ends] - sums[:, starts]
    outside = masses[:, -1:] - inside
    apart = inner / inside - (sums[:, -1:] - inner) / outside
    gains: Floats = inside * outside / masses[:, -1:] * apart**2
    return gains


def _without_farthest(values: Floats, stretch: Stretches) -> Floats:
    """Return the values with the farthest one made like the others of its side: a change must not hang on one run."""
    within = np.zeros(len(values), dtype=bool)
    within[stretch[0] : stretch[1]] = True
    farthest = int(np.abs(values - np.median(values)).argmax())
    others = within == within[farthest]
    others[farthest] = False
    replaced = values.copy()
    replaced[farthest] = np.median(values[others])
    return replaced


def _tamed(values: Floats) -> Floats:
    reach = _FARTHEST * _scale(values)
    middle = float(np.median(values))
    return np.clip(values, middle - reach, middle + reach)


def _trusted(values: Floats, weights: Floats) -> Floats:
    """Return the weights, with hardly any for the farthest value if it is an outlier, whatever the order."""
    far = np.abs(values - np.median(values))
    farthest = int(far.argmax())
    if far[farthest] <= _OUTLIER * _scale(values):
        return weights
    trusted = weights.copy()
    trusted[farthest] *= _OF_OUTLIER
    return trusted


def _scale(values: Floats) -> float:
    """Return the standard deviation as most of the values show it."""
    mad = float(np.median(np.abs(values - np.median(values)))) / _MAD_OF_NORMAL
    return mad or float(values.std())


def _drift(values: Floats, weights: Floats, ends: Sequence[int]) -> float | None:
    """Return the slope for each value where a line describes the series better than its steps do (BIC)."""
    places = np.arange(len(values), dtype=np.float64)
    slope, start = np.polyfit(places, _tamed(values), 1, w=np.sqrt(weights))
    levels = [np.full(end - first, np.median(values[first:end])) for first, end in itertools.pairwise(ends)]
    from_line, from_steps = values - start - slope * places, values - np.concatenate(levels)
    # An outlier is as far from either, and would drown what tells them apart.
    reach = _FARTHEST * _scale(from_steps)
    of_line, of_steps = (float((weights * np.clip(far, -reach, reach) ** 2).sum()) for far in (from_line, from_steps))
    if not of_line or not of_steps:
        return None
    n, per_fact = len(values), math.log(len(values))
    in_favour_of_line = n * math.log(of_steps / of_line) + (2 * len(levels) - 1 - 2) * per_fact
    return float(slope) if in_favour_of_line > 0 else None
