"""From what parity, bench and footprint found to one verdict: functions of results alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from serving_lab.bench.result import BenchResult, Scenario
from serving_lab.experiment.fail_if import FailIf
from serving_lab.experiment.records import METRICS, Comparison, VerdictWord
from serving_lab.experiment.verdicts import MAIN
from serving_lab.gate.result import Check, CheckOutcome, ContractResult, Found, Gated, Outcome, PartName
from serving_lab.parity.result import CauseRecord, ParityResult
from serving_lab.text.phrases import counted, listed, some

_ORDER: tuple[Outcome, ...] = ("failed", "cannot tell", "passed")
_UNTOLD: frozenset[VerdictWord] = frozenset({"refused", "withheld"})
_CHANGES: tuple[VerdictWord, ...] = ("slower", "faster")
_NAMED_CAUSES = 2
_WHOLE_FROM = 0.0995
"""From ten percent on, whole percents say enough."""


def judged(name: str, sides: tuple[str, str], found: Found, conditions: Sequence[FailIf]) -> Gated:
    """Return what is concluded of one service.

    Args:
        name: Of the service; empty where there is only one.
        sides: What stood for base and head.
        found: By the parts.
        conditions: Under which of the verdicts of bench it fails.
    """
    parity, bench = found.parity, found.bench
    measured = concluded(bench, found.confirmation) if bench else []
    checks = [
        *(_of_contract(found.contract) if found.contract else ()),
        *(_of_parity(parity) if parity else ()),
        *_of_bench(measured, conditions),
        *(Check(part=each.part, name="result", outcome=_without(each.part), why=each.why) for each in found.missing),
    ]
    parts = [
        *([contract(found.contract)] if found.contract else ()),
        *([answers(parity)] if parity else ()),
        *([speed(measured, bench.margin)] if bench else ()),
        *(f"no {each.part}: {each.why}" for each in found.missing),
    ]
    return Gated(
        name=name,
        base=sides[0],
        head=sides[1],
        sentence="; ".join(parts) or "only the footprint was measured",
        outcome=worst([each.outcome for each in checks]),
        checks=checks,
        missing=list(found.missing),
        contract=found.contract,
        parity=parity,
        bench=bench,
        confirmation=found.confirmation,
        footprint=found.footprint,
    )


def _without(part: PartName) -> CheckOutcome:
    """The outcome of a part that gave no result: a footprint is only shown."""
    return "not judged" if part == "footprint" else "cannot tell"


def worst(outcomes: Sequence[CheckOutcome]) -> Outcome:
    """Return the outcome of all together: a failure is one, whatever else cannot be told."""
    return next((each for each in _ORDER if each in outcomes), "passed")


def sentence(services: Sequence[Gated]) -> str:
    """Return the verdict on all services in one line; services of which the same is said are named together."""
    said: dict[str, list[str]] = {}
    for each in services:
        said.setdefault(each.sentence, []).append(each.name)
    if len(said) == 1:
        return next(iter(said))
    return " | ".join(f"{listed(names)}: {words}" for words, names in said.items())


def contract(result: ContractResult) -> str:
    """Return in words whether head keeps the contract."""
    if result.broken:
        return f"the contract is broken: {some([each.test for each in result.broken], _NAMED_CAUSES)}"
    tests = counted(result.tests, "test")
    return (
        f"the contract is kept ({tests})" if result.complete else f"of the contract only {tests} came to an end in time"
    )


def answers(result: ParityResult) -> str:
    """Return in words whether head answers like base."""
    if result.verdict == "different":
        named = some([f"{each.difference} at {_operation(each)}" for each in result.causes], _NAMED_CAUSES)
        return f"answers differ: {named}"
    if result.verdict == "same":
        return f"same answers ({counted(result.requests, 'request')})"
    return f"cannot tell whether answers differ: {result.why}"


@dataclass(frozen=True)
class Concluded:
    """A verdict, with the second one of fresh instances where there is one."""

    scenario: Scenario
    first: Comparison
    second: Comparison | None

    @property
    def last(self) -> Comparison:
        """The figures that count: those of the second measurement were not chosen for being large."""
        return self.second or self.first

    @property
    def is_main(self) -> bool:
        """Whether bench measures until this is known; of the other metrics it says what it happens to see."""
        return self.first.metric in MAIN[self.scenario.loop]

    @property
    def word(self) -> VerdictWord:
        """What both say; a change that only one of them saw is none that is known."""
        if self.last.verdict in _CHANGES and self.last.verdict != self.first.verdict:
            return "undecided"
        return self.last.verdict


def concluded(result: BenchResult, confirmation: BenchResult | None) -> list[Concluded]:
    """Return every verdict, with that of the second measurement."""
    again = {(each.name, of.metric): of for each, of in confirmation.comparisons} if confirmation else {}
    return [Concluded(each, of, again.get((each.name, of.metric))) for each, of in result.comparisons]


def to_confirm(result: BenchResult, conditions: Sequence[FailIf]) -> list[str]:
    """Return the scenarios in which a change meets a condition: they are measured again before anything fails.

    Raises:
        LabError: a condition names something that the measurement does not have.
    """
    for condition in conditions:
        condition.met(result)  # whether all that it names is there
    changes = [each for each in conditions if each.is_of_change]
    found = (scenario.name for scenario, of in result.comparisons if any(c.met_by(scenario.name, of) for c in changes))
    return list(dict.fromkeys(found))


def speed(found: Sequence[Concluded], margin: float) -> str:
    """Return in words what was measured: the worst change, else the best one, else how much is ruled out."""
    told = [each for each in found if each.word not in _UNTOLD]
    if not any(each.is_main for each in told):
        why = next((each.last.why for each in found), "nothing was compared")
        return f"speed could not be measured: {why}"
    undecided = [each.last for each in told if each.is_main and each.word == "undecided"]
    words = _change(told) or _nothing_found(undecided, margin)
    untold = sum(each.is_main and each.word in _UNTOLD for each in found)
    return f"{words}; {counted(untold, 'verdict')} could not be given" if untold else words


def _change(told: Sequence[Concluded]) -> str | None:
    for word in _CHANGES:
        if those := [each for each in told if each.word == word]:
            worst = max(those, key=lambda each: each.last.certain_change)
            more = f", and {len(those) - 1} more" if len(those) > 1 else ""
            metric = METRICS[worst.last.metric].title
            return f"{word} by {_size(worst.last)} ({worst.scenario.name}, {metric}{more})"
    return None


def _nothing_found(undecided: Sequence[Comparison], margin: float) -> str:
    if not undecided:
        return f"equivalent within {_percent(margin)}%"
    sizes = [each.detectable for each in undecided if each.detectable is not None]
    if not sizes:
        return "this runner cannot tell: too few pairs"
    return f"this runner cannot tell less than {_percent(max(sizes))}%"


def _size(comparison: Comparison) -> str:
    """The change as an interval of percents, without its direction."""
    assert comparison.low is not None  # noqa: S101 - the verdict was made from them
    assert comparison.high is not None  # noqa: S101
    ends = sorted(abs(end - 1) for end in (comparison.low, comparison.high))
    return f"{_percent(ends[0])} to {_percent(ends[1])}%"


def _percent(share: float) -> str:
    return f"{share * 100:.0f}" if share >= _WHOLE_FROM else f"{share * 100:.1f}".removesuffix(".0")


def _of_contract(result: ContractResult) -> Iterator[Check]:
    for each in result.broken:
        yield Check(part="contract", name=each.test, outcome="failed", why=each.why)
    if not result.broken:
        outcome: CheckOutcome = "passed" if result.complete else "cannot tell"
        once = "".join(f"; only the first time: {each.test}: {each.why}" for each in result.once)
        yield Check(part="contract", name="contract", outcome=outcome, why=f"{contract(result)}{once}")


def _of_parity(result: ParityResult) -> Iterator[Check]:
    for cause in result.causes:
        yield Check(
            part="parity",
            name=f"{cause.difference} at {_operation(cause)}",
            outcome="failed",
            why=f"{_side(cause.primary)} became {_side(cause.candidate)} "
            f"in {cause.count:,} of {counted(cause.compared, 'request')}",
            operation=_operation(cause),
        )
    if not result.causes:
        yield Check(
            part="parity",
            name="answers",
            outcome="passed" if result.verdict == "same" else "cannot tell",
            why=result.why,
        )


def _of_bench(found: Sequence[Concluded], conditions: Sequence[FailIf]) -> Iterator[Check]:
    for each in found:
        first = [condition for condition in conditions if condition.met_by(each.scenario.name, each.first)]
        met = [condition.text for condition in first if _met(condition, each)]
        why = f"{each.last.verdict}: {each.last.why}"
        unconfirmed = each.second is None and any(condition.is_of_change for condition in first)
        if unconfirmed:
            why += "; it was not measured again, so that nobody knows whether it stays"
        elif each.second and each.second.verdict != each.first.verdict:
            why += f"; the first measurement said {each.first.verdict}"
        yield Check(
            part="bench",
            name=f"{each.scenario.name}: {METRICS[each.first.metric].title}",
            outcome="failed" if met else _outcome(each, unconfirmed, conditions),
            why=why,
            conditions=met,
        )


def _outcome(each: Concluded, unconfirmed: bool, conditions: Sequence[FailIf]) -> CheckOutcome:
    """The outcome of a verdict that meets no condition."""
    if unconfirmed:
        return "cannot tell"
    too_few_pairs = each.word == "undecided" and each.last.detectable is None
    if each.word not in _UNTOLD and not too_few_pairs:
        return "passed"
    wanted = each.is_main or any(condition.metric == each.first.metric for condition in conditions)
    return "cannot tell" if wanted else "not judged"


def _met(condition: FailIf, each: Concluded) -> bool:
    """Whether a condition is met for good: one of a change is, once a second measurement says so too."""
    if not condition.is_of_change:
        return condition.met_by(each.scenario.name, each.last)
    return each.second is not None and condition.met_by(each.scenario.name, each.second)


def _operation(cause: CauseRecord) -> str:
    """Where it showed most often."""
    return next(iter(cause.operations), "any operation")


def _side(shown: str | None) -> str:
    return "nothing" if shown is None else shown or "an empty text"
