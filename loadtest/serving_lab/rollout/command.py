"""`lab rollout`: from options to a rollout that is conducted, resumed, aborted, or asked how far it is."""

import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
from rich.console import Console
from rich.text import Text

from serving_lab import exit_codes
from serving_lab.api.endpoint import Endpoint
from serving_lab.errors import LabError
from serving_lab.experiment import readings
from serving_lab.gateway.control import Control
from serving_lab.gateway.tap_launcher import TapArguments, TapLauncher
from serving_lab.results import files
from serving_lab.results.envelope import Metadata
from serving_lab.rollout import mirror, plan, words
from serving_lab.rollout.book import Book, now
from serving_lab.rollout.conduct import Approve, Rollout
from serving_lab.rollout.mirror import Mirror, TapPlan
from serving_lab.rollout.naming import Naming
from serving_lab.rollout.options import RolloutOptions, Service
from serving_lab.rollout.page import PageFile
from serving_lab.rollout.pairs import Pairs
from serving_lab.rollout.plan import WHOLE, RolloutPlan
from serving_lab.rollout.result import Decision, Ending, RolloutResult
from serving_lab.rollout.state import State, StateFile
from serving_lab.rollout.surroundings import ReadMemory, Surroundings
from serving_lab.rollout.traffic import Traffic
from serving_lab.rollout.watch import Watch

FILE, MODEL_FILE = "rollout.json", "model-rollout.json"
"""Beside each is its page. The rollout of a model does not replace that of a service."""
_ABORT_SECONDS = 30.0


def run(options: RolloutOptions, console: Console, *, resumed: bool = False) -> int:
    """Conduct a rollout, or go on with one that was killed; return the exit code.

    Raises:
        LabError: another one runs, the file is wrong, the candidate is not ready, or the gateway does not answer.
    """
    with StateFile(options.output).locked():
        return conduct(options, console, resumed=resumed).exit_code


def conduct(options: RolloutOptions, console: Console, *, resumed: bool) -> RolloutResult:
    """Do so within the lock of the folder of results.

    Raises:
        LabError: the file is wrong, the candidate is not ready, or the gateway does not answer.
    """
    if options.approve and not options.yes and not sys.stdin.isatty():
        raise LabError("--approve asks a person, and there is no terminal", hint="--yes approves every stage")
    asked = _plan(options)
    if asked.shadow and not options.tap:
        raise LabError("nothing can be mirrored here", hint="`shadow: null` in the file of the stages leaves it out")
    if options.moves and not asked.shadow:
        raise LabError(
            "how far predictions move is told by mirrored requests, and the file of the stages leaves them out",
            hint="take `shadow: null` out of it",
        )
    file = StateFile(options.output)
    state = _state_to_resume(file, asked, options.model) if resumed else _new_state(options, asked)
    traffic = Traffic(options.control, asked.candidate)
    if dead := traffic.dead():
        raise LabError(dead, hint="a rollout begins with a candidate that is ready: make ps, make logs")
    left_over = file.read()
    if left_over and left_over.ending is None:
        mirror.end_left_over(options.control, asked.primary, options.tap, left_over.tap, _recording(options.output))
    return _conduct(options, asked, state, file, traffic, console)


def settle(options: RolloutOptions, result: RolloutResult, refused: str = "") -> None:
    """Write down that all users are at the primary again, after a rollout of a model.

    Args:
        options: Of the rollout.
        result: What it has ended with.
        refused: Why the primary does not serve what was rolled out; empty: it does.

    Raises:
        LabError: a file cannot be written.
    """
    what = f"all users are at {result.primary} again" + ("" if refused else ", which serves the version now")
    decisions = [*result.decisions, Decision(at=now(), stage=result.stages[-1].name, what=what, why=refused)]
    changes: dict[str, object] = {"share": 0, "decisions": decisions}
    if refused:
        changes |= {"ending": Ending.CANNOT_TELL, "why": refused}
    file, path = StateFile(options.output), _path(options)
    if state := file.read():
        state = msgspec.structs.replace(state, **changes)
        file.write(state)
        PageFile(path.with_suffix(".html"), _plan(options)).write(state, None, result.mirror)
    files.write(path, msgspec.structs.replace(result, **changes), "--output DIR")


def require_nobody_moved(control: Control) -> None:
    """Make sure that all users are at the primary.

    Raises:
        LabError: some are not, or the gateway does not answer.
    """
    if share := control.share():
        raise LabError(
            f"{share / 100:g}% of the users are at {control.candidate()} already",
            hint="lab rollout resume goes on with a rollout that was killed, lab rollout abort sets the share to 0",
        )


