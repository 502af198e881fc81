"""What `lab model` shows."""

from collections.abc import Iterator, Sequence

from rich import box
from rich.markup import escape
from rich.table import Table

from serving_lab.registry.difference import Row, Value
from serving_lab.registry.listing import Listing
from serving_lab.registry.promoting import Change

_SHOWN_METRICS = {"r2": "R2", "mae": "MAE", "rmse": "RMSE"}
_SHORT = 12
"""How many digits of a digest are shown."""


def versions(listing: Listing) -> Table:
    """A line for each version."""
    table = _table("version", "aliases", "model", "kind", *_SHOWN_METRICS.values(), "sha256", "pushed", "served by")
    for row in listing.versions:
        figures = (f"{row.metrics[name]:.3f}" if name in row.metrics else "-" for name in _SHOWN_METRICS)
        cells = (
            *(row.version, ", ".join(row.aliases) or "-", row.model_version, row.model_type, *figures),
            *(row.model_sha256[:_SHORT], row.pushed[:16].replace("T", " "), ", ".join(row.served_by) or "-"),
        )
        table.add_row(*map(escape, cells))
    return table


def services(listing: Listing) -> Iterator[str]:
    """What the table does not show: services that serve none of the versions, and those that do not answer."""
    if not listing.versions:
        yield f"Nothing was pushed yet to {listing.model}: lab model push DIR"
    known = {row.model_sha256 for row in listing.versions}
    for name, now in listing.services.items():
        if now.model_sha256 not in known:
            yield f"{name} serves {now.model_version} ({now.model_sha256[:_SHORT]}), which was never pushed"
    for name in listing.silent:
        yield f"{name} does not answer"


def change(what: Change) -> Iterator[str]:
    """What came of a change."""
    former = f" (before: version {what.former})" if what.former and what.former != what.version else ""
    yield f"{what.alias} is version {what.version}{former}"
    for name, seconds in what.seconds.items():
        yield f"{name} serves it after {seconds:.2f} s"
    for name, problem in what.problems.items():
        yield f"{name} {problem}"
    if not what.seconds and not what.problems:
        yield "No service of this lab follows the registry: COMPOSE_PROFILES=registry in .env, then make up"
    if what.problems:
        yield "Back to the version before: lab model rollback"


def difference(rows: Sequence[Row], numbers: tuple[str, str]) -> Table:
    """A line for each difference."""
    table = _table("", "", *(f"version {number}" for number in numbers), "change")
    group = ""
    for row in rows:
        shown = row.group if row.group != group else ""
        group = row.group
        moved = f"{row.change:+,.6g}" if row.change is not None else ""
        table.add_row(shown, escape(row.name), escape(_text(row.old)), escape(_text(row.new)), moved)
    return table


def _text(value: Value) -> str:
    if value is None:
        return "-"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
