"""Percentiles for which single arms have too few answers: those of neighboring pairs are put together."""

from collections.abc import Mapping, Sequence

import numpy as np

from serving_lab.experiment.arms import LATENCY_SHARES
from serving_lab.experiment.validity import samples_needed
from serving_lab.generator.outcome import Seconds


def pooled(pairs: Sequence[Mapping[str, Seconds]], metric: str) -> list[dict[str, float]]:
    """Return a percentile of each target (s), once for each group of pairs that has enough answers of every target.

    A group ends as soon as it has them, and what is left over joins the last one. No pair is left out: those whose arms
    had few answers are the slow ones, and the others would be a selection.

    Args:
        pairs: Latencies (s) of each target, in the order in which they were measured.
        metric: Name of the percentile, such as `p99`.
    """
    share = LATENCY_SHARES[metric]
    needed = samples_needed(share)
    groups: list[list[Mapping[str, Seconds]]] = [[]]
    for pair in pairs:
        groups[-1].append(pair)
        if min(answers(groups[-1]).values()) >= needed:
            groups.append([])
    rest = groups.pop()
    if groups:
        groups[-1] += rest
    return [{name: _quantile([pair[name] for pair in group], share) for name in group[0]} for group in groups]


def answers(pairs: Sequence[Mapping[str, Seconds]]) -> dict[str, int]:
    """Return how many answers each target gave in all of the pairs."""
    return {name: sum(pair[name].size for pair in pairs) for name in (pairs[0] if pairs else ())}


def _quantile(latencies: Sequence[Seconds], share: float) -> float:
    # No interpolation: a percentile is a latency that was measured.
    return float(np.quantile(np.concatenate(latencies), share, method="inverted_cdf"))
