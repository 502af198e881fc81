"""From figures to the table that people read."""

from collections.abc import Mapping, Sequence
from statistics import median

from benchmark.load import Outcome
from benchmark.servers import Server

Rounds = Mapping[str, Sequence[Outcome]]
"""Of each server by its name, what the rounds found, in their order."""

_HEAD = ("", "requests/s", "lowest to highest", "of its no-op", "lowest to highest", "wrk's CPU")


def table(servers: Sequence[Server], rounds: Rounds) -> str:
    """One line for each server: medians of all rounds; the ratio is of figures of the same round."""
    rows = [_HEAD, *(_row(server, rounds) for server in servers)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = ("  ".join(_aligned(row, widths)).rstrip() for row in rows)
    return "\n".join(lines)


def _row(server: Server, rounds: Rounds) -> tuple[str, ...]:
    outcomes = rounds[server.name]
    found = [outcome.requests_per_second for outcome in outcomes]
    ratio = spread = ""
    if server.yardstick:
        ratios = [mine / its.requests_per_second for mine, its in zip(found, rounds[server.yardstick], strict=True)]
        ratio, spread = f"{median(ratios):.2f}", f"{min(ratios):.2f} to {max(ratios):.2f}"
    return (
        server.name,
        f"{median(found):,.0f}",
        f"{min(found):,.0f} to {max(found):,.0f}",
        ratio,
        spread,
        f"{median(outcome.cpu_share for outcome in outcomes):.0%}",
    )


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    name, *figures = row
    return [name.ljust(widths[0]), *(text.rjust(width) for text, width in zip(figures, widths[1:], strict=True))]
