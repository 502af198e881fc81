"""What the targets cost to deploy and to keep: tables from a footprint."""

from collections.abc import Callable, Iterator, Sequence
from statistics import median

from serving_lab.footprint.result import (
    MILESTONES,
    CodeFacts,
    FootprintResult,
    Image,
    Milestone,
    RatioToBaseline,
    Round,
    TargetFootprint,
)
from serving_lab.report.tables import Cell, Row, Table
from serving_lab.text import phrases
from serving_lab.text.phrases import Words

_UNKNOWN = Cell(phrases.UNKNOWN)
_MEMORY = (
    ("memory, idle", "idle", "after it settled, nothing sent"),
    ("memory, loaded", "loaded", "median while under load"),
    ("memory, peak", "peak", "largest reading"),
)
_COUNTS = (
    ("cgroup", "cgroup", "control group, with its share of the page cache"),
    ("pss", "PSS", "its processes, shared pages divided among them"),
)


def deployment(footprint: FootprintResult) -> Table:
    """Return images, start-up, memory, CPU time and workers, a row each, and changes where pairs tell them."""
    rows = [*_image_rows(footprint), *_start_rows(footprint), *_memory_rows(footprint), *_work_rows(footprint)]
    return _table(footprint, "What it takes", rows)


def code(footprint: FootprintResult) -> Table | None:
    """Return what is written for each target, a row a fact; None where nothing of it was counted."""
    if not any(target.code for target in footprint.targets):
        return None

    def row(name: str, text: Callable[[CodeFacts], str | None], hint: str = "") -> Row:
        return Row(name, tuple(_cell(text(target.code) if target.code else None) for target in footprint.targets), hint)

    rows = [
        row("lines of code", lambda code: f"{code.all_lines:,}", "without blank lines, comments and docstrings"),
        row("not counted", lambda code: ", ".join(code.without), "for what no other target has"),
        row("files", lambda code: f"{code.files:,}"),
        row("lines that validate requests", lambda code: _counted(code.validation_lines)),
        row("lines of docstrings", lambda code: f"{code.docstring_lines:,}"),
        row("operations it documents", lambda code: _counted(code.documented_operations), "in the OpenAPI it serves"),
        row("functions with all their types", _typed),
        row("type errors", lambda code: _counted(code.type_errors), "found by mypy --strict"),
    ]
    return _table(footprint, "What is written", [row for row in rows if any(cell != _UNKNOWN for cell in row.cells)])


def ratio_to_baseline(footprint: FootprintResult, measure: str, candidate: str) -> RatioToBaseline | None:
    """Return how a measure of a candidate compares with the baseline's."""
    found = (each for each in footprint.ratios if (each.measure, each.candidate) == (measure, candidate))
    return next(found, None)


def _table(footprint: FootprintResult, title: str, rows: Sequence[Row]) -> Table:
    names = tuple(target.name for target in footprint.targets)
    columns: tuple[str, ...] = (title, *names)
    if any(len(row.cells) > len(names) for row in rows):
        others = [target.label or target.name for target in footprint.targets[1:]]
        columns += ("Change",) if len(others) == 1 else tuple(f"Change, {label}" for label in others)
        cells = len(columns) - 1
        rows = [Row(row.name, (*row.cells, *[_UNKNOWN] * (cells - len(row.cells))), row.hint) for row in rows]
    return Table(columns=columns, rows=tuple(rows), targets=names)


def _image_rows(footprint: FootprintResult) -> Iterator[Row]:
    images = [target.image for target in footprint.targets]
    if not any(images):
        return

    def cells(value: Callable[[Image], int | None], show: Callable[[int], str] = phrases.size) -> tuple[Cell, ...]:
        found = [None if image is None else value(image) for image in images]
        return tuple(_UNKNOWN if number is None else Cell(show(number)) for number in found)

    rows = (
        Row("image", cells(lambda image: image.total_bytes), "unpacked"),
        Row("base image", cells(_base_bytes), "unpacked"),
        Row("image, over its base", cells(lambda image: image.over_base_bytes), "what the service adds"),
        Row("image, compressed", cells(lambda image: image.compressed_bytes), "what a new machine downloads"),
        Row("image, compressed over its base", cells(lambda image: image.compressed_over_base_bytes)),
        Row("layers", cells(lambda image: len(image.layers), str)),
    )
    yield from (row for row in rows if any(cell != _UNKNOWN for cell in row.cells))


def _base_bytes(image: Image) -> int | None:
    return None if image.over_base_bytes is None else image.total_bytes - image.over_base_bytes


def _start_rows(footprint: FootprintResult) -> Iterator[Row]:
    for milestone, title in MILESTONES.items():
        cells = [_start_cell(target, milestone) for target in footprint.targets]
        if any(cell != _UNKNOWN for cell in cells):
            changes = _changes(footprint, f"start:{milestone}", phrases.LENGTH)
            yield Row(f"start-up, {title}", (*cells, *changes), "median; the middle half of the starts")


def _start_cell(target: TargetFootprint, milestone: Milestone) -> Cell:
    spread = target.start_up.milestones.get(milestone) if target.start_up else None
    if spread is None:
        return _UNKNOWN
    low, high = (phrases.seconds(quartile) for quartile in spread.quartiles)
    return Cell(phrases.seconds(spread.median), hint=f"{low} to {high}, {spread.count} starts")


def _memory_rows(footprint: FootprintResult) -> Iterator[Row]:
    for title, when, what in _MEMORY:
        for kind, short, counted in _COUNTS:
            name, hint = f"{when}_{kind}_bytes", f"{what}; {counted}"
            yield from _round_row(footprint, f"{title} ({short})", name, phrases.size, hint=hint)


def _work_rows(footprint: FootprintResult) -> Iterator[Row]:
    yield from _round_row(footprint, "CPU time for 1,000 requests", "cpu_seconds_per_1000", phrases.seconds)
    yield from _round_row(footprint, "workers", "workers", lambda number: f"{number:g}", compare=False)


def _round_row(
    footprint: FootprintResult,
    title: str,
    name: str,
    show: Callable[[float], str],
    *,
    hint: str = "",
    compare: bool = True,
) -> Iterator[Row]:
    samples = [_sample(target.rounds, name) for target in footprint.targets]
    if any(samples):
        cells = [Cell(show(median(sample))) if sample else _UNKNOWN for sample in samples]
        yield Row(title, (*cells, *(_changes(footprint, name, phrases.AMOUNT) if compare else ())), hint)


def _sample(rounds: Sequence[Round], name: str) -> list[float]:
    values: list[float | None] = [getattr(each, name) for each in rounds]
    return [value for value in values if value is not None]


def _changes(footprint: FootprintResult, measure: str, words: Words) -> list[Cell]:
    found = [ratio_to_baseline(footprint, measure, target.name) for target in footprint.targets[1:]]
    if not any(found):
        return []
    return [_UNKNOWN if each is None else _change(each, words) for each in found]


def _change(each: RatioToBaseline, words: Words) -> Cell:
    ends = "" if each.low is None or each.high is None else phrases.interval(words, each.low, each.high)
    return Cell(phrases.change(words, each.ratio), hint=ends)


def _cell(text: str | None) -> Cell:
    return Cell(text) if text else _UNKNOWN


def _counted(number: int | None) -> str | None:
    return None if number is None else f"{number:,}"


def _typed(code: CodeFacts) -> str | None:
    share = code.annotated_share
    return None if share is None else f"{code.annotated_functions:,} of {code.functions:,}"
