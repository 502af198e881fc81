"""From figures to the table that people read."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median

from benchmark.load import Outcome
from benchmark.servers import Server

Rounds = Mapping[str, Sequence[Outcome]]
"""Of each server by its name, what the rounds found, in their order."""

_HEAD = (
    "",
    "requests/s",
    "of its no-op",
    "lowest to highest",
    "per CPU second",
    "of its no-op",
    "lowest to highest",
    "wrk's CPU",
)


def table(servers: Sequence[Server], rounds: Rounds) -> str:
    """One line for each server: medians of all rounds; the ratio is of figures of the same round."""
    rows = [_HEAD, *(_row(server, rounds) for server in servers)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = ("  ".join(_aligned(row, widths)).rstrip() for row in rows)
    return "\n".join(lines)


def _row(server: Server, rounds: Rounds) -> tuple[str, ...]:
    outcomes = rounds[server.name]
    yardstick = rounds[server.yardstick] if server.yardstick else None
    return (
        server.name,
        *_figures(outcomes, yardstick, lambda outcome: outcome.per_second),
        *_figures(outcomes, yardstick, lambda outcome: outcome.per_cpu_second),
        f"{median(outcome.cpu_share for outcome in outcomes):.0%}",
    )


def _figures(
    outcomes: Sequence[Outcome], yardstick: Sequence[Outcome] | None, figure: Callable[[Outcome], float]
) -> tuple[str, str, str]:
    found = [figure(outcome) for outcome in outcomes]
    if yardstick is None:
        return f"{median(found):,.0f}", "", ""
    ratios = [mine / figure(its) for mine, its in zip(found, yardstick, strict=True)]
    return f"{median(found):,.0f}", f"{median(ratios):.2f}", f"{min(ratios):.2f} to {max(ratios):.2f}"


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    name, *figures = row
    return [name.ljust(widths[0]), *(text.rjust(width) for text, width in zip(figures, widths[1:], strict=True))]
