"""What disturbs an arm, and what makes it invalid: each bound with its reason."""

import math
from collections.abc import Callable, Mapping, Sequence

from scipy import stats

from serving_lab.experiment.records import GeneratorHealth
from serving_lab.generator.fleet import in_words
from serving_lab.generator.outcome import GeneratorPart

MOST_GENERATOR_CPU = 0.9
"""Of a core: above, the generator may be what limits the throughput."""
MOST_WAITED = 0.1
"""Share of the time in which the generator was ready to run and had no processor: above, latencies are its own."""
MOST_LAG_SECONDS, MOST_LAG_SHARE = 0.001, 0.1
"""P99 of the lateness with which requests are handed out: so much, and such a share of the P99 latency."""
MOST_START_SKEW_SECONDS = 0.02
"""Between the starts of two generators: a tenth of the shortest lead-in, so that all are busy before one measures."""
MOST_OTHER_CPU = 0.35
"""Cores used by neither targets nor generator: Prometheus and Grafana need less, other programs may disturb."""
MOST_TARGET_WAITED = 0.1
"""Of the time in which a target wanted a processor, the share in which it had none: less is no more than the machine's
noise, which hits all targets alike. Its own threads also wait for each other, so this blames others only where they are
busy."""
MOST_STOLEN = 0.1
"""Cores that the host of a virtual machine took away."""
SAMPLES_BEYOND = 10
"""Answers beyond a percentile: with ten, P99 of one arm lies between P98.4 and P99.6 of the truth."""
MOST_TAKEN = 0.5
"""Share of an arm's time in which others had what target or generator wanted: beyond, it says less of the target than
of them."""
MOST_UNLIKE = 0.1
"""Difference of that share within a pair: what took as much from all arms of a pair is no difference of its targets."""
MOST_VOID_SHARE, MOST_VOID_SHARE_OF_EACH = 1 / 3, 2 / 3
"""Of the pairs measured: if more are void, the machine is not fit to measure on, and the rest would be a selection.
With a budget, up to the second share may be void if the arms that do not count are not those of one target."""
ONE_SIDED = 0.05
"""A probability: so rarely chance alone would make it seem that one target's arms do not count more often."""
KEEPS_UP = 0.95
"""Share of a planned rate that a target answers in time, at least, where the rate is said to be one it can carry."""


def keeps_up(late: int, planned: int) -> bool:
    """Return whether so many late answers are few.

    With random arrivals some requests are always under way at the end, and of few requests they are a large share: what
    chance may bring (three standard deviations) is no fault of the target.
    """
    expected = (1 - KEEPS_UP) * planned
    return late <= expected + 3 * math.sqrt(expected)


def samples_needed(share: float) -> int:
    """Return how many answers an arm needs for the percentile at this share."""
    return math.ceil(round(SAMPLES_BEYOND / (1 - share), 6))


def taken(
    generator_waited: float, late: float, target_waited: float | None, other_cpu: float | None, stolen: float
) -> float:
    """Return the share of an arm's time, at most, in which others had what target or generator wanted.

    It makes changes look smaller, by as much at most: of a time of which a share is the same for all targets, the rest
    alone can differ.

    Args:
        generator_waited: Share of the time in which the generator was ready to run and had no processor.
        late: In an open loop, the share of the median latency that is the generator's lag.
        target_waited: Of the time in which the target wanted a processor, the share in which it had none, where that
            is known. Its own threads wait for each other, too: others took no more than they used, and nothing if they
            used little.
        other_cpu: Cores used by what is neither target nor generator, where that is known. If it is not known how long
            the target waited, it counts as if all of it had been taken.
        stolen: Cores taken by the host.
    """
    used = other_cpu or 0.0
    of_target = min(1.0 if target_waited is None else target_waited, used) if used > MOST_OTHER_CPU else 0.0
    return min(1.0, max(generator_waited, late) + of_target + stolen)


