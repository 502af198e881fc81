"""The inventory on the console: one table, then what should be known of it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from serving_lab.inventory import words
from serving_lab.inventory.result import HOWS, InventoryResult

_MOST = 8
"""Lines of one kind; the page has all."""


def print_result(console: Console, result: InventoryResult, files: Sequence[Path]) -> None:
    """Print the result; `files` are those that were written."""
    table = Table(box=box.SIMPLE_HEAD, title=Text(result.target), title_justify="left", pad_edge=False)
    for name in ("operation", "where", "let in", "takes", "waits for", "answers"):
        table.add_column(name, overflow="fold")
    for each in result.operations:
        where = f"{each.place}{' async' if each.is_async else ''}" if each.place else ""
        cells = (each.label, where, words.let_in(each), words.takes(each), words.waits(each), words.statuses(each))
        table.add_row(*map(Text, cells))
    console.print(table)
    for name, line in _facts(result, files):
        console.print(Text.assemble((f"{name:<14}", "dim"), line), soft_wrap=True)


def _facts(result: InventoryResult, files: Sequence[Path]) -> Iterator[tuple[str, str]]:
    yield "read by", f"{HOWS[result.how]}{f' ({result.interpreter})' if result.interpreter else ''}"
    if result.framework:
        yield "framework", result.framework
    yield "found", words.summary(result)
    for kind in dict.fromkeys(each.kind for each in result.findings):
        same = [each for each in result.findings if each.kind == kind]
        for each in same[:_MOST]:
            yield kind, f"{each.text}{f' ({each.place})' if each.place else ''}"
        if len(same) > _MOST:
            yield kind, f"and {len(same) - _MOST} more"
    for status, form, labels in words.error_forms(result.operations)[: 2 * _MOST]:
        more = f" and {len(labels) - 2} more" if len(labels) > 2 else ""
        yield "error", f"{status} {form}: {', '.join(labels[:2])}{more}"
    for told in result.unread[:_MOST]:
        yield "not read", told
    for path in files:
        yield "written", str(path)
