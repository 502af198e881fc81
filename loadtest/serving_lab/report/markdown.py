"""The report as Markdown: for a pull request, a wiki, or whoever reads files in a terminal."""

from collections.abc import Iterable, Iterator

from serving_lab.report.document import Advice, Document, Facts, ScenarioSection
from serving_lab.report.explained import WhySection
from serving_lab.report.recommendation import RULE
from serving_lab.report.tables import Cell, Table
from serving_lab.text import phrases
from serving_lab.text.markdown import escape
from serving_lab.text.phrases import moment

_SIGNS = {"for": "+", "against": phrases.MINUS, "neither": "=", "open": "?"}


def render(document: Document) -> str:
    """Return the report as Markdown."""
    return "\n".join(_lines(document)).rstrip() + "\n"


def _lines(document: Document) -> Iterator[str]:
    yield f"# {escape(document.candidates)} against {escape(document.targets[0].label)}"
    yield from ("", f"From results of {escape(moment(document.started))}. The page report.html has the plots, too.")
    if document.glance:
        yield from ("", "## The candidates side by side", "", *table_lines(document, document.glance))
    for advice in document.advice:
        yield from _advice(document, advice)
    yield from _warnings(document)
    for answers in document.answers:
        about = f": {escape(answers.about)}" if answers.about else ""
        verdict = f"**{answers.parity.verdict.capitalize()}.** {escape(answers.parity.why)}"
        yield from ("", f"## Parity{about}", "", verdict, "", *fact_lines(answers.facts))
    if moved := document.moved:
        yield from ("", "## How it went over", "", f"**{moved.ending.capitalize()}.** {escape(moved.why)}", "")
        yield from (*fact_lines(moved.facts), "", *table_lines(document, moved.stages), "")
        yield from (f"- {escape(line)}" for line in moved.decisions)
    if document.model:
        yield from ("", "## The model", "", *table_lines(document, document.model))
    if document.deployment:
        yield from ("", "## Deployment", "", *table_lines(document, document.deployment))
    if document.code:
        yield from ("", "## Code", "", *table_lines(document, document.code))
    if document.sections:
        yield from ("", "## Throughput and latency")
    for section in document.sections:
        yield from _section(document, section)
    yield from ("", "## What could not be decided", "")
    if not document.open:
        yield "Nothing: every question that was asked has an answer."
    for each in document.open:
        yield f"- **{escape(each.what)}.** {escape(each.why)}{f' Next: {escape(each.hint)}.' if each.hint else ''}"
    if document.circumstances or document.conditions:
        yield from ("", "## Conditions", "", *fact_lines(document.circumstances))
    if document.conditions:
        yield from ("", *table_lines(document, document.conditions))
    if document.method:
        yield from ("", "## Method")
    for paragraph in document.method:
        yield from ("", escape(paragraph))
    yield from ("", "### How the recommendation is made", "", *(f"- {escape(sentence)}" for sentence in RULE))


def _advice(document: Document, advice: Advice) -> Iterator[str]:
    recommendation = advice.recommendation
    about = f": {escape(document.label(recommendation.candidate))}" if len(document.advice) > 1 else ""
    yield from ("", f"## Recommendation{about}", "")
    yield f"**{recommendation.word.capitalize()}.** {escape(recommendation.why)}"
    if advice.figures:
        yield ""
    for each in advice.figures:
        yield f"- **{escape(each.big)}** {escape(each.label)}: {_figure(each.words, each.verdict)}"
    yield from ("", f"Reasons (+ for it, {phrases.MINUS} against it, = neither, ? open):", "")
    yield from (f"- `{_SIGNS[reason.weighs]}` {escape(reason.text)}" for reason in recommendation.reasons)
    if advice.overview:
        yield from ("", *table_lines(document, advice.overview))


def _figure(words: str, verdict: str) -> str:
    return escape(f"{words} ({verdict})" if verdict else words)


def _warnings(document: Document) -> Iterator[str]:
    if document.warnings:
        yield ""
    yield from (f"- **Warning:** {escape(warning)}" for warning in document.warnings)


def _section(document: Document, section: ScenarioSection) -> Iterator[str]:
    scenario = section.scenario
    yield from ("", f"### {escape(scenario.title)}", "", *fact_lines(section.facts))
    if scenario.refused:
        yield from ("", *(f"- **Refused:** {escape(why)}" for why in scenario.refused))
    for table in section.comparisons:
        yield from ("", *table_lines(document, table))
    if section.benchmark:
        yield from ("", *table_lines(document, section.benchmark))
    if section.why:
        yield from _why(document, section.why)


def _why(document: Document, why: WhySection) -> Iterator[str]:
    yield from ("", "#### Which functions make the difference", "")
    if why.missing:
        yield f"- **Not explained:** {escape(why.missing)}"
    for each in why.candidates:
        yield f"- {escape(each.sentence)}"
    yield from (f"- {escape(line)}" for line in why.cost)
    for table in (table for each in why.candidates for table in each.tables):
        yield from ("", *table_lines(document, table))


def fact_lines(facts: Facts) -> Iterator[str]:
    """Yield facts as a list."""
    for name, fact in facts:
        yield f"- {escape(name)}: {escape(fact)}" if name else f"  - {escape(fact)}"


def table_lines(document: Document, table: Table) -> Iterator[str]:
    """Yield the lines of a table."""
    yield _line(escape(document.label(column) if column in table.targets else column) for column in table.columns)
    yield _line("---" for _ in table.columns)
    for row in table.rows:
        name = escape(document.label(row.name) if table.rows_are_targets else row.name)
        name += f" ({escape(row.hint)})" if row.hint else ""
        yield _line([name, *map(_cell, row.cells)])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    text = f"**{escape(cell.text)}**" if cell.tone else escape(cell.text)
    return f"{text} ({escape(cell.hint)})" if cell.hint else text
