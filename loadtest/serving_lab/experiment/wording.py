"""What a measurement found, in words and with units."""

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


def of_comparison(comparison: Comparison) -> str:
    """Return what a comparison found, with its interval."""
    return phrases.estimate(words_of(comparison.metric), comparison.ratio, comparison.low, comparison.high)
