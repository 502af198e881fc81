"""A footprint on the console: one table for each subject, then what should be known of it."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from serving_lab.footprint.result import (
    MILESTONES,
    CodeFacts,
    FootprintResult,
    Image,
    RatioToBaseline,
    Spread,
    TargetFootprint,
)
from serving_lab.footprint.statistics import ROUND_MEASURES, spread
from serving_lab.text import phrases

T = TypeVar("T")
V = TypeVar("V")

_SHOWN_LAYERS = 6
_SHOWN_INSTRUCTION = 60
_UNKNOWN = phrases.UNKNOWN

_IMAGE_ROWS: dict[str, Callable[[Image], int | None]] = {
    "total": lambda image: image.total_bytes,
    "over its base": lambda image: image.over_base_bytes,
    "compressed": lambda image: image.compressed_bytes,
    "compressed, over its base": lambda image: image.compressed_over_base_bytes,
}
_ROUND_ROWS = {
    "idle_cgroup_bytes": "memory idle, cgroup",
    "idle_pss_bytes": "memory idle, sum of PSS",
    "loaded_cgroup_bytes": "memory under load, cgroup",
    "loaded_pss_bytes": "memory under load, sum of PSS",
    "peak_cgroup_bytes": "memory at its peak, cgroup",
    "peak_pss_bytes": "memory at its peak, sum of PSS",
    "cpu_seconds_per_1000": "CPU time for 1,000 requests",
}
_CODE_ROWS: dict[str, Callable[[CodeFacts], str]] = {
    "lines of code": lambda code: f"{code.all_lines:,}" + _languages(code),
    "not counted": lambda code: ", ".join(code.without) or _UNKNOWN,
    "lines that check requests": lambda code: _number(code.validation_lines),
    "lines of docstrings": lambda code: _number(code.docstring_lines),
    "functions with all types": lambda code: _share(code),
    "errors of mypy --strict": lambda code: _number(code.type_errors),
    "documented operations": lambda code: (
        "none" if code.documented_operations == 0 else _number(code.documented_operations)
    ),
}


def print_result(console: Console, result: FootprintResult, files: Sequence[Path] = ()) -> None:
    """Print the result; `files` are those that say more."""
    if result.partial:
        console.print("[yellow]Partial[/]: it was interrupted.")
    for title, rows in _subjects(result):
        if shown := [row for row in rows if set(row[1]) != {_UNKNOWN}]:
            console.print(_table(title, result, shown))
    for target in result.targets:
        if target.image:
            console.print(_layers(target.name, target.image))
    for name, line in _facts(result, files):
        console.print(Text.assemble((f"{name:<10}", "dim"), line), soft_wrap=True)


_Row = tuple[str, list[str], str | None]
"""What it is, each target's figure, and the measure that ratios are known by."""


def _subjects(result: FootprintResult) -> Iterator[tuple[str, list[_Row]]]:
    targets = result.targets
    yield (
        "Image",
        [(name, [_size(_of(each.image, value)) for each in targets], None) for name, value in _IMAGE_ROWS.items()],
    )
    yield (
        "Start, seconds until it ...: median, and the middle half",
        [
            (
                title,
                [_start(each.start_up.milestones.get(milestone) if each.start_up else None) for each in targets],
                f"start:{milestone}",
            )
            for milestone, title in MILESTONES.items()
        ],
    )
    rows: list[_Row] = [(title, [_round(each, name) for each in targets], name) for name, title in _ROUND_ROWS.items()]
    yield "Running", [*rows, ("workers", [_workers(each) for each in targets], None)]
    yield (
        "Code",
        [(name, [_of(each.code, value) or _UNKNOWN for each in targets], None) for name, value in _CODE_ROWS.items()],
    )


def _table(title: str, result: FootprintResult, rows: Sequence[_Row]) -> Table:
    candidates = [target.name for target in result.targets[1:]]
    compared = any(measure for _, _, measure in rows)
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for target in result.targets:
        table.add_column(target.name, justify="right")
    for name in candidates if compared else ():
        table.add_column(f"{name} / {result.baseline.name}", justify="right")
    for name, figures, measure in rows:
        ratios = [_ratio(result.ratios, candidate, measure) for candidate in candidates] if compared else []
        table.add_row(name, *figures, *ratios)
    return table


def _layers(name: str, image: Image) -> Table:
    title = f"Layers of {name}, {image.reference}" + (f", on {image.base}" if image.base else "")
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("size", "compressed"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("made by", overflow="fold")
    own = [layer for layer in image.layers if not layer.of_base]
    largest = sorted(own, key=lambda layer: layer.size_bytes, reverse=True)
    for layer in largest[:_SHOWN_LAYERS]:
        words = " ".join(layer.created_by.split()) or "not said"
        table.add_row(_size(layer.size_bytes), _size(layer.compressed_bytes), Text(words[:_SHOWN_INSTRUCTION]))
    if len(own) > _SHOWN_LAYERS:
        table.add_row("", "", f"and {len(own) - _SHOWN_LAYERS} more")
    return table


def _facts(result: FootprintResult, files: Sequence[Path]) -> Iterator[tuple[str, str]]:
    if load := result.load:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in load.requests.items())
        yield "load", f"{load.rate:g} requests/s for {load.seconds:g} s over {load.connections} connections: {shares}"
    if sources := sorted({each.source for target in result.targets for each in target.rounds}):
        yield "read from", "; ".join(sources)
    for warning in result.warnings:
        yield "warning", warning
    for path in files:
        yield "file", str(path)


def _ratio(ratios: Sequence[RatioToBaseline], candidate: str, measure: str | None) -> str:
    found = next((each for each in ratios if (each.candidate, each.measure) == (candidate, measure)), None)
    if found is None:
        return ""
    known = found.low is not None and found.high is not None
    return f"{found.ratio:.2f}" + (f" ({found.low:.2f} to {found.high:.2f})" if known else "")


def _start(found: Spread | None) -> str:
    if found is None:
        return _UNKNOWN
    median, low, high = map(phrases.significant, (found.median, *found.quartiles))
    return f"{median} ({low} to {high})"


def _round(target: TargetFootprint, measure: str) -> str:
    values = [value for each in target.rounds if (value := ROUND_MEASURES[measure](each)) is not None]
    if not values:
        return _UNKNOWN
    median = spread(values).median
    return phrases.size(median) if measure.endswith("_bytes") else phrases.seconds(median)


def _workers(target: TargetFootprint) -> str:
    found = {each.workers for each in target.rounds if each.workers is not None}
    return " or ".join(map(str, sorted(found))) or _UNKNOWN


def _of(found: T | None, value: Callable[[T], V]) -> V | None:
    return None if found is None else value(found)


def _size(size_bytes: int | None) -> str:
    return _UNKNOWN if size_bytes is None else phrases.size(size_bytes)


def _number(number: int | None) -> str:
    return _UNKNOWN if number is None else f"{number:,}"


def _languages(code: CodeFacts) -> str:
    return f" ({', '.join(f'{name} {lines:,}' for name, lines in code.lines.items())})" if len(code.lines) > 1 else ""


def _share(code: CodeFacts) -> str:
    return _UNKNOWN if code.annotated_share is None else f"{code.annotated_share:.0%} of {code.functions:,}"
