"""A scenario in plain figures over all arms that count: what each target did, and whom the verdicts call better."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from serving_lab.bench.result import Scenario
from serving_lab.experiment import wording
from serving_lab.experiment.records import METRICS, QUANTILES, Arm, Comparison
from serving_lab.report.tables import Cell, Row, Table, tone
from serving_lab.text import phrases

_LATENCIES = {"P50": 0.5, "P90": 0.9, "P95": 0.95, "P99": 0.99, "P99.9": 0.999, "Max": 1.0}
"""Which are shown after the mean, by the share of answers that took no longer."""
_METRICS = {"Requests/s": "throughput", "Mean": "mean", "P50": "p50", "P90": "p90", "P95": "p95", "P99": "p99"}
"""Of the rows that show one; in a scenario only some of them get verdicts."""
_WON = {"faster", "slower"}
Label = Callable[[str], str]
"""What people call a target."""


@dataclass(frozen=True)
class _Figure:
    """One figure of a target."""

    value: float | None
    text: str
    hint: str = ""


def benchmark(scenario: Scenario, targets: Sequence[str], label: Label) -> Table:
    """Return requests/s, latencies and errors of each target, a row each, and for each candidate who is better.

    Args:
        scenario: What was measured. In an open loop a latency counts from when its request was due, and a remark says
            what it is from when it was sent.
        targets: Names, the baseline first; one without any arm that counts is left out.
        label: What people call a target.
    """
    shown = [name for name in targets if name in scenario.distributions]
    figures = {name: dict(_figures(scenario, name)) for name in shown}
    candidates = [name for name in shown if name != targets[0]] if targets[0] in shown else []
    heads = [f"Winner, {label(targets[0])} or {label(name)}" for name in candidates]
    return Table(
        columns=("Over all arms", *shown, *(heads if len(heads) > 1 else ["Winner"][: len(heads)])),
        rows=tuple(
            Row(
                row,
                (
                    *(Cell(figures[name][row].text, figures[name][row].hint) for name in shown),
                    *(_better(scenario, row, figures[targets[0]], figures[name], name, label) for name in candidates),
                ),
            )
            for row in next(iter(figures.values()), {})
        ),
        targets=tuple(shown),
    )


def winners(scenario: Scenario, label: Label) -> Iterator[tuple[str, str]]:
    """Yield for each candidate who is better in a scenario by all its verdicts: the name of that fact, and the fact."""
    candidates = dict.fromkeys(each.candidate for each in scenario.comparisons)
    for candidate in candidates:
        judged = [each for each in scenario.comparisons if each.candidate == candidate]
        pair = f"{label(judged[0].baseline)} or {label(candidate)}"
        yield "winner" if len(candidates) == 1 else f"winner, {pair}", _winner(judged, label)


def _figures(scenario: Scenario, target: str) -> Iterator[tuple[str, _Figure]]:
    arms = [arm for arm in scenario.arms if arm.target == target and not arm.faults]
    answered, wrong = sum(arm.answered for arm in arms), sum(sum(arm.wrong.values()) for arm in arms)
    seconds = sum(arm.seconds for arm in arms)
    rate = answered / seconds if seconds else None
    yield "Requests/s", _Figure(rate, phrases.UNKNOWN if rate is None else phrases.significant(rate))
    found = scenario.distributions[target]

    def at(share: float) -> _Figure:
        # Where nothing was answered, there are no latencies.
        told = [side[QUANTILES.index(share)] if side else None for side in (found.seconds, found.uncorrected)]
        return _latency(told[0], told[1] if scenario.loop != "closed" else None)

    yield "Min", at(0.0)
    yield "Mean", _latency(*_means(arms))
    yield from ((name, at(share)) for name, share in _LATENCIES.items())
    failed = wrong / (answered + wrong) if answered + wrong else None
    shown = phrases.UNKNOWN if failed is None else phrases.percent(failed)
    yield "Errors", _Figure(failed, shown, hint=f"{wrong:,} of {answered + wrong:,}")


def _latency(seconds: float | None, uncorrected: float | None) -> _Figure:
    hint = "" if uncorrected is None else f"uncorrected {phrases.seconds(uncorrected)}"
    return _Figure(seconds, phrases.UNKNOWN if seconds is None else phrases.seconds(seconds), hint)


def _means(arms: Sequence[Arm]) -> tuple[float | None, float | None]:
    """The mean latency over arms, corrected and as sent, where each arm says it; that of a knee's search does not."""

    def over_all(values: Sequence[tuple[float | None, int]]) -> float | None:
        told = [(value, count) for value, count in values if value is not None]
        total = sum(count for _, count in told)
        return sum(value * count for value, count in told) / total if total else None

    corrected = over_all([(arm.values.get("mean"), arm.answered) for arm in arms])
    return corrected, over_all([(arm.uncorrected.get("mean"), arm.answered) for arm in arms])


def _better(
    scenario: Scenario, row: str, old: dict[str, _Figure], new: dict[str, _Figure], candidate: str, label: Label
) -> Cell:
    metric = _METRICS.get(row)
    if metric is None:
        return Cell(phrases.UNKNOWN)
    judged = (each for each in scenario.comparisons if (each.candidate, each.metric) == (candidate, metric))
    found = next(judged, None)
    if found is None:
        before, after = old[row].value, new[row].value
        if not before or not after or (scenario.loop != "closed" and metric == "throughput"):
            return Cell(phrases.UNKNOWN)
        return Cell("not judged", hint=f"{label(candidate)} {_improvement(metric, after / before)}")
    if found.verdict in _WON and found.ratio is not None:
        return Cell(f"{_name(found, label)}, {_gain(found)}", tone=tone(found.verdict))
    return Cell(found.verdict, tone=tone(found.verdict))


def _winner(judged: Sequence[Comparison], label: Label) -> str:
    won = [each for each in judged if each.verdict in _WON and each.ratio is not None]
    names = {_name(each, label) for each in won}
    if len(names) == 1:
        return f"{names.pop()}: {phrases.listed([f'{METRICS[each.metric].title} {_gain(each)}' for each in won])}"
    if won:
        told = [f"{_name(each, label)} has {METRICS[each.metric].title} {_gain(each)}" for each in won]
        return f"neither: {phrases.listed(told)}"
    words = {each.verdict for each in judged}
    return words.pop() if len(words) == 1 else "undecided"


def _name(found: Comparison, label: Label) -> str:
    return label(found.candidate if found.verdict == "faster" else found.baseline)


def _gain(found: Comparison) -> str:
    """By how much the winner is better than the other one."""
    ratio = found.ratio or 1.0
    return _improvement(found.metric, ratio if found.verdict == "faster" else 1 / ratio)


def _improvement(metric: str, ratio: float) -> str:
    words = wording.words_of(metric)
    return f"{phrases.percent(abs(ratio - 1))} {words.more if ratio > 1 else words.less}"
