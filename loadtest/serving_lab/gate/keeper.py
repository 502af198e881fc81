"""The process that starts what a gate needs and ends all of it, whatever becomes of the gate.

It reads one JSON array a line, and answers with one JSON value a line. When its standard input ends, because the gate
is over or was killed, it ends every process that it started and all below them, then runs the commands that undo the
rest. Whatever may outlive the gate is started here, so that there is no moment at which nobody would end it.
"""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any, TextIO

import psutil

STOP_SECONDS = 15.0
"""How long a process may take to end before it and all below it are killed."""
_UNDO_SECONDS = 60.0
_PR_SET_CHILD_SUBREAPER = 36  # prctl(2)


class Keeper:
    """What was started, and what has to be undone."""

    def __init__(self) -> None:
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._undo: dict[str, list[str]] = {}

    def serve(self, questions: TextIO, answers: TextIO) -> None:
        """Do what is asked for until the questions end, then end everything."""
        try:
            for line in questions:
                word, *arguments = json.loads(line)
                answers.write(json.dumps(self._answer(word, arguments)) + "\n")
                answers.flush()
        except BrokenPipeError:
            pass  # nobody reads the answers any more: as if the questions had ended
        finally:
            self._end()

    def _answer(self, word: str, arguments: list[Any]) -> object:
        match word:
            case "start":
                return self._start(*arguments)
            case "poll":
                return self._processes[arguments[0]].poll()
            case "interrupt":
                with contextlib.suppress(ProcessLookupError):
                    self._processes[arguments[0]].send_signal(signal.SIGINT)
            case "stop":
                _end([self._processes[arguments[0]]])
            case "undo":
                self._undo[arguments[0]] = arguments[1]
            case "undone":
                del self._undo[arguments[0]]
        return None

    def _start(self, command: list[str], environment: dict[str, str], directory: str, output: str) -> object:
        """Start a program in a session of its own; return its process id, or why it cannot be started."""
        with open(output, "ab") as file:  # noqa: PTH123 - a path as text, and nothing else of pathlib
            try:
                process = subprocess.Popen(  # noqa: S603
                    command,
                    env=environment,
                    cwd=directory,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                return str(error.strerror)
        self._processes[process.pid] = process
        return process.pid

    def _end(self) -> None:
        # The latest first: what measures ends before what is measured.
        _end(list(reversed(self._processes.values())))
        _kill(_below(psutil.Process()))
        for command in reversed(self._undo.values()):
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(  # noqa: S603
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    timeout=_UNDO_SECONDS,
                    check=False,
                )


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ask processes to end, and kill what they leave: everything below them and of their sessions."""
    below = [each for process in processes for each in _tree(process.pid)]
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
    for process in processes:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    _kill(below)


def _tree(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return _below(psutil.Process(pid))
    return []


def _below(process: psutil.Process) -> list[psutil.Process]:
    found: list[psutil.Process] = process.children(recursive=True)
    return found


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()  # psutil compares when it was started: never another process of the same number
    psutil.wait_procs(processes, timeout=STOP_SECONDS)


def _adopt_orphans() -> None:
    """Become the parent of what loses its own: what puts itself in the background is found below this process."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Not SIG_IGN, which programs that are started would inherit.
        signal.signal(number, lambda *_: None)
    _adopt_orphans()
    Keeper().serve(sys.stdin, sys.stdout)
