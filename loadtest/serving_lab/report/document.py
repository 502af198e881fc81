"""All that a report says, in order, whether it becomes a page or Markdown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from serving_lab.bench.result import BenchResult, Scenario
from serving_lab.experiment.records import Comparison
from serving_lab.parity.result import ParityResult
from serving_lab.report import about_model, deployment, method, tables
from serving_lab.report.benchmark import benchmark, winners
from serving_lab.report.explained import WhySection, why
from serving_lab.report.inputs import Compared, ReportInputs
from serving_lab.report.moving import Moved
from serving_lab.report.open_questions import OpenQuestion, open_questions
from serving_lab.report.recommendation import Recommendation, recommend
from serving_lab.report.summary import KeyNumber, figures
from serving_lab.report.tables import Cell, Row, Table
from serving_lab.report.targets import ShownTarget
from serving_lab.text import phrases
from serving_lab.text.phrases import counted, duration, moment, rarest_seen

Facts = list[tuple[str, str]]


@dataclass(frozen=True)
class Advice:
    """What to do about one candidate, and the numbers behind it."""

    recommendation: Recommendation
    figures: list[KeyNumber]
    overview: Table | None
    """Every verdict; None where nothing was measured."""


@dataclass(frozen=True)
class ScenarioSection:
    """A scenario: what it was, and what it showed."""

    scenario: Scenario
    facts: Facts
    comparisons: list[Table]
    """One for each candidate."""
    benchmark: Table | None
    """What each target did over all arms that count; None where none does."""
    why: WhySection | None
    """Which functions make the difference; None: nobody asked."""

    def of(self, candidate: str) -> list[Comparison]:
        """Return the verdicts about a candidate."""
        return [each for each in self.scenario.comparisons if each.candidate == candidate]


@dataclass(frozen=True)
class Answers:
    """How a candidate's answers compare with the baseline's."""

    about: str
    """What people call the candidate; empty where there is only one comparison."""
    parity: ParityResult
    facts: Facts


@dataclass(frozen=True)
class Document:
    """A whole report."""

    inputs: ReportInputs
    targets: list[ShownTarget]
    """The baseline first."""
    advice: list[Advice]
    glance: Table | None
    """The candidates side by side; None where there is only one."""
    answers: list[Answers]
    moved: Moved | None
    """How traffic went over; None where there is no rollout."""
    model: Table | None
    """What is known of the model; None where nothing is."""
    deployment: Table | None
    code: Table | None
    sections: list[ScenarioSection]
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
        advice = [_advice(inputs, candidate) for candidate in names[1:]]
        return cls(
            inputs=inputs,
            targets=inputs.targets,
            advice=advice,
            glance=_glance(inputs, advice) if len(advice) > 1 else None,
            answers=[_answers(inputs, each) for each in inputs.parities],
            moved=Moved.of(inputs.rollout) if inputs.rollout else None,
            model=about_model.of(inputs.judgement, inputs.model_rollout, inputs.drift),
            deployment=deployment.deployment(footprint) if footprint else None,
            code=deployment.code(footprint) if footprint else None,
            sections=[_section(inputs, bench, scenario) for scenario in bench.scenarios] if bench else [],
            open=open_questions(inputs),
            conditions=tables.conditions(bench.conditions, names) if bench and bench.conditions else None,
            circumstances=list(_circumstances(inputs)),
            method=method.paragraphs(inputs),
            warnings=list(_warnings(inputs)),
        )

    @property
    def has_flames(self) -> bool:
        """Whether a scenario is explained."""
        return any(section.why and section.why.candidates for section in self.sections)

    @property
    def started(self) -> str:
        """When the first of its results was begun."""
        return min(result.started for result in self.inputs.results)

    @property
    def candidates(self) -> str:
        """What people call the candidates, as an enumeration."""
        return phrases.listed([target.label for target in self.targets[1:]])

    def label(self, name: str) -> str:
        """Return what people call a target; any other text as it is."""
        return self.inputs.label(name)


def _advice(inputs: ReportInputs, candidate: str) -> Advice:
    bench = inputs.bench
    return Advice(
        recommendation=recommend(candidate, bench, inputs.parity_of(candidate), inputs.rollout),
        figures=figures(inputs, candidate),
        overview=tables.overview(bench.scenarios, candidate) if bench and bench.scenarios else None,
    )


def _glance(inputs: ReportInputs, advice: Sequence[Advice]) -> Table:
    """Return a row for each candidate: what to do, how its answers compare, and its numbers."""
    names = list(dict.fromkeys(figure.name for each in advice for figure in each.figures))

    def row(each: Advice) -> Row:
        candidate = each.recommendation.candidate
        parity = inputs.parity_of(candidate)
        numbers = {figure.name: Cell(figure.big, hint=figure.verdict, tone=figure.tone) for figure in each.figures}
        cells = (
            Cell(each.recommendation.word),
            Cell(parity.verdict if parity else "not compared"),
            *(numbers.get(name, Cell(phrases.UNKNOWN)) for name in names),
        )
        return Row(candidate, cells)

    columns = ("Candidate", "Recommendation", "Answers", *names)
    return Table(columns, tuple(row(each) for each in advice), rows_are_targets=True)


def _answers(inputs: ReportInputs, compared: Compared) -> Answers:
    about = ""
    if len(inputs.parities) > 1 or len(inputs.targets) > len(("baseline", "candidate")):
        candidates = (name for name in inputs.names[1:] if inputs.parity_of(name) is compared.result)
        name = compared.candidate or next(candidates, compared.result.candidate.url)
        about = inputs.label(name)
    return Answers(about, compared.result, list(_parity_facts(compared.result)))


def _section(inputs: ReportInputs, bench: BenchResult, scenario: Scenario) -> ScenarioSection:
    names = [target.name for target in bench.targets]
    found = [
        tables.comparisons(scenario, names[0], name)
        for name in names[1:]
        if any(each.candidate == name for each in scenario.comparisons)
    ]
    return ScenarioSection(
        scenario=scenario,
        facts=[*tables.describe(scenario, inputs.label), *winners(scenario, inputs.label)],
        comparisons=found,
        benchmark=benchmark(scenario, names, inputs.label) if scenario.distributions else None,
        why=why(scenario, names[0], inputs.label),
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
    bench, footprint = inputs.bench, inputs.footprint
    if bench:
        testbed = bench.testbed
        yield "measured", f"{moment(bench.started)}, {duration(bench.seconds)}, seed {bench.seed}"
        yield "revision", bench.commit
        if machine := bench.machine:
            memory = phrases.size(machine.memory_bytes)
            yield "machine", f"{machine.processor}, {counted(machine.cores, 'core')}, {memory}, {machine.kernel}"
            if machine.load is not None:
                yield "load before", f"{phrases.significant(machine.load)} runnable processes over the minute before"
        yield "targets run", {"elsewhere": "not in the lab's stack"}.get(testbed.mode, f"in the lab, {testbed.mode}")
        yield "generator", testbed.generator
        for index, target in enumerate(bench.targets):
            yield f"{'candidate' if index else 'baseline'}", f"{inputs.label(target.name)} at {target.url}"
        told = counted(bench.verification.requests, "request")
        agreed = ", ".join(bench.verification.compared) or "nothing beyond their form"
        yield "checked before", f"{told} to each target; compared between them: {agreed}"
        yield from bench.versions.items()
    for parity in (each.result for each in inputs.parities):
        yield "parity", f"{moment(parity.started)}, {duration(parity.seconds)}, seed {parity.seed}"
    if footprint:
        yield "footprint", f"{moment(footprint.started)}, {duration(footprint.seconds)}, {footprint.mode}"
        if footprint.load:
            rate, connections = phrases.rate(footprint.load.rate), counted(footprint.load.connections, "connection")
            yield "footprint's load", f"{rate} for {footprint.load.seconds:g} s over {connections}"
        for name, image in ((target.name, target.image) for target in footprint.targets):
            if image:
                yield f"image of {inputs.label(name)}", f"{image.reference}{f' on {image.base}' if image.base else ''}"


def _warnings(inputs: ReportInputs) -> Iterator[str]:
    if inputs.bench:
        yield from inputs.bench.warnings
        if inputs.bench.unexplained:
            yield f"not explained: {inputs.bench.unexplained}"
    for each in inputs.parities:
        yield from (f"parity: {warning}" for warning in each.result.warnings)
    if inputs.rollout:
        yield from (f"rollout: {warning}" for warning in inputs.rollout.warnings)
    if footprint := inputs.footprint:
        yield from (f"footprint: {warning}" for warning in footprint.warnings)
        if inputs.bench and footprint.baseline.name != inputs.bench.baseline.name:
            names = inputs.label(footprint.baseline.name), inputs.label(inputs.bench.baseline.name)
            yield f"footprint: its changes are against {names[0]}, all others against {names[1]}"
