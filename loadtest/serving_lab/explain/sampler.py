"""py-spy as a process beside: samples the Python stacks that run, without a change of the service.

Only threads that hold the interpreter's lock are counted. Of the others the kernel says that they could run, and not
whether they do: on a busy machine most of them have just been woken and wait for a processor, and what they waited for
before would look expensive.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from serving_lab.errors import LabError
from serving_lab.experiment import processes
from serving_lab.experiment.targets import Target
from serving_lab.explain.stacks import Sources, Stack, read
from serving_lab.text import how_to

RATE = 500
"""Samples a second. More than py-spy's own 100, because arms are short, and where the machine is busy few of them meet
the lock held."""

_START_SECONDS, _END_SECONDS, _POLL_SECONDS = 20.0, 20.0, 0.02
_BEGUN = "Sampling process"
_NOT_PYTHON = "No python processes found"
_ERROR = "Error: "


class NotSampledError(Exception):
    """A target cannot be sampled: which, why, and what helps."""


@dataclass
class Samples:
    """What was seen, once sampling has ended."""

    stacks: Counter[Stack] = field(default_factory=Counter)
    cpu_seconds: float = 0.0
    """Of the profiler."""
    seconds: float = 0.0


def program() -> str:
    """Return where py-spy is: in the lab's environment, else on the PATH.

    Raises:
        LabError: it is nowhere.
    """
    if found := shutil.which("py-spy", path=sysconfig.get_path("scripts")) or shutil.which("py-spy"):
        return found
    raise LabError("--explain needs py-spy, which is not installed", hint=how_to.install("explain"))


@contextlib.contextmanager
def sampling(target: Target) -> Iterator[Samples]:
    """Sample a target's processes while the block runs.

    Raises:
        NotSampledError: that is not possible.
    """
    if target.pid is None:
        raise NotSampledError(f"{target.name}: its process is not found on this machine")
    try:
        with _sampling(target.pid) as samples:
            yield samples
    except NotSampledError as error:
        raise NotSampledError(f"{target.name}: {error}") from None


@contextlib.contextmanager
def _sampling(pid: int) -> Iterator[Samples]:
    _check(pid)
    sources = Sources.of(pid)
    samples = Samples()
    with tempfile.TemporaryDirectory(prefix="lab-explain-") as directory:
        output, said = Path(directory, "stacks"), Path(directory, "said")
        with said.open("w") as stream:
            process = subprocess.Popen(  # noqa: S603
                [
                    *(program(), "record", "--pid", str(pid), "--subprocesses", "--rate", str(RATE)),
                    *("--gil", "--function", "--full-filenames", "--format", "raw", "--output", str(output)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                # Ctrl-C is for the lab, which ends it. No session of its own: where sessions share the processors
                # (sched(7), autogroup), it would have its turn when targets of the lab's session have none.
                process_group=0,
            )
        try:
            _wait_until_begun(process, said)
            before, clock = _cpu_seconds(process.pid), time.perf_counter()
            yield samples
            samples.seconds = time.perf_counter() - clock
            samples.cpu_seconds = _cpu_seconds(process.pid) - before
            process.send_signal(signal.SIGINT)
            if process.wait(_END_SECONDS) or not output.exists():
                raise _not_sampled(said)
            samples.stacks = read(output.read_text(errors="replace"), sources)
        except subprocess.TimeoutExpired:
            raise NotSampledError(f"py-spy did not end within {_END_SECONDS:.0f} s") from None
        finally:
            process.kill()
            process.wait()


def _check(pid: int) -> None:
    for member in processes.tree(pid):
        # To open it takes the right that reading its memory takes; see ptrace(2), PTRACE_MODE_ATTACH.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            try:
                os.close(os.open(f"/proc/{member.pid}/mem", os.O_RDONLY))
            except PermissionError:
                raise NotSampledError(
                    f"the right to look into process {member.pid} is missing; it takes root, or the capability "
                    "SYS_PTRACE, or for your own processes: sudo sysctl kernel.yama.ptrace_scope=0"
                ) from None


def _wait_until_begun(process: subprocess.Popen[bytes], said: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while _BEGUN not in said.read_text(errors="replace"):
        if process.poll() is not None:
            raise _not_sampled(said)
        if time.monotonic() > deadline:
            raise NotSampledError(f"py-spy did not begin within {_START_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)


def _not_sampled(said: Path) -> NotSampledError:
    """Say why py-spy ended, in its own words where they help."""
    lines = said.read_text(errors="replace").splitlines()
    # Where it cannot begin at all it says so in a line without a mark.
    why = next((line.removeprefix(_ERROR) for line in lines if line.startswith(_ERROR)), " ".join(lines))
    if why.startswith(_NOT_PYTHON):
        return NotSampledError("it is no Python process that py-spy knows, and only those can be explained")
    return NotSampledError(f"py-spy: {why}")


def _cpu_seconds(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)
