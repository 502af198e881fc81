"""`lab tap`: from options to a tap that runs until it is told to end."""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uvloop
from prometheus_client import CollectorRegistry, start_http_server
from rich.console import Console

from serving_lab import exit_codes
from serving_lab.api.endpoint import Endpoint
from serving_lab.api.profile_file import read_description
from serving_lab.errors import LabError
from serving_lab.tap.counts import CountsCollector
from serving_lab.tap.surface import Surface, WithoutSecrets
from serving_lab.tap.tap import Plan, Tap
from serving_lab.text import host_port
from serving_lab.text.phrases import counted

_DRAIN_SECONDS = 10.0


@dataclass(frozen=True)
class Options:
    """What a person may ask for."""

    primary: str
    candidate: str | None
    listen: str
    record: Path | None
    description: Path | None
    queue: int
    most_bytes: int | None
    again: float
    metrics: str | None
    source: str | None = None
    relay: str | None = None


def run(options: Options, console: Console) -> int:
    """Pass on, mirror and record until SIGINT or SIGTERM; then end what is open, and say what was recorded.

    Raises:
        LabError: an option or a file is wrong, or an address is taken.
    """
    host, port = host_port.parse("--listen", options.listen)
    if options.relay and not options.candidate:
        raise LabError("--relay moves WebSockets to a candidate, and there is none", hint="--candidate URL")
    surface = Surface.of(read_description(options.description, WithoutSecrets())) if options.description else Surface()
    plan = Plan(
        primary=Endpoint.parse(options.primary),
        candidate=Endpoint.parse(options.candidate) if options.candidate else None,
        host=host,
        port=port,
        record=options.record,
        surface=surface,
        queue=options.queue,
        most_bytes=options.most_bytes,
        again=options.again,
        source=options.source,
        relay=host_port.parse("--relay", options.relay) if options.relay else None,
    )
    return uvloop.run(_run(plan, options.metrics, console))


async def _run(plan: Plan, metrics: str | None, console: Console) -> int:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, ended.set)
    tap = Tap(plan)
    where = await tap.listen()
    served = _serve_metrics(metrics, tap) if metrics else None
    console.print(f"http://{where[0]}:{where[1]} passes on to {plan.primary.url}", soft_wrap=True, markup=False)
    if plan.candidate:
        console.print(f"repeatable requests go to {plan.candidate.url} too", soft_wrap=True, markup=False)
    console.print(f"records to {plan.record}" if plan.record else "nothing is recorded", soft_wrap=True, markup=False)
    await ended.wait()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, tap.hurry)
    await tap.close(_DRAIN_SECONDS)
    if served:
        served()
    _summarize(tap, console)
    return exit_codes.OK


def _serve_metrics(metrics: str, tap: Tap) -> Callable[[], None]:
    host, port = host_port.parse("--metrics", metrics)
    registry = CollectorRegistry()
    registry.register(CountsCollector(tap.counts, lambda: tap.waiting))
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise LabError(f"{metrics}: {error.strerror}", hint="--metrics HOST:PORT") from error

    def end() -> None:
        server.shutdown()
        thread.join()

    return end


def _summarize(tap: Tap, console: Console) -> None:
    counts = tap.counts
    lines = [f"{counted(counts.forwarded, 'exchange')} on {counted(counts.connections, 'connection')} passed on"]
    if counts.refused:
        lines.append(f"{counted(counts.refused, 'request')} answered with 502: the primary accepted no connection")
    if counts.unreadable:
        lines.append(f"{counted(counts.unreadable, 'connection')} not understood, and not recorded")
    if tap.plan.candidate:
        dropped = f", {counts.mirror_dropped:,} dropped" if counts.mirror_dropped else ""
        lines.append(f"{counted(counts.mirrored, 'request')} sent to {tap.plan.candidate.url} too{dropped}")
    if tap.recorder is not None:
        dropped = f", {counts.record_dropped:,} dropped" if counts.record_dropped else ""
        why = f" ({tap.recorder.stopped})" if tap.recorder.stopped else ""
        size = f"{counts.recorded_bytes:,} bytes"
        lines.append(f"{tap.plan.record} has {counted(counts.recorded, 'exchange')}, {size}{dropped}{why}")
    for line in lines:
        console.print(line, soft_wrap=True, markup=False)
