"""What could not be decided, why, and what would decide it."""

from collections.abc import Iterator
from dataclasses import dataclass

from serving_lab.bench.result import BenchResult, Scenario
from serving_lab.experiment import statistics, wording
from serving_lab.experiment.records import METRICS, Comparison
from serving_lab.parity.result import ParityResult
from serving_lab.report.inputs import ReportInputs
from serving_lab.text import phrases


@dataclass(frozen=True)
class OpenQuestion:
    """A question without an answer."""

    what: str
    why: str
    hint: str
    """What would answer it; empty: nothing that is known."""


def open_questions(inputs: ReportInputs) -> list[OpenQuestion]:
    """Return every question that the results leave open, those about results that are not there first."""
    return list(_questions(inputs))


def _questions(inputs: ReportInputs) -> Iterator[OpenQuestion]:
    for missing in inputs.missing:
        yield OpenQuestion(
            f"No {missing.name}",
            f"Without it, the report does not say {missing.holds}.",
            f"{missing.command} measures it",
        )
    for each in inputs.parities:
        yield from _of_parity(each.result)
    if inputs.bench:
        yield from _of_bench(inputs, inputs.bench)
    if inputs.footprint and inputs.footprint.partial:
        yield OpenQuestion("Footprint", "The measurement was interrupted.", "lab footprint, to its end")


def _of_parity(parity: ParityResult) -> Iterator[OpenQuestion]:
    if parity.verdict == "cannot tell":
        yield OpenQuestion("Parity", parity.why, "lab parity, when both answer")
    if parity.unsteady:
        yield OpenQuestion(
            "Parity",
            "The primary answers some requests differently each time. Whether the candidate differs in these cannot "
            "be told: "
            f"{phrases.listed([f'{cause.kind} at {cause.where}' for cause in parity.unsteady])}.",
            "",
        )


def _of_bench(inputs: ReportInputs, bench: BenchResult) -> Iterator[OpenQuestion]:
    if bench.partial:
        yield OpenQuestion("The measurement", "It was interrupted.", "lab bench, to its end")
    for why in bench.withheld:
        yield OpenQuestion("Verdicts withheld", _stop(why), "make the conditions equal, and measure again")
    for scenario in bench.scenarios:
        for why in scenario.refused:
            yield OpenQuestion(scenario.title, f"Refused: {_stop(why)}", "remove the cause, and measure again")
        told = {*scenario.refused, "; ".join(scenario.refused), *bench.withheld, "; ".join(bench.withheld)}
        for each in scenario.comparisons:
            if each.verdict == "undecided":
                yield _undecided(inputs, bench, scenario, each)
            elif each.verdict in {"refused", "withheld"} and each.why not in told:
                told.add(each.why)
                yield OpenQuestion(scenario.title, f"{each.verdict.capitalize()}: {_stop(each.why)}", "")


def _undecided(inputs: ReportInputs, bench: BenchResult, scenario: Scenario, each: Comparison) -> OpenQuestion:
    name = f"{scenario.title}: {METRICS[each.metric].title}"
    if len(bench.targets) > len({each.baseline, each.candidate}):
        name = f"{name} of {inputs.label(each.candidate)}"
    smallest = phrases.detectable_change(each.detectable)
    detectable = f" So many pairs find changes from {smallest} on, four times out of five." if smallest else ""
    return OpenQuestion(
        name,
        f"Undecided after {each.pairs} pairs: {wording.of_comparison(each)}.{detectable}",
        _pairs_needed(each, bench.margin),
    )


def _pairs_needed(each: Comparison, margin: float) -> str:
    if each.spread is None or margin <= 0:
        return ""
    needed = statistics.pairs_needed(each.spread, margin, each.confidence)
    if needed <= each.pairs:
        return f"more pairs than {each.pairs}: the change lies close to the margin of {phrases.percent(margin)}"
    return f"about {needed:,} pairs find a change of {phrases.percent(margin)}, if they spread as these do"


def _stop(text: str) -> str:
    return f"{text.rstrip(' .')}."
