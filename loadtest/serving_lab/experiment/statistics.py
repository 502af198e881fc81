"""How much two samples of logarithms differ, how sure that is, and how many pairs it would take: functions of numbers.

Times and rates are compared as ratios, so everything here is a natural logarithm until it is handed back as a ratio.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from serving_lab.experiment.sequential import Looks

CONFIDENCE = 0.95
EQUIVALENCE_ALPHA = 0.05
"""Of each of the two one-sided tests: the interval that must lie within the margin is the one of 90%."""
POWER = 0.8
FEWEST = 3
"""Values below which nothing is concluded: two may agree by chance."""

_LARGEST = 700.0

Sample = NDArray[np.float64]
"""Natural logarithms, one for each pair or arm."""
Conclusion = Literal["faster", "slower", "equivalent", "undecided"]


@dataclass(frozen=True)
class Estimate:
    """A ratio with its uncertainty; what cannot be told from so few values is None."""

    mean: float | None
    """Of ln(ratio); None without a value."""
    spread: float | None
    """Standard deviation of the logarithms; of two samples, the root of their mean variance."""
    error: float | None
    """Standard error of the mean."""
    degrees: float | None
    """Degrees of freedom of the error."""
    n: int
    """Values; of two samples, those of the smaller."""
    confidence: float
    """Level of the interval from `low` to `high`."""
    looks: Looks | None = None
    """Where the number of values was not fixed beforehand: intervals hold together at all of these looks."""
    taken: float = 0.0
    """Share of the measured time that others took: the change without them may be larger by 1 / (1 - taken)."""

    @property
    def ratio(self) -> float | None:
        """Geometric mean of the ratios; 1.1 is a tenth more."""
        return None if self.mean is None else _exp(self.mean)

    @property
    def low(self) -> float | None:
        """Lower end of the ratio's two-sided interval."""
        ends = self.interval(self.confidence)
        return ends and ends[0]

    @property
    def high(self) -> float | None:
        """Upper end of it."""
        ends = self.interval(self.confidence)
        return ends and ends[1]

    @property
    def detectable(self) -> float | None:
        """Smallest true change, as a share, that so many values of such a spread find with a probability of `POWER`."""
        if self.error is None or self.degrees is None:
            return None
        return smallest_change(self.error / (1 - self.taken), self.degrees, 1 - self._level(self.confidence))

    def interval(self, confidence: float) -> tuple[float, float] | None:
        """Return the ratio's two-sided interval at a level of its own; None with fewer than two values."""
        if self.mean is None or self.error is None or self.degrees is None:
            return None
        half = _quantile(self._level(confidence), self.degrees) * self.error
        low, high = self.mean - half, self.mean + half
        return _exp(low / (1 - self.taken) if low < 0 else low), _exp(high / (1 - self.taken) if high > 0 else high)

    def after(self, pairs: int) -> "Estimate":
        """Return what so many pairs of this mean and spread would show, had their number been fixed beforehand."""
        error = None if self.spread is None else self.spread / math.sqrt(pairs)
        return replace(self, error=error, degrees=pairs - 1, n=pairs, looks=None)

    def _level(self, confidence: float) -> float:
        """The error of one interval alone: less than 1 - confidence, where others were looked at before."""
        return self.looks.level(1 - confidence) if self.looks else 1 - confidence


def simultaneous(count: int, confidence: float = CONFIDENCE) -> float:
    """Return the level that each of `count` intervals needs for all to hold together with `confidence` (Bonferroni)."""
    return 1 - (1 - confidence) / max(count, 1)


def paired(
    log_ratios: Sequence[float], confidence: float = CONFIDENCE, looks: Looks | None = None, taken: float = 0.0
) -> Estimate:
    """Return the mean of ln(candidate / baseline) over pairs, as a ratio, with its interval (paired t).

    Args:
        log_ratios: One for each pair.
        confidence: Level of the interval.
        looks: After how many of the pairs it was decided whether to go on; None: their number was fixed beforehand.
        taken: Share of the measured time that others took.

    Raises:
        ValueError: a logarithm is not finite.
    """
    values = _finite(log_ratios)
    n = int(values.size)
    if n < 2:
        return Estimate(float(values[0]) if n else None, None, None, None, n, confidence)
    spread = _deviation(values)
    return Estimate(float(values.mean()), spread, spread / math.sqrt(n), n - 1, n, confidence, looks, taken)


