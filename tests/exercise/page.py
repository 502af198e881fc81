"""docs/exercise.md: its tables, filled by the code of `lab report` from the results in docs/results/."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
from serving_lab.footprint.result import CodeFacts, FootprintResult
from serving_lab.report.document import Document
from serving_lab.report.inputs import ReportInputs
from serving_lab.report.markdown import fact_lines, table_lines
from serving_lab.report.tables import Cell, Row, Table
from serving_lab.text.markdown import escape
from support.checkout import REPOSITORY

PAGE = REPOSITORY / "docs" / "exercise.md"
RESULTS = REPOSITORY / "docs" / "results"
_MARKED = re.compile(r"(?P<begin><!-- filled: (?P<name>[a-z]+) -->\n).*?(?P<end><!-- end -->)", re.DOTALL)


def filled(page: str, results: Path = RESULTS) -> str:
    """The page with each of its tables as the results give it."""
    document = Document.of(ReportInputs.read(results, None, (), None))
    return _MARKED.sub(lambda found: _block(found, document), page)


def names(page: str) -> list[str]:
    """Of the tables that the page has."""
    return [found["name"] for found in _MARKED.finditer(page)]


def take(results: Path, into: Path = RESULTS) -> None:
    """Keep the results that a folder has, without line breaks and the list of noise, which are most of their size."""
    into.mkdir(exist_ok=True)
    for name in ("bench", "footprint", "parity"):
        path = results / f"{name}.json"
        if not path.exists():
            continue
        decoded = msgspec.json.decode(path.read_bytes())
        decoded |= {"noise": []} if name == "parity" else {}
        (into / path.name).write_bytes(msgspec.json.encode(decoded) + b"\n")


def _block(found: re.Match[str], document: Document) -> str:
    lines = "\n".join(TABLES[found["name"]](document)).strip("\n")
    return f"{found['begin']}\n{lines}\n\n{found['end']}"


def _recommendation(document: Document) -> Iterator[str]:
    (advice,) = document.advice
    recommendation = advice.recommendation
    yield f"**{recommendation.word.capitalize()}.** {escape(recommendation.why)}"
    yield ""
    yield from (f"- {escape(reason.text)}" for reason in recommendation.reasons)


def _figures(document: Document) -> Iterator[str]:
    """Throughput and P95 of each scenario, side by side."""
    benches = [section.benchmark for section in document.sections if section.benchmark]
    if not benches:
        return
    columns = ("Scenario", *benches[0].columns[1:])
    rows = [
        Row(f"{section.scenario.title}: {row.name}", row.cells)
        for section in document.sections
        if section.benchmark
        for row in section.benchmark.rows
        if row.name in {"Requests/s", "P95"}
    ]
    yield from table_lines(document, Table(columns, tuple(rows), benches[0].targets))


def _benchmark(document: Document) -> Iterator[str]:
    for section in document.sections:
        won = [fact for name, fact in section.facts if name == "winner"]
        yield from ("", f"#### {escape(section.scenario.title)}", "")
        yield from (f"Winner: {escape(each)}\n" for each in won)
        yield from (f"Refused: {escape(why)}\n" for why in section.scenario.refused)
        if section.benchmark:
            yield from table_lines(document, section.benchmark)


def _deployment(document: Document) -> Iterator[str]:
    assert document.deployment is not None
    yield from table_lines(document, document.deployment)


def _comparison(document: Document) -> Iterator[str]:
    footprint = document.inputs.footprint
    assert footprint is not None
    yield from table_lines(document, _of_code(footprint, document.label))


def _conditions(document: Document) -> Iterator[str]:
    yield from fact_lines(document.circumstances)


def _parity(document: Document) -> Iterator[str]:
    for answers in document.answers:
        yield from (f"**{answers.parity.verdict.capitalize()}.** {escape(answers.parity.why)}", "")
        yield from fact_lines(answers.facts)


TABLES: Mapping[str, Callable[[Document], Iterator[str]]] = {
    "benchmark": _benchmark,
    "comparison": _comparison,
    "conditions": _conditions,
    "deployment": _deployment,
    "figures": _figures,
    "parity": _parity,
    "recommendation": _recommendation,
}


def _of_code(footprint: FootprintResult, label: Callable[[str], str]) -> Table:
    """What can be counted of the code, and who has less to keep, or more of what helps."""
    old, new = footprint.targets[:2]
    assert old.code is not None
    assert new.code is not None
    sides = {old.name: old.code, new.name: new.code}
    counted: dict[str, tuple[Callable[[CodeFacts], float | None], bool]] = {
        "lines of code": (lambda code: code.all_lines, False),
        "lines that validate requests": (lambda code: code.validation_lines, False),
        "operations that it documents itself": (lambda code: code.documented_operations, True),
        "functions with all their types, percent": (lambda code: 100 * (code.annotated_share or 0), True),
        "type errors under mypy --strict": (lambda code: code.type_errors, False),
    }

    def row(name: str, count: Callable[[CodeFacts], float | None], more_is_better: bool) -> Row:
        values = {side: count(code) for side, code in sides.items()}
        known = {side: value for side, value in values.items() if value is not None}
        cells = [Cell("not counted" if value is None else f"{value:,.0f}") for value in values.values()]
        if len(set(known.values())) < len(sides) or len(known) < len(sides):
            return Row(name, (*cells, Cell("equal" if len(known) == len(sides) else "not known")))
        best = (max if more_is_better else min)(known, key=lambda side: known[side])
        return Row(name, (*cells, Cell(label(best))))

    rows = tuple(row(name, *how) for name, how in counted.items())
    return Table(("What is written", old.name, new.name, "Winner"), rows, (old.name, new.name))