def abort(control: Control, launcher: TapLauncher, output: Path, console: Console) -> int:
    """End the rollout that runs or was killed: the share is 0 afterwards.

    Raises:
        LabError: the gateway does not answer, or the rollout does not end.
    """
    file = StateFile(output)
    if holder := file.holder():
        os.kill(holder, signal.SIGTERM)
        deadline = time.monotonic() + _ABORT_SECONDS
        while file.holder() is not None:
            if time.monotonic() > deadline:
                raise LabError(f"the rollout does not end: process {holder}", hint=f"kill -9 {holder}, and again")
            time.sleep(0.05)
        console.print("The rollout that ran has ended.")
    state = file.read()
    if state is not None and state.ending is None:
        back = Traffic(control, state.candidate).take_back()
        mirror.end_left_over(control, state.primary, launcher, state.tap, _recording(output))
        decision = Decision(at=now(), stage=state.stage_name, what="aborted")
        ended = msgspec.structs.replace(
            state, ending=Ending.INTERRUPTED, why="aborted", share=0, decisions=[*state.decisions, decision]
        )
        file.write(ended)
        console.print(f"{state.candidate} gets no requests any more: the last one ended after {back.seconds:.2f} s.")
    elif holder is None:
        control.set_share(0)
        console.print("No rollout runs. The share is 0.")
    return exit_codes.OK


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What is true now."""

    running: bool
    process: int | None
    share: int | None
    """Basis points, as the gateway says; None: it does not answer."""
    agrees: bool
    """Whether that is what it was last told."""
    state: State


def status(control: Control, output: Path, console: Console, *, as_json: bool) -> int:
    """Say how far a rollout is, by its state and by what the gateway says.

    Raises:
        LabError: there was never one.
    """
    file = StateFile(output)
    state, holder = file.read(), file.holder()
    if state is None:
        raise LabError(f"there was no rollout in {output}", hint="lab rollout run begins one")
    share: int | None = None
    with contextlib.suppress(LabError):
        share = control.share()
    if as_json:
        told = Status(running=holder is not None, process=holder, share=share, agrees=share == state.share, state=state)
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(told), indent=1).decode() + "\n")
    else:
        for line in words.status_lines(state, share, holder):
            console.print(Text(line), soft_wrap=True)
    return exit_codes.OK if share is not None else exit_codes.CANNOT_TELL


def _conduct(
    options: RolloutOptions, asked: RolloutPlan, state: State, file: StateFile, traffic: Traffic, console: Console
) -> RolloutResult:
    metadata = Metadata.begin(("numpy", "scipy"))
    naming = Naming(options.templates)
    watch = Watch(options.control, asked.candidate, naming)
    surroundings = Surroundings(_memory(options.candidate), _memory(options.primary), asked.machine)
    shadow = None
    path = _path(options)
    with contextlib.ExitStack() as stack, ended_once():
        stack.callback(watch.close)
        watch.start()
        stack.callback(surroundings.close)
        surroundings.start()
        if options.tap and asked.shadow:
            shadow = Mirror(
                options.control,
                _tap_plan(options, options.tap),
                Pairs(options.judging, naming, options.moves),
                watch.add_relayed,
            )
            stack.callback(shadow.close)
            shadow.start()
            state = msgspec.structs.replace(state, tap=shadow.process)
        file.write(state)
        page = PageFile(path.with_suffix(".html"), asked)
        console.print(Text(f"{page.path} shows how far it is"), soft_wrap=True)
        approve = _asking(console) if options.approve and not options.yes else None
        book = Book(state, file, words.Terminal(console), page, shadow.record if shadow else None)
        rollout = Rollout(asked, book, traffic, watch, surroundings, shadow, approve)
        result = rollout.run(metadata)
    files.write(path, result, "--output DIR")
    words.print_result(console, result, str(path))
    return result


def _plan(options: RolloutOptions) -> RolloutPlan:
    primary, candidate = options.primary.name, options.candidate.name
    return replace(plan.read(options.file, primary, candidate), primary=primary, candidate=candidate)


def _path(options: RolloutOptions) -> Path:
    return options.output / (FILE if options.model is None else MODEL_FILE)


def _new_state(options: RolloutOptions, asked: RolloutPlan) -> State:
    require_nobody_moved(options.control)
    return State(
        started=now(),
        process=os.getpid(),
        gateway=options.control.address,
        primary=asked.primary,
        candidate=asked.candidate,
        model=options.model,
        file=str(options.file) if options.file else None,
    )


def _state_to_resume(file: StateFile, asked: RolloutPlan, model: str | None) -> State:
    state = file.read()
    if state is None or state.ending is not None:
        raise LabError("no rollout was killed, so none can be resumed", hint="lab rollout run begins one")
    if (state.primary, state.candidate, state.model) != (asked.primary, asked.candidate, model):
        raise LabError(
            f"the rollout that was killed moved {state.primary} to {words.who(state.candidate, state.model)}",
            hint="name the same file and candidate or version, or lab rollout abort",
        )
    stage = min(state.stage, len(asked.stages))
    if stage > 1 and asked.stages[stage - 1].share >= WHOLE:
        # With all traffic at the candidate there is no control: what it was is known from the stage before.
        stage -= 1
    return msgspec.structs.replace(state, process=os.getpid(), stage=stage)


def _tap_plan(options: RolloutOptions, launcher: TapLauncher) -> TapPlan:
    arguments = TapArguments(
        options.primary.url, options.candidate.url, _recording(options.output), options.description
    )
    return TapPlan(options.primary.name, launcher, arguments, options.output / "rollout-tap.log")


def _recording(output: Path) -> Path:
    return (output / "rollout.tap").resolve()


def _memory(service: Service) -> ReadMemory:
    endpoint = Endpoint.parse(service.url)

    def read() -> float | None:
        reading = readings.metrics(endpoint)
        return reading.gauges.memory_bytes if reading else None

    return read


def _asking(console: Console) -> Approve:
    asked: set[str] = set()

    def approve(stage: str) -> bool | None:
        if stage not in asked:
            asked.add(stage)
            console.print(f"Go on to {stage}? [y/n] ", end="")
        if not select.select([sys.stdin], [], [], 0)[0]:
            return None
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    return approve


@contextlib.contextmanager
def ended_once() -> Iterator[None]:
    """Treat SIGTERM, and the end of the terminal, like Ctrl-C, and all only once: the share must be taken back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        for each in kinds:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(each, end) for each in kinds]
    try:
        yield
    finally:
        for each, handler in zip(kinds, before, strict=True):
            signal.signal(each, handler)