def unpaired(old: Sequence[float], new: Sequence[float], confidence: float = CONFIDENCE) -> Estimate:
    """Return new / old from the logarithms of two independent samples, with its interval (Welch's t).

    Raises:
        ValueError: a logarithm is not finite.
    """
    samples = _finite(old), _finite(new)
    n = min(int(sample.size) for sample in samples)
    mean = float(samples[1].mean() - samples[0].mean()) if n else None
    if n < 2:
        return Estimate(mean, None, None, None, n, confidence)
    variances = [_deviation(sample) ** 2 for sample in samples]
    parts = [variance / sample.size for variance, sample in zip(variances, samples, strict=True)]
    freedom = [int(sample.size) - 1 for sample in samples]
    total = sum(parts)
    # Welch-Satterthwaite; without any spread it would be 0 / 0.
    degrees = total**2 / sum(part**2 / own for part, own in zip(parts, freedom, strict=True)) if total else sum(freedom)
    return Estimate(mean, math.sqrt(sum(variances) / 2), math.sqrt(total), degrees, n, confidence)


def verdict(
    estimate: Estimate, margin: float, better: Literal["higher", "lower"], alpha: float = EQUIVALENCE_ALPHA
) -> Conclusion:
    """Return what the estimate proves.

    `equivalent` comes first: a change that surely lies within the margin is none, however well it is known. Two
    one-sided tests at `alpha` each prove it; `faster` and `slower` need 1 outside of the interval from `low` to `high`.

    Args:
        estimate: Of the candidate against the baseline, or of new against old.
        margin: What counts as equivalent, as a share from 0 up to but without 1.
        better: Whether a higher value is the faster one.
        alpha: Level of each one-sided test.
    """
    low, high = estimate.low, estimate.high
    within = estimate.interval(1 - 2 * alpha)
    if estimate.n < FEWEST or low is None or high is None or within is None:
        return "undecided"
    if 1 - margin <= within[0] and within[1] <= 1 + margin:
        return "equivalent"
    if low <= 1 <= high:
        return "undecided"
    return "faster" if (low > 1) is (better == "higher") else "slower"


def smallest_change(error: float, degrees: float, confidence: float = CONFIDENCE) -> float:
    """Return the smallest true change, as a share, that is found with a probability of `POWER`.

    exp((t(alpha/2) + t(1 - power)) * error) - 1: the usual sum of the two quantiles of Student's t.
    """
    return _exp((_quantile(1 - confidence, degrees) + float(special.stdtrit(degrees, POWER))) * error) - 1


def pairs_needed(spread: float, effect: float, confidence: float = CONFIDENCE) -> int:
    """Return how many pairs find a change of `effect`, a share, where log-ratios spread so; at least `FEWEST`.

    Raises:
        ValueError: the effect is not above 0.
    """
    if effect <= 0:
        raise ValueError(f"no number of pairs finds a change of {effect}")
    quantiles = float(special.ndtri(1 - (1 - confidence) / 2) + special.ndtri(POWER))
    # The normal quantiles are below Student's, so that this is a start from below.
    pairs = max(FEWEST, math.floor((quantiles * spread / math.log1p(effect)) ** 2))
    while smallest_change(spread / math.sqrt(pairs), pairs - 1, confidence) > effect:
        pairs += 1
    return pairs


def _quantile(alpha: float, degrees: float) -> float:
    return float(special.stdtrit(degrees, 1 - alpha / 2))


def _exp(logarithm: float) -> float:
    # An interval of two values may reach beyond what a float holds.
    return math.exp(min(logarithm, _LARGEST))


def _finite(logs: Sequence[float]) -> Sample:
    values = np.asarray(logs, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError("a logarithm is not finite: every value must be above 0")
    return values


def _deviation(values: Sample) -> float:
    # Equal values are 0 apart, whatever rounding makes of their mean.
    return float(values.std(ddof=1)) if np.ptp(values) else 0.0
