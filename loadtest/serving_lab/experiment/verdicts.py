"""From arms to verdicts: each metric of each candidate against the baseline, pair by pair."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from serving_lab.experiment import percentiles, statistics
from serving_lab.experiment.arms import LATENCY_SHARES
from serving_lab.experiment.records import METRICS, Arm, Comparison, Loop, VerdictWord
from serving_lab.experiment.sequential import Looks
from serving_lab.experiment.validity import samples_needed
from serving_lab.generator.outcome import Seconds
from serving_lab.text.phrases import signed

COMPARED: Mapping[Loop, tuple[str, ...]] = {
    "closed": ("throughput", "p50", "p99", "cpu"),
    "open": ("p50", "p99", "cpu"),
    "knee": ("knee",),
}
"""Which metrics get a verdict, decided before anything is measured."""
MAIN: Mapping[Loop, tuple[str, ...]] = {"closed": ("throughput", "p50"), "open": ("p50",), "knee": ("knee",)}
"""Which of them must be known for a scenario to be decided; a few pairs rarely tell P99 or CPU time."""
_OF_SLOWEST = frozenset({"p90", "p95", "p99", "knee"})
"""What the slowest answers decide: in an arm that others disturbed, those are likely to be others' work."""
_NOT_OF_TIME = frozenset({"cpu"})
"""What others do not lengthen who take a processor for a while."""
_NOT_GIVEN = "refused", "withheld"


def comparisons(
    loop: Loop,
    targets: Sequence[str],
    arms: Sequence[Arm],
    *,
    margin: float,
    refused: str | None,
    withheld: str | None,
    looks: Looks | None = None,
    latencies: Mapping[str, Mapping[int, Seconds]] | None = None,
) -> list[Comparison]:
    """Return the verdicts of a scenario.

    Args:
        loop: Says which metrics are compared.
        targets: Names, the baseline first.
        arms: Of the scenario, those that do not count included.
        margin: What counts as equivalent, as a share.
        refused: Why nothing is concluded at all; None where something is.
        withheld: Why no verdict is given although everything was measured.
        looks: After how many pairs it was decided whether to go on; None: their number was fixed beforehand.
        latencies: By target and pair, of arms that count (s): percentiles are those of as many pairs together as they
            need. None: those of each arm.
    """
    whole = whole_pairs(arms, targets)
    metrics = [name for name in COMPARED[loop] if name != "cpu" or any("cpu" in arm.values for arm in arms)]
    confidence = statistics.simultaneous(len(metrics) * (len(targets) - 1))
    return [
        _comparison(
            metric,
            (targets[0], candidate),
            arms,
            _samples(metric, whole, latencies),
            confidence,
            margin,
            refused,
            withheld,
            looks,
        )
        for candidate in targets[1:]
        for metric in metrics
    ]