def faults(generator: GeneratorHealth, taken: float, other_cpu: float | None, disturbances: Sequence[str]) -> list[str]:
    """Return why an arm does not count, in words: disturbances that leave too little of the target in its figures.

    Args:
        generator: How it fared. Without a pause it is what limits the throughput, whoever has its processor. If it is
            not whole, or did not begin together, the load was another one.
        taken: Share of the arm's time that others took.
        other_cpu: Cores used by what is neither target nor generator. Where that is unknown, so is what they took from
            the target.
        disturbances: All of the arm.
    """
    another_load = bool(generator.lost) or generator.start_skew > MOST_START_SKEW_SECONDS
    limits = generator.cpu_share + generator.waited_share > MOST_GENERATOR_CPU
    return list(disturbances) if other_cpu is None or another_load or limits or taken > MOST_TAKEN else []


def unlike(taken: Mapping[str, float]) -> dict[str, str]:
    """Return whose arm of a pair was disturbed so much more than another that the pair compares others, and why.

    Args:
        taken: Share of its arm's time that others took, by target.
    """
    least = min(taken, key=lambda name: taken[name])
    return {
        name: f"other programs took more of its time than of that of {least}: {share:.0%} and {taken[least]:.0%}"
        for name, share in taken.items()
        if share - taken[least] > MOST_UNLIKE
    }


def one_sided(void: Mapping[str, int]) -> str | None:
    """Return the target whose arms do not count more often than chance makes it; None where there is none.

    Args:
        void: How many arms do not count, by target.
    """
    most = max(void, key=lambda name: void[name])
    total = sum(void.values())
    by_chance = stats.binomtest(void[most], total, 1 / len(void), alternative="greater").pvalue if total else 1.0
    return most if by_chance < ONE_SIDED / len(void) else None


def disturbances(
    generator: GeneratorHealth,
    latency: Mapping[str, float],
    other_cpu: float | None,
    target_waited: float | None,
    stolen: float,
    others: Callable[[], str] = lambda: "",
) -> list[str]:
    """Return what disturbed an arm, in words; none of it is the target's fault.

    The slowest answers of such an arm are others' work.

    Args:
        generator: How it fared.
        latency: Mean and percentiles (s), as far as they are known.
        other_cpu: Cores used by what is neither target nor generator, where that is known.
        target_waited: Of the time in which the target wanted a processor, the share in which it had none, where that is
            known. Other programs that took nothing from it do no harm.
        stolen: Cores taken by the host.
        others: Says who the other programs were.
    """
    found = of_generator(generator, latency)
    if found and other_cpu is not None and other_cpu > MOST_OTHER_CPU and (who := others()):
        found = [f"{each}; busy meanwhile: {who}" for each in found]
    if other_cpu is not None and other_cpu > MOST_OTHER_CPU:
        took = "" if target_waited is None else f" while the target waited {target_waited:.0%} of its time for one"
        if target_waited is None or target_waited > MOST_TARGET_WAITED:
            who = others()
            found.append(f"other programs kept {other_cpu:.2f} cores busy{took}{f': {who}' if who else ''}")
    if stolen > MOST_STOLEN:
        found.append(f"the machine's host took {stolen:.2f} cores away")
    return found


def of_generator(generator: GeneratorHealth, latency: Mapping[str, float]) -> list[str]:
    """Return why the generator's figures say nothing about the target."""
    found = []
    if generator.lost:
        found.append(in_words(generator.lost))
    if generator.start_skew > MOST_START_SKEW_SECONDS:
        found.append(f"generators did not begin together: up to {generator.start_skew * 1000:.1f} ms apart")
    if generator.cpu_share > MOST_GENERATOR_CPU:
        found.append(f"the generator was saturated: it used {generator.cpu_share:.0%} of its core")
        found[-1] += _whose(generator, lambda part: part.cpu_share)
    if generator.waited_share > MOST_WAITED:
        found.append(f"the generator was starved: {generator.waited_share:.0%} of the time it had no processor")
        found[-1] += _whose(generator, lambda part: part.waited_share)
    bound = MOST_LAG_SECONDS + MOST_LAG_SHARE * latency.get("p99", latency.get("mean", 0.0))
    if generator.lag_p99 is not None and generator.lag_p99 > bound:
        found.append(f"the generator was late: P99 of its lag is {generator.lag_p99 * 1000:.1f} ms")
        found[-1] += _whose(generator, lambda part: part.lag_p99 or 0.0)
    return found


def _whose(generator: GeneratorHealth, figure: Callable[[GeneratorPart], float]) -> str:
    """Whose figure is the worst, where there are several parts."""
    return f" ({max(generator.parts, key=figure).name})" if len(generator.parts) > 1 else ""
