"""Waiting until programs on the host are ready, and showing the log of one that is not going to be."""

import time
from collections.abc import Mapping, Sequence

from rich.console import Console

from serving_lab.errors import LabError
from serving_lab.stack import logs
from serving_lab.stack.service import Service
from serving_lab.stack.supervisor import Process, State, Supervisor

READY_SECONDS = 60.0
_SHOWN_LOG_LINES = 15


def is_ready(process: Process, services: Mapping[str, Service]) -> bool:
    """Whether a program runs and, where it is a service, says that it is ready."""
    service = services.get(process.name)
    return process.state is State.RUNNING and (service is None or service.ready())


def wait(supervisor: Supervisor, console: Console, wanted: Sequence[str], services: Mapping[str, Service]) -> None:
    """Wait until programs are ready.

    Args:
        supervisor: Runs them.
        console: Where it is said how it goes.
        wanted: Their names.
        services: Those of them that say themselves when they are ready, by name.

    Raises:
        LabError: one ended or is not ready in time; its last log lines were shown.
    """
    started = time.monotonic()
    waiting = list(wanted)
    with console.status("") as progress:
        while waiting:
            elapsed = time.monotonic() - started
            progress.update(f"{elapsed:.0f} s: waiting for {', '.join(waiting)}")
            states = {process.name: process for process in supervisor.processes()}
            for name in list(waiting):
                process = states[name]
                if process.state.over:
                    _fail(supervisor, console, name, f"did not start ({process.description})")
                if is_ready(process, services):
                    console.print(f"[green]ready[/] {name} after {elapsed:.1f} s")
                    waiting.remove(name)
                elif elapsed > READY_SECONDS:
                    _fail(supervisor, console, name, f"was not ready within {READY_SECONDS:.0f} s")
            time.sleep(0.1)


def _fail(supervisor: Supervisor, console: Console, name: str, what: str) -> None:
    for line in logs.tail(supervisor.log_file(name), _SHOWN_LOG_LINES):
        console.print(f"  {line}", soft_wrap=True, markup=False, highlight=False)
    raise LabError(f"{name} {what}; its last log lines are above", hint="fix what they say, then make up")
