"""Few answers in an arm leave its percentile to several pairs together, and none of them is chosen."""

import numpy as np
import pytest
from numpy.typing import NDArray
from serving_lab.experiment.percentiles import answers, pooled
from serving_lab.experiment.verdicts import comparisons

from bench.test_verdicts import NEW, OLD, arm

CHANCE = np.random.default_rng(0)


def latencies(count: int, usual: float = 0.01) -> NDArray[np.float64]:
    return np.asarray(usual * np.exp(CHANCE.normal(0, 0.1, count)))


def test_arms_with_enough_answers_stand_alone() -> None:
    pairs = [{OLD: latencies(1000), NEW: latencies(1300)} for _ in range(3)]

    found = pooled(pairs, "p99")

    assert found == [
        {name: np.quantile(each, 0.99, method="inverted_cdf") for name, each in pair.items()} for pair in pairs
    ]


def test_an_arm_with_too_few_is_put_together_with_the_next_pair_and_what_is_left_over_with_the_last() -> None:
    sizes = (1100, 938, 1200, 1050, 400)
    pairs = [{OLD: latencies(2000), NEW: latencies(size)} for size in sizes]

    found = pooled(pairs, "p99")

    groups = [pairs[:1], pairs[1:3], pairs[3:]]
    assert [each[NEW] for each in found] == [
        np.quantile(np.concatenate([pair[NEW] for pair in group]), 0.99, method="inverted_cdf") for group in groups
    ]
    assert answers(pairs) == {OLD: 10_000, NEW: sum(sizes)}


def test_too_few_answers_in_all_have_no_percentile() -> None:
    assert pooled([{OLD: latencies(300), NEW: latencies(2000)}] * 3, "p99") == []
    assert pooled([], "p99") == []


@pytest.mark.parametrize(
    ("sizes", "verdict", "samples"),
    [([1100, 938, 1200, 1300, 1250], "slower", 4), ([600] * 12, "slower", 6), ([40] * 10, "undecided", 0)],
    ids=["one arm has 938 answers", "one target is slow", "20 answers/s"],
)
def test_no_number_of_answers_refuses_a_verdict(sizes: list[int], verdict: str, samples: int) -> None:
    of_pairs = {
        name: {pair: latencies(size, usual) for pair, size in enumerate(sizes, start=1)}
        for name, usual in ((OLD, 0.01), (NEW, 0.015))
    }
    given = [
        arm(name, pair, p50=float(np.median(found))) for name, each in of_pairs.items() for pair, found in each.items()
    ]

    found = comparisons("open", [OLD, NEW], given, margin=0.05, refused=None, withheld=None, latencies=of_pairs)

    p50, p99 = found
    assert (p50.metric, p50.verdict, p50.pairs) == ("p50", "slower", len(sizes))
    assert (p99.metric, p99.verdict, p99.pairs) == ("p99", verdict, samples)
    assert (p99.ratio is None) is (samples == 0)
    assert samples or "and P99 latency needs 3,000: a longer --budget" in p99.why
