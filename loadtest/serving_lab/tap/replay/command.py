"""`lab replay`: from options to a replay, and from what came of it to a table and a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from serving_lab import exit_codes
from serving_lab.api.description import Description
from serving_lab.api.endpoint import Endpoint
from serving_lab.api.profile_file import read_description
from serving_lab.errors import InterruptedBeforeResultError, LabError
from serving_lab.recordings import tap_file
from serving_lab.results import files
from serving_lab.results.envelope import Metadata
from serving_lab.tap.replay.outcome import result_of
from serving_lab.tap.replay.replaying import Replay, ReplayPlan
from serving_lab.tap.replay.result import Differing, Latency, ReplayResult
from serving_lab.text import phrases
from serving_lab.text.phrases import counted, listed
from serving_lab.text.progress import TerminalProgress

_SHOWN = 20


@dataclass(frozen=True)
class ReplayOptions:
    """What a person may ask for."""

    recording: Path
    to: str
    description: Path | None
    pace: str
    limit: int | None
    seconds: float | None
    by_connection: bool
    output: Path


def replay(options: ReplayOptions, environment: Mapping[str, str], console: Console) -> int:
    """Send a recording again; return FOUND where a status is not the recorded one. An interruption keeps what was sent.

    Raises:
        LabError: an option or a file is wrong, the service does not answer, or there is nothing to send.
    """
    metadata = Metadata.begin()
    description = read_description(options.description, environment) if options.description else Description()
    pace = _pace(options.pace)
    plan = ReplayPlan(
        Endpoint.parse(options.to), description, pace, options.limit, options.seconds, options.by_connection
    )
    recorded = list(tap_file.read(options.recording))
    sending = Replay(plan, recorded)
    if not sending.expected:
        raise LabError(f"{options.recording} has no request that can be sent again", hint="record longer")
    interrupted = False
    try:
        with TerminalProgress(console, sending.expected, "requests") as progress:
            sending.run(progress)
    except KeyboardInterrupt:
        interrupted = True
    if not sending.replayed.sent:
        raise InterruptedBeforeResultError("ended before anything was answered")
    if all(sent.answer is None for sent in sending.replayed.sent):
        raise LabError(f"{plan.endpoint.url} answers nothing", hint="is it up, and is the address right?")
    result = result_of(sending, plan, str(options.recording), metadata, interrupted=interrupted)
    files.write(options.output, result, "--output FILE")
    _print(console, result, options.output)
    if interrupted:
        return exit_codes.INTERRUPTED
    return exit_codes.FOUND if result.differing else exit_codes.OK


def _pace(written: str) -> float | None:
    if written == "max":
        return None
    try:
        pace = float(written)
    except ValueError:
        pace = 0.0
    if not 0 < pace < float("inf"):
        hint = "1 is as recorded, 2 twice as fast, max as fast as it answers"
        raise LabError(f"--pace {written} is no pace", hint=hint)
    return pace


def _print(console: Console, result: ReplayResult, output: Path) -> None:
    table = Table("operation", box=None, pad_edge=False)
    for column in ("sent", "same status", "recorded P50", "P99", "replayed P50", "P99"):
        table.add_column(column, justify="right")
    for each in result.operations:
        sent, same = f"{each.sent:,}", f"{each.same_status:,}"
        table.add_row(each.operation, sent, same, *_told(each.recorded), *_told(each.replayed))
    console.print(table)
    for differing in result.differing[:_SHOWN]:
        console.print(_words(differing), style="red", soft_wrap=True, markup=False)
    if len(result.differing) > _SHOWN:
        console.print(f"and {len(result.differing) - _SHOWN} more kinds, in {output}", soft_wrap=True, markup=False)
    if result.late is not None:
        late = f"{phrases.seconds(result.late.p50)} late (P50), {phrases.seconds(result.late.p99)} (P99)"
        console.print(f"requests were sent {late}", soft_wrap=True, markup=False)
    if result.left_out:
        left_out = listed([f"{count:,} {why}" for why, count in result.left_out.items()])
        console.print(f"left out: {left_out}", soft_wrap=True, markup=False)
    for warning in result.warnings:
        console.print(f"warning: {warning}", style="yellow", soft_wrap=True, markup=False)
    what = f"{counted(result.sent, 'request')} of {counted(result.sessions, 'session')} sent to {result.target}"
    count = sum(each.count for each in result.differing)
    found = f"{count:,} answered with another status than recorded" if count else "all answered as recorded"
    console.print(f"{what}: {found} ({output})", soft_wrap=True, markup=False)


def _told(latency: Latency | None) -> tuple[str, str]:
    return (phrases.seconds(latency.p50), phrases.seconds(latency.p99)) if latency else ("-", "-")


def _words(each: Differing) -> str:
    now = each.replayed or "no answer"
    return f"{each.operation}: {each.recorded} was recorded, now {now} ({each.count:,} times, such as {each.example})"
