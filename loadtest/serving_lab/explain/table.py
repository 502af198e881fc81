"""An explanation on the terminal."""

from collections.abc import Iterator, Sequence

from rich.markup import escape
from rich.table import Table

from serving_lab.explain import wording
from serving_lab.explain.records import Change, Explained, Explanation

_MOST = 8


def tables(explanation: Explanation, scenario: str, baseline: str) -> Iterator[Table]:
    """Yield what differs, for each candidate: functions by their own time, then packages."""
    for explained in explanation.candidates:
        found = [*explained.functions[:_MOST], *explained.named("package")[:_MOST]]
        if found:
            yield _table(explained, found, scenario, baseline)


def lines(explanation: Explanation, baseline: str) -> Iterator[str]:
    """Yield what was found in words, and what it cost."""
    if explanation.missing:
        yield f"not explained: {explanation.missing}"
    yield from (f"why: {wording.of_candidate(each, baseline)}" for each in explanation.candidates)
    yield from wording.of_cost(explanation)


def _table(explained: Explained, found: Sequence[Change], scenario: str, baseline: str) -> Table:
    title = f"{scenario}: CPU time for a request, {explained.candidate} against {baseline}"
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("Own time of", overflow="fold")
    table.add_column("Where", overflow="fold")
    for name in (baseline, explained.candidate, "Difference", "Interval"):
        table.add_column(name, justify="right")
    for at, each in enumerate(found):
        last = at + 1 == len(found) or found[at + 1].kind != each.kind
        table.add_row(
            escape(each.name),
            escape(each.place or "the whole package"),
            wording.micros(each.baseline),
            wording.micros(each.candidate),
            f"[{'red' if each.difference > 0 else 'green'}]{wording.difference(each)}[/]",
            wording.interval(each),
            end_section=last,
        )
    return table
