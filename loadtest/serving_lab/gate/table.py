"""A gate's result on the console: what did not pass, the footprint, and the verdict in one line at the end."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from serving_lab.footprint.result import FootprintResult
from serving_lab.gate.result import Check, Gated, GateResult, Outcome
from serving_lab.text import phrases
from serving_lab.text.phrases import duration, visible

_STYLES: dict[Outcome, str] = {"passed": "bold green", "failed": "bold red", "cannot tell": "bold yellow"}
_TITLES = {
    "start:ready": "start until ready",
    "start:answered": "start until the first right answer",
    "idle_pss_bytes": "memory, idle",
    "loaded_pss_bytes": "memory under load",
    "idle_cgroup_bytes": "memory of the container, idle",
    "loaded_cgroup_bytes": "memory of the container under load",
    "cpu_seconds_per_1000": "CPU time for 1,000 requests",
}
"""Of the measures of a footprint that people see."""


def print_result(console: Console, result: GateResult, file: Path) -> None:
    """Print what was found, the verdict last."""
    console.print()
    for service in result.services:
        if rows := [each for each in service.checks if each.outcome in {"failed", "cannot tell"}]:
            table = Table(title=service.name or None, title_justify="left", title_style="bold")
            for column in ("Part", "What", "Outcome", "Why"):
                table.add_column(column, overflow="fold")
            for (part, outcome, why), names in _together(rows).items():
                table.add_row(*(Text(visible(each)) for each in (part, "\n".join(names), outcome, why)))
            console.print(table)
        for line in footprint_lines(service):
            console.print(line, markup=False, soft_wrap=True)
    console.print(
        f"{duration(result.seconds)} of {duration(result.budget_seconds)}; {file}", soft_wrap=True, markup=False
    )
    words = f"{result.outcome.capitalize()}{' so far' if result.partial else ''}"
    console.print(Text.assemble((words, _STYLES[result.outcome]), f": {visible(result.sentence)}"), soft_wrap=True)


def _together(checks: Sequence[Check]) -> dict[tuple[str, str, str], list[str]]:
    """The names of checks by what is the same of them: a scenario that is refused has one reason for all metrics."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for each in checks:
        found.setdefault((each.part, each.outcome, each.why), []).append(each.name)
    return found


def footprint_lines(service: Gated) -> list[str]:
    """Return what head costs against base, a line for each measure."""
    return list(_footprint(service.footprint)) if service.footprint else []


def _footprint(result: FootprintResult) -> Iterator[str]:
    sizes = [target.image.total_bytes for target in result.targets if target.image]
    if len(sizes) == len(result.targets):
        yield f"footprint: image: {phrases.short(sizes[1] / sizes[0])} ({phrases.size(sizes[1])})"
    for each in result.ratios:
        if title := _TITLES.get(each.measure):
            ends = f" ({_ends(each.low, each.high)})" if each.low is not None and each.high is not None else ""
            yield f"footprint: {title}: {phrases.short(each.ratio)}{ends}"


def _ends(low: float, high: float) -> str:
    return f"{phrases.short(low)} to {phrases.short(high)}"
