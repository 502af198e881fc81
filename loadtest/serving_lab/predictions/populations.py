"""How far two populations of numbers lie apart, how sure that is, and how many rows it takes to tell.

Two measures, because each answers a question of its own. The Kolmogorov-Smirnov distance is the largest difference of
the shares below any value, from 0 to 1; its test says whether chance explains it. The population stability index (PSI)
says how large a change is to those who work with such models: below 0.1 small, from 0.25 on large (Siddiqi, *Credit
Risk Scorecards*, 2006). Without any change it is not 0: with B bins, rows n and m, it is about (B - 1)(1/n + 1/m)
(Yurdakul, *Statistical Properties of Population Stability Index*, Western Michigan University, 2018).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from serving_lab.experiment.statistics import POWER

BINS = 10
"""Of a PSI, each with about as many rows of the reference: the usual number, for which its bounds were found."""
FEW_VALUES = 12
"""With so many different values or fewer, each is a bin of its own: there is nothing in between."""
SMALL, LARGE = 0.1, 0.25
"""PSI below which a change is small, and from which it is large."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Distance:
    """How far a population lies from a reference."""

    ks: float
    """Kolmogorov-Smirnov distance, from 0 to 1."""
    p: float
    """Probability of such a distance, or a larger one, if both were drawn from one population."""
    psi: float
    psi_by_chance: float
    """The PSI to expect where nothing has changed."""


def distance(reference: Numbers, values: Numbers) -> Distance:
    """The distance of `values` from `reference`; both are one-dimensional, finite, and have a value at least.

    The p-value is that of scipy.stats.ks_2samp. With values that occur several times it errs towards no change.
    """
    found = stats.ks_2samp(reference, values)
    edges = bin_edges(reference)
    return Distance(
        ks=float(found.statistic),
        p=float(found.pvalue),
        psi=psi(reference, values, edges),
        psi_by_chance=len(edges) * (1 / len(reference) + 1 / len(values)),
    )


def bin_edges(reference: Numbers) -> Numbers:
    """Inner edges of the bins of a reference, ascending; a value on an edge belongs to the bin above it."""
    distinct = np.unique(reference)
    if len(distinct) <= FEW_VALUES:
        middles: Numbers = (distinct[1:] + distinct[:-1]) / 2
        return middles
    inner: Numbers = np.unique(np.quantile(reference, np.linspace(0, 1, BINS + 1)[1:-1]))
    # Where a tenth and more of the values are the lowest, nothing lies below that edge.
    return np.asarray(inner[inner > distinct[0]], dtype=np.float64)


def shares(values: Numbers, edges: Numbers) -> Numbers:
    """Shares of the values in each bin between inner edges, shape (edges + 1,)."""
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    found: Numbers = counts / len(values)
    return found


def psi(reference: Numbers, values: Numbers, edges: Numbers) -> float:
    """Population stability index: the sum over bins of (q - p) ln(q / p); an empty bin counts as half a row."""
    p, q = (np.maximum(shares(each, edges), 0.5 / len(each)) for each in (reference, values))
    return float(((q - p) * np.log(q / p)).sum())


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values such that all that are below alpha are findings, and with probability 1 - alpha none of them is false.

    Holm, *A Simple Sequentially Rejective Multiple Test Procedure*, Scandinavian Journal of Statistics 6, 1979.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, at in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[at]))
        adjusted[at] = largest
    return adjusted


def detectable(reference_rows: int, rows: int, alpha: float) -> float:
    """Smallest Kolmogorov-Smirnov distance that so many rows find with a probability of `POWER`.

    Where the shares differ most, by D, the observed difference scatters by at most 1/2 over the root of the effective
    number of rows nm/(n + m). So D is found with that probability if it exceeds the critical value of the test
    (Kolmogorov's distribution) by that probability's normal quantile of this scatter. An upper bound.
    """
    return _needed(alpha) / math.sqrt(reference_rows * rows / (reference_rows + rows))


def rows_needed(reference_rows: int, ks: float, alpha: float) -> int | None:
    """Rows that find a distance of `ks` with a probability of `POWER`; None: no number does with so small a reference.

    Raises:
        ValueError: the distance is not above 0.
    """
    if ks <= 0:
        raise ValueError(f"no number of rows finds a distance of {ks}")
    effective = (_needed(alpha) / ks) ** 2
    if effective >= reference_rows:
        return None
    return math.ceil(effective * reference_rows / (reference_rows - effective))


def _needed(alpha: float) -> float:
    return float(special.kolmogi(alpha)) + float(special.ndtri(POWER)) / 2