def decided(loop: Loop, found: Sequence[Comparison], margin: float, pairs: int) -> bool:
    """Whether more pairs are not worth their time.

    They are while it is not known of a main metric whether its change is within the margin or beyond. Where all of them
    are within, they are too while another metric is not known and so many pairs could tell.

    Args:
        loop: Says which metrics are the main ones.
        found: Of the scenario, by the pairs so far.
        margin: What counts as equivalent, as a share.
        pairs: As many as there may be at last.
    """
    measured = max([1, *(each.pairs for each in found)])
    for candidate in dict.fromkeys(each.candidate for each in found):
        of_it = [each for each in found if each.candidate == candidate]
        main = [each for each in of_it if each.metric in MAIN[loop]]
        if not all(_known(each.verdict, each.low, each.high, margin) for each in main):
            return False
        if all(each.verdict in {"equivalent", *_NOT_GIVEN} for each in main) and any(
            not _known(each.verdict, each.low, each.high, margin)
            and _could_be_known(each, margin, pairs * each.pairs // measured)
            for each in of_it
        ):
            return False
    return True


def _known(word: VerdictWord, low: float | None, high: float | None, margin: float) -> bool:
    if word in {"equivalent", *_NOT_GIVEN}:
        return True
    return low is not None and high is not None and (low > 1 + margin or high < 1 - margin)


def _could_be_known(each: Comparison, margin: float, pairs: int) -> bool:
    if each.spread is None or pairs < 2:
        return False
    then = statistics.paired(each.log_ratios, each.confidence, taken=each.taken).after(pairs)
    word = statistics.verdict(then, margin, METRICS[each.metric].better)
    return _known(word, then.low, then.high, margin)


def whole_pairs(arms: Sequence[Arm], targets: Sequence[str]) -> list[dict[str, Arm]]:
    """Return the pairs of which every arm counts: by target."""
    pairs: dict[int, dict[str, Arm]] = {}
    for arm in arms:
        if not arm.faults:
            pairs.setdefault(arm.pair, {})[arm.target] = arm
    return [pair for pair in pairs.values() if pair.keys() == set(targets)]


@dataclass(frozen=True)
class _Samples:
    """What a metric's verdict is made from."""

    whole: int
    """Pairs that count."""
    pairs: Sequence[Mapping[str, Arm]]
    """Those of them that tell this metric."""
    sides: Sequence[Mapping[str, float]]
    """Its values by target, a pair or a group of pairs each."""
    taken: float
    """Share of the time that others took."""

    @property
    def unit(self) -> str:
        return "pairs" if len(self.sides) == len(self.pairs) else "groups of pairs"


def _samples(
    metric: str, whole: Sequence[Mapping[str, Arm]], latencies: Mapping[str, Mapping[int, Seconds]] | None
) -> _Samples:
    pairs = whole
    if metric in _OF_SLOWEST:
        pairs = [pair for pair in whole if not any(arm.disturbances for arm in pair.values())]
    if latencies is None or metric not in LATENCY_SHARES:
        sides = [{name: arm.values.get(metric, 0.0) for name, arm in pair.items()} for pair in pairs]
    else:
        sides = percentiles.pooled(
            [{name: latencies[name][arm.pair] for name, arm in pair.items()} for pair in pairs], metric
        )
    lost = [] if metric in _NOT_OF_TIME else [max(arm.taken for arm in pair.values()) for pair in pairs]
    return _Samples(len(whole), pairs, sides, sum(lost) / len(lost) if lost else 0.0)


def _comparison(
    metric: str,
    names: tuple[str, str],
    arms: Sequence[Arm],
    samples: _Samples,
    confidence: float,
    margin: float,
    refused: str | None,
    withheld: str | None,
    looks: Looks | None,
) -> Comparison:
    sides = [[each[name] for each in samples.sides] for name in names]
    told = bool(samples.sides) and all(value > 0 for side in sides for value in side)
    ratios = [math.log(new / old) for old, new in zip(*sides, strict=True)] if told else []
    estimate = statistics.paired(ratios, confidence, looks, samples.taken)
    word: VerdictWord = statistics.verdict(estimate, margin, METRICS[metric].better)
    why = reason(word, estimate, margin, samples.unit)
    if not told:
        word, why = _untold(metric, samples)
    if withheld:
        word, why = "withheld", withheld
    if refused:
        word, why = "refused", refused
    judged = word != "refused" and told
    if not judged:
        # As seen, in whatever arms: an interval would look like a judgement.
        sides = [[value for arm in arms if arm.target == name and (value := arm.values.get(metric))] for name in names]
    return Comparison(
        metric=metric,
        baseline=names[0],
        candidate=names[1],
        verdict=word,
        why=why,
        pairs=len(ratios),
        log_ratios=ratios,
        baseline_value=_mean(sides[0]),
        candidate_value=_mean(sides[1]),
        ratio=estimate.ratio,
        low=estimate.low if judged else None,
        high=estimate.high if judged else None,
        confidence=confidence,
        taken=samples.taken,
        spread=estimate.spread,
        detectable=estimate.detectable if judged else None,
    )


def reason(word: VerdictWord, estimate: statistics.Estimate, margin: float, samples: str = "pairs") -> str:
    """Return a verdict's reason in a sentence; `samples` is what the estimate was made from."""
    if estimate.low is None or estimate.high is None:
        return f"{estimate.n} {samples} are too few to conclude anything"
    ends = f"{signed(estimate.low)} to {signed(estimate.high)}"
    if word == "equivalent":
        return f"the change surely lies within {margin:.0%} either way ({ends})"
    if word == "undecided":
        found = f"; {estimate.n} {samples} find changes from"
        smallest = f"{found} {estimate.detectable:.1%}" if estimate.detectable else ""
        return f"the change may be anything from {signed(estimate.low)} to {signed(estimate.high)}{smallest}"
    return f"the change surely lies between {signed(estimate.low)} and {signed(estimate.high)}"


def _untold(metric: str, samples: _Samples) -> tuple[VerdictWord, str]:
    pairs = samples.pairs
    if not samples.whole:
        return "refused", "no pair is valid"
    if not pairs:
        return "undecided", "other programs disturbed every pair, and the slowest answers are their work"
    if metric == "knee":
        return "refused", "a target met the objective at none of the rates that were tried"
    if samples.sides:
        return "refused", f"an arm has no {METRICS[metric].title}"
    answers = min(sum(pair[name].answered for pair in pairs) for name in pairs[0])
    needed = statistics.FEWEST * samples_needed(LATENCY_SHARES[metric])
    return "undecided", (
        f"a target gave {answers:,} answers in {len(pairs)} pairs, and {METRICS[metric].title} needs {needed:,}: "
        "a longer --budget has more pairs, --seconds makes them longer"
    )


def _mean(values: Sequence[float]) -> float | None:
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None
