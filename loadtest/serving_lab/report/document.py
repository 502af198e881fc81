"""All that a report says, in its order, before anybody decides whether it becomes a page or Markdown."""

from collections.abc import Iterator
from dataclasses import dataclass

from serving_lab.bench.result import BenchResult, Scenario
from serving_lab.experiment.records import Comparison
from serving_lab.parity.result import ParityResult
from serving_lab.report import deployment, method, tables
from serving_lab.report.inputs import ReportInputs
from serving_lab.report.open_questions import OpenQuestion, open_questions
from serving_lab.report.recommendation import Recommendation, recommend
from serving_lab.report.summary import KeyNumber, figures
from serving_lab.report.tables import Table
from serving_lab.text import phrases
from serving_lab.text.phrases import counted, duration, rarest_seen

Facts = list[tuple[str, str]]


@dataclass(frozen=True)
class Advice:
    """What to do about one candidate, and the numbers behind it."""

    recommendation: Recommendation
    figures: list[KeyNumber]
    overview: Table | None
    """Every verdict; None where nothing was measured."""


@dataclass(frozen=True)
class Section:
    """A scenario: what it was, and what it showed."""

    scenario: Scenario
    facts: Facts
    comparisons: list[Table]
    """One for each candidate."""
    latencies: Table | None

    def of(self, candidate: str) -> list[Comparison]:
        """Return the verdicts about a candidate."""
        return [each for each in self.scenario.comparisons if each.candidate == candidate]


@dataclass(frozen=True)
class Document:
    """A whole report."""

    inputs: ReportInputs
    names: list[str]
    """Of the targets, the baseline first."""
    advice: list[Advice]
    parity: Facts
    deployment: Table | None
    code: Table | None
    sections: list[Section]
    open: list[OpenQuestion]
    conditions: Table | None
    circumstances: Facts
    method: list[str]
    warnings: list[str]

    @classmethod
    def of(cls, inputs: ReportInputs) -> "Document":
        """Return the report of what there is."""
        bench, footprint = inputs.bench, inputs.footprint
        names = inputs.names
        return cls(
            inputs=inputs,
            names=names,
            advice=[_advice(inputs, candidate) for candidate in names[1:]],
            parity=list(_parity_facts(inputs.parity)) if inputs.parity else [],
            deployment=deployment.deployment(footprint) if footprint else None,
            code=deployment.code(footprint) if footprint else None,
            sections=[_section(bench, scenario) for scenario in bench.scenarios] if bench else [],
            open=open_questions(inputs),
            conditions=tables.conditions(bench.conditions, names) if bench and bench.conditions else None,
            circumstances=list(_circumstances(inputs)),
            method=method.paragraphs(inputs),
            warnings=list(_warnings(inputs)),
        )

    @property
    def started(self) -> str:
        """When the first of its results was begun."""
        results = (self.inputs.bench, self.inputs.parity, self.inputs.footprint)
        return min(result.started for result in results if result)


def moment(started: str) -> str:
    """Return a time of a result as people write it."""
    return started.replace("T", " ").replace("+00:00", " UTC").replace("Z", " UTC")


def _advice(inputs: ReportInputs, candidate: str) -> Advice:
    bench = inputs.bench
    return Advice(
        recommendation=recommend(candidate, bench, inputs.parity_of(candidate)),
        figures=figures(inputs, candidate),
        overview=tables.overview(bench.scenarios, candidate) if bench and bench.scenarios else None,
    )


def _section(bench: BenchResult, scenario: Scenario) -> Section:
    names = [target.name for target in bench.targets]
    found = [
        tables.comparisons(scenario, names[0], name)
        for name in names[1:]
        if any(each.candidate == name for each in scenario.comparisons)
    ]
    return Section(
        scenario=scenario,
        facts=list(tables.describe(scenario)),
        comparisons=found,
        latencies=tables.latencies(scenario, names) if scenario.distributions else None,
    )


def _parity_facts(parity: ParityResult) -> Iterator[tuple[str, str]]:
    yield "primary", parity.primary.url
    yield "candidate", parity.candidate.url
    yield "compared", f"{counted(parity.requests, 'request')} to {counted(len(parity.operations), 'operation')}"
    yield "differences", counted(len(parity.causes), "undeclared cause")
    for cause in parity.causes[:_MOST_CAUSES]:
        yield "", f"{cause.kind} at {cause.where}: {cause.count:,} of {counted(cause.compared, 'request')}"
    if more := len(parity.causes[_MOST_CAUSES:]):
        yield "", f"and {more} more: see parity.html"
    occurred = sum(intended.count > 0 for intended in parity.intended)
    yield "declared", f"{counted(len(parity.intended), 'intended difference')}, of which {occurred} occurred"
    yield "how sure", rarest_seen(parity.detectable_rate)


_MOST_CAUSES = 6


def _circumstances(inputs: ReportInputs) -> Iterator[tuple[str, str]]:
    bench, parity, footprint = inputs.bench, inputs.parity, inputs.footprint
    if bench:
        testbed = bench.testbed
        yield "measured", f"{moment(bench.started)}, {duration(bench.seconds)}, seed {bench.seed}"
        yield "revision", bench.revision or "outside of a checkout"
        if machine := bench.machine:
            memory = phrases.size(machine.memory_bytes)
            yield "machine", f"{machine.processor}, {counted(machine.cores, 'core')}, {memory}, {machine.kernel}"
            if machine.load is not None:
                yield "load before", f"{phrases.significant(machine.load)} runnable processes over the minute before"
        yield "targets run", {"elsewhere": "not in the lab's stack"}.get(testbed.mode, f"in the lab, {testbed.mode}")
        yield "generator", testbed.generator
        for index, target in enumerate(bench.targets):
            yield f"{'candidate' if index else 'baseline'}", f"{target.name} at {target.url}"
        told = counted(bench.verification.requests, "request")
        agreed = ", ".join(bench.verification.compared) or "nothing beyond their form"
        yield "checked before", f"{told} to each target; compared between them: {agreed}"
        yield from bench.versions.items()
    if parity:
        yield "parity", f"{moment(parity.started)}, {duration(parity.seconds)}, seed {parity.seed}"
    if footprint:
        yield "footprint", f"{moment(footprint.started)}, {duration(footprint.seconds)}, {footprint.mode}"
        if footprint.load:
            rate, connections = phrases.rate(footprint.load.rate), counted(footprint.load.connections, "connection")
            yield "footprint's load", f"{rate} for {footprint.load.seconds:g} s over {connections}"
        for name, image in ((target.name, target.image) for target in footprint.targets):
            if image:
                yield f"image of {name}", f"{image.reference}{f' on {image.base}' if image.base else ''}"


def _warnings(inputs: ReportInputs) -> Iterator[str]:
    if inputs.bench:
        yield from inputs.bench.warnings
    if inputs.parity:
        yield from (f"parity: {warning}" for warning in inputs.parity.warnings)
    if inputs.footprint:
        yield from (f"footprint: {warning}" for warning in inputs.footprint.warnings)
