"""What a measurement found, in words and with units."""

from collections import Counter
from collections.abc import Iterable

from serving_lab.experiment.records import METRICS, Comparison
from serving_lab.text import phrases
from serving_lab.text.phrases import Words


def words_of(metric: str) -> Words:
    """Return how one speaks of more and of less of a metric."""
    if METRICS[metric].unit == "requests/s":
        return phrases.COUNTED
    return phrases.AMOUNT if metric == "cpu" else phrases.HEIGHT


def value(metric: str, amount: float | None, *, narrow: bool = False) -> str:
    """Return the value of a metric with its unit; narrow, for columns of a terminal."""
    if amount is None:
        return phrases.UNKNOWN
    if METRICS[metric].unit == "requests/s":
        return f"{phrases.significant(amount)}/s" if narrow else phrases.rate(amount)
    return phrases.seconds(amount)


def of_sent_again(counts: Iterable[tuple[str, int]]) -> list[str]:
    """Return what to know of each target that closed idle connections.

    Args:
        counts: Names of targets, each with how many of its requests were sent again; a target may come several times.
    """
    total = Counter[str]()
    for target, requests in counts:
        total[target] += requests
    return [
        f"{target} closed idle connections just as requests were sent on them; "
        f"sent again: {phrases.counted(requests, 'request')} (keep-alive)"
        for target, requests in total.items()
        if requests
    ]


def of_comparison(comparison: Comparison) -> str:
    """Return what a comparison found, with its interval."""
    return phrases.estimate(words_of(comparison.metric), comparison.ratio, comparison.low, comparison.high)
