"""Drift as a person at a terminal reads it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from serving_lab.model_drift.result import DriftResult, Standing, VersionDrift
from serving_lab.text.phrases import counted, percent

_COLOURS = {Standing.NONE: "green", Standing.LITTLE: "green", Standing.DRIFTED: "red", Standing.CANNOT_TELL: "yellow"}


def print_result(console: Console, result: DriftResult, files: Sequence[Path] = ()) -> None:
    """Print a table for each version, and what follows; `files` are those that say more."""
    for each in result.models:
        if each.columns:
            console.print(_table(each))
    for name, text in _facts(result, files):
        console.print(Text.assemble((f"{name:<10}", "dim"), text), soft_wrap=True)
    for each in result.models:
        standing = Text.assemble((each.standing.capitalize(), f"bold {_COLOURS[each.standing]}"), f": {each.why}.")
        console.print(Text(f"Version {each.version}: ") + standing, soft_wrap=True)


def _table(version: VersionDrift) -> Table:
    title = Text(f"Version {version.version}, {counted(version.rows, 'different row')}")
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("column")
    table.add_column("answer")
    for column in ("PSI", "by chance", "KS", "p, corrected", "told from", "outside"):
        table.add_column(column, justify="right")
    for each in version.columns:
        table.add_row(
            Text(each.name),
            Text(each.standing, style=_COLOURS[each.standing]),
            f"{each.psi:.3f}",
            f"{each.psi_by_chance:.3f}",
            f"{each.ks:.3f}",
            f"{each.p:.2g}",
            f"{each.detectable:.3f}",
            percent(each.outside),
        )
    return table


def _facts(result: DriftResult, files: Sequence[Path]) -> Iterator[tuple[str, str]]:
    yield "read", ", ".join(result.log)
    for version in result.models:
        if version.repeated:
            yield (
                "repeated",
                f"{version.repeated:,} rows of version {version.version} occurred again; they count once",
            )
    for warning in result.warnings:
        yield "warning", warning
    for path in files:
        yield "file", str(path)
