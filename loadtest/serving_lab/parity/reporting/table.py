"""A result on the console: the verdict first, then each cause once, with lines to copy."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from serving_lab.parity.reporting.phrases import (
    apart,
    consequence,
    difference,
    extent,
    follows,
    less_known,
    operation,
    showed_again,
    side,
    sources,
    statuses,
)
from serving_lab.parity.result import CauseRecord, Example, Intended, ParityResult, Sent, Side
from serving_lab.text.phrases import counted, duration, rarest_seen, visible

_COLOURS = {"same": "green", "different": "red", "cannot tell": "yellow"}
_NAMED_OPERATIONS = 3
_NAMED_NOISE = 6
_SHOWN_STATUSES = 12
_LONGEST_COMMAND = 4000
"""Characters; a longer line stands in the report alone."""


def print_result(console: Console, result: ParityResult, files: Sequence[Path] = ()) -> None:
    """Print the result; `files` have the details, the most useful first."""
    so_far = extent(result)
    words = ", ".join(filter(None, (result.verdict.capitalize(), so_far)))
    headline = Text(words, style=f"bold {'yellow' if so_far else _COLOURS[result.verdict]}")
    console.print()
    console.print(headline.append(f": {visible(result.why)}", style="not bold default"))
    console.print()
    _print_causes(console, result.causes, "Differences, each cause once", ("primary", "candidate"))
    _print_causes(
        console,
        result.unsteady,
        "Cannot be compared: the primary answers the same request in different ways",
        ("primary, once", "primary, again"),
    )
    if result.causes or result.unsteady:
        _print_preparation(console, "primary", result.primary)
        _print_preparation(console, "candidate", result.candidate)
    console.print(_summary(result, files))


def _print_causes(console: Console, causes: Sequence[CauseRecord], title: str, sides: tuple[str, str]) -> None:
    if not causes:
        return
    console.print(Text(title, style="bold"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", justify="right")
    table.add_column("difference", overflow="fold", ratio=6)
    for name in sides:
        table.add_column(name, overflow="fold", ratio=4)
    table.add_column("requests", justify="right", no_wrap=True)
    for number, cause in enumerate(causes, start=1):
        most, *others = cause.operations
        what = Text(visible(difference(cause)), style="bold")
        what.append(f"\n{operation(most)}{f' and {len(others)} more' if others else ''}", style="not bold dim")
        frequency = f"{cause.count:,} of {cause.compared:,}"
        table.add_row(str(number), what, Text(side(cause.primary)), Text(side(cause.candidate)), frequency)
    console.print(table)
    for number, cause in enumerate(causes, start=1):
        _print_example(console, number, cause)


def _print_example(console: Console, number: int, cause: CauseRecord) -> None:
    console.print(
        Text.assemble((f"{number}  {visible(difference(cause))}", "bold"), f"  {visible(cause.example.case)}")
    )
    for note in _notes(cause):
        console.print(Text(visible(note)))
    _print_commands(console, cause.example)
    for place in cause.places[1:_NAMED_OPERATIONS]:
        console.print(Text(visible(f"at {operation(place.operation)}, {place.count:,} of {place.compared:,}")))
        _print_commands(console, place.example)
    console.print()


def _print_commands(console: Console, example: Example) -> None:
    for name, command in (("primary", example.primary_command), ("candidate", example.candidate_command)):
        if len(command) > _LONGEST_COMMAND:
            command = f"# {len(command):,} characters long: see the report"
        console.print(Text(f"# {name}", style="dim"))
        # Neither wrapped nor in a table, so that it can be copied.
        console.print(Text(visible(command)), soft_wrap=True)


def _notes(cause: CauseRecord) -> Iterator[str]:
    if len(cause.operations) > 1:
        named = [f"{operation(name)} ({count:,})" for name, count in cause.operations.items()]
        more = len(named) - _NAMED_OPERATIONS
        yield f"at {', '.join(named[:_NAMED_OPERATIONS])}{f' and {more} more' if more > 0 else ''}"
    if repeated := "; ".join(filter(None, (showed_again(cause), apart(cause)))):
        yield repeated
    if after := consequence(cause):
        yield after
    if cause.follows:
        yield f"with it: {follows(cause)}"


def _print_preparation(console: Console, name: str, service: Side) -> None:
    if service.preparation:
        console.print(Text(f"# before any line for the {name}", style="dim"))
        console.print(Text(visible("\n".join(service.preparation))), soft_wrap=True)
        console.print()


def _summary(result: ParityResult, files: Sequence[Path]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, lines in _facts(result, files):
        for number, line in enumerate(lines):
            table.add_row("" if number else name, Text(visible(line)))
    return table


def _facts(result: ParityResult, files: Sequence[Path]) -> Iterator[tuple[str, list[str]]]:
    yield "primary", [_service(result.primary)]
    if result.second_primary:
        yield "noise from", [_service(result.second_primary)]
    yield "candidate", [_service(result.candidate)]
    compared = f"{result.requests:,} ({sources(result)})" if result.requests else "none"
    yield "requests", [f"{compared} in {duration(result.seconds)}, seed {result.seed}"]
    if any(sent.primary_statuses for sent in result.operations):
        yield "statuses", list(_statuses(result))
    yield "how sure", list(_how_sure(result))
    if result.intended:
        yield "intended", list(_intended(result.intended))
    if result.noise:
        yield "noise", [_noise(result)]
    yield "warnings", result.warnings
    yield "files", [str(path) for path in files]


def _service(service: Side) -> str:
    return f"{service.url}  {service.server}" if service.server else service.url


def _statuses(result: ParityResult) -> Iterator[str]:
    """The statuses of the operations that are there to succeed, those first that never did."""
    ordered = sorted(result.operations, key=lambda sent: (sent.request not in result.unsuccessful, -sent.count))
    meant = [sent for sent in ordered if sent.request in result.unsuccessful or _succeeded(sent)]
    for sent in meant[:_SHOWN_STATUSES]:
        yield f"{operation(sent.request)}  {statuses(sent)}"
    if more := len(ordered) - len(meant[:_SHOWN_STATUSES]):
        yield f"and {counted(more, 'operation')} more: see the report"


def _succeeded(sent: Sent) -> bool:
    return any(status.startswith("2") for status in (*sent.primary_statuses, *sent.candidate_statuses))


def _how_sure(result: ParityResult) -> Iterator[str]:
    yield rarest_seen(result.detectable_rate)
    if less := less_known(result):
        yield less


def _intended(declared: Sequence[Intended]) -> Iterator[str]:
    occurred = sum(intended.count > 0 for intended in declared)
    yield f"{occurred} of {counted(len(declared), 'declared difference')} occurred"
    absent = [intended for intended in declared if intended.stale or not intended.tried]
    for reason, stale in dict.fromkeys((intended.reason, intended.stale) for intended in absent):
        first, *others = (each for each in absent if (each.reason, each.stale) == (reason, stale))
        what = f"{difference(first)} at {first.request}{f' and {len(others)} more' if others else ''}"
        why = f"did not occur in {counted(first.tried, 'request')}" if stale else "was not tried"
        yield f"{'stale' if stale else 'untried'}: {what} {why} (declared as: {reason})"


def _noise(result: ParityResult) -> str:
    places = list(dict.fromkeys(noise.where for noise in result.noise))
    named = ", ".join(places[:_NAMED_NOISE])
    more = len(places) - _NAMED_NOISE
    varies = f"{counted(len(places), 'field')} in which the primary differs from itself, compared by form"
    return f"{varies}: {named}{f' and {more} more' if more > 0 else ''}"
