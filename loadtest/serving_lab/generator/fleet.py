"""The generator's processes as the laboratory sees them: all of them run the same load, each its share."""

import contextlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from serving_lab.errors import LabError
from serving_lab.generator import messages
from serving_lab.generator.messages import Built, Done, Failed, Go, Open, Reply, RunCommand

Seconds = NDArray[np.float64]

HERE = (sys.executable, "-m", "serving_lab.generator")
"""Starts a process of the generator on this host."""

_HINT = "run it again; the lines above may say more"
_END_SECONDS = 5.0


@dataclass(frozen=True)
class RunOutcome:
    """The outcome of a run over all processes; arrays hold one entry a right answer, in seconds since the start."""

    due: Seconds
    sent: Seconds
    answered: Seconds
    templates: NDArray[np.uint8]
    """Which template each request was made from."""
    wrong: dict[str, int]
    """What was wrong, and how often."""
    sent_again: int
    """Requests that met a connection which the target was closing because it had been idle; they count once."""
    planned: int
    all_answered: int
    """Right answers, those before and after the measured part included."""
    seconds: float
    cpu_seconds: float
    """Of all processes, from the run before to the end of this one."""
    cpu_share: float
    """CPU time as a share of the time that passed, of the busiest process."""
    waited_share: float
    """Time without a processor although ready to run, as a share, of the process that waited longest."""
    lags: Seconds
    """Open loop: how late each request was taken up."""

    @property
    def latencies(self) -> Seconds:
        """From when each request was due to its answer."""
        return self.answered - self.due

    @property
    def uncorrected(self) -> Seconds:
        """From when each request was sent to its answer."""
        return self.answered - self.sent


class Fleet:
    """Processes that send load, started by `with` and ended after it."""

    def __init__(
        self, command: Sequence[str] = HERE, processes: int = 1, environment: Mapping[str, str] | None = None
    ) -> None:
        """Prepare `processes` processes of `command`: `python -m serving_lab.generator`, here or in a container."""
        self._command = tuple(command)
        self._count = processes
        self._environment = environment
        self._cpu_seconds = 0.0
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        for _ in range(self._count):
            # A session of its own: Ctrl-C is for the laboratory, which ends its processes itself.
            self._processes.append(
                subprocess.Popen(  # noqa: S603
                    self._command,
                    env=self._environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    start_new_session=True,
                )
            )
        self._cpu_seconds = 0.0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for process in self._processes:
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
        for process in self._processes:
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    @property
    def processes(self) -> int:
        """How many share the load."""
        return self._count

    @property
    def pids(self) -> list[int]:
        """The processes that were started here."""
        return [process.pid for process in self._processes]

    def run(self, run: RunCommand) -> RunOutcome:
        """Send a load and return its outcome; connections and rate are shared out.

        Raises:
            LabError: it cannot be sent, or a process is gone.
        """
        shares = list(_shares(run, self._count))
        taking_part = self._processes[: len(shares)]
        for process, share in zip(taking_part, shares, strict=True):
            self._say(process, share)
        for process in taking_part:
            match self._heard(process):
                case Built():
                    continue
                case Failed(why):
                    self._forget_built(taking_part, process)
                    raise LabError(why, hint="is the target up?")
                case _:
                    raise self._gone()
        for process in taking_part:
            self._say(process, Go())
        parts = [self._done(process) for process in taking_part]
        before, self._cpu_seconds = self._cpu_seconds, sum(part.all_cpu_seconds for part in parts)
        return _together(parts, max(0.0, self._cpu_seconds - before))

    def _forget_built(self, taking_part: list[subprocess.Popen[bytes]], failed: subprocess.Popen[bytes]) -> None:
        """Read the replies of processes that were ready: the next run must not find them."""
        for process in taking_part[taking_part.index(failed) + 1 :]:
            self._heard(process)
        self._restart()

    def _restart(self) -> None:
        self.__exit__(None, None, None)
        self.__enter__()

    def _say(self, process: subprocess.Popen[bytes], command: RunCommand | Go) -> None:
        assert process.stdin is not None  # noqa: S101 - it was started with pipes
        try:
            messages.write(process.stdin, command)
        except OSError as error:
            raise self._gone() from error

    def _heard(self, process: subprocess.Popen[bytes]) -> Reply:
        assert process.stdout is not None  # noqa: S101 - it was started with pipes
        answer = messages.read_answer(process.stdout)
        if answer is None:
            raise self._gone()
        return answer

    def _done(self, process: subprocess.Popen[bytes]) -> Done:
        answer = self._heard(process)
        if not isinstance(answer, Done):
            raise self._gone()
        return answer

    def _gone(self) -> LabError:
        return LabError("a process of the load generator ended", hint=_HINT)


def _shares(run: RunCommand, processes: int) -> Iterator[RunCommand]:
    """Yield what each process does; with fewer connections than processes, some do nothing."""
    taking_part = min(processes, run.connections)
    for index in range(taking_part):
        connections = run.connections // taking_part + (index < run.connections % taking_part)
        loop = run.loop
        if isinstance(loop, Open) and loop.burstiness != 1:
            loop = msgspec.structs.replace(loop, part=index, parts=taking_part)
        elif isinstance(loop, Open):
            loop = msgspec.structs.replace(loop, rate=loop.rate * connections / run.connections)
        yield msgspec.structs.replace(run, connections=connections, loop=loop, seed=run.seed + index)


def _together(parts: Sequence[Done], cpu_seconds: float) -> RunOutcome:
    def joined(name: str, kind: type[np.generic]) -> NDArray[np.generic]:
        return np.concatenate([np.frombuffer(getattr(part, name), dtype=kind) for part in parts])

    wrong: Counter[str] = Counter()
    for part in parts:
        wrong.update(part.wrong)
    return RunOutcome(
        due=joined("due", np.float64).astype(np.float64),
        sent=joined("sent", np.float64).astype(np.float64),
        answered=joined("answered", np.float64).astype(np.float64),
        templates=joined("templates", np.uint8).astype(np.uint8),
        wrong=dict(wrong),
        sent_again=sum(part.sent_again for part in parts),
        planned=sum(part.planned for part in parts),
        all_answered=sum(part.all_answered for part in parts),
        seconds=max(part.seconds for part in parts),
        cpu_seconds=cpu_seconds,
        cpu_share=max(part.cpu_seconds / part.seconds for part in parts),
        waited_share=max(part.waited_seconds / part.seconds for part in parts),
        lags=joined("lags", np.float64).astype(np.float64),
    )
