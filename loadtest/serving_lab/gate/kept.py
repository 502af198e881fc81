"""The gate's side of the keeper: processes that end with the gate, even if the gate is killed."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving_lab.errors import LabError

_SHOWN_CHARACTERS = 600
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Kept:
    """A process that the keeper started."""

    command: Sequence[str]
    output: Path
    """What it printed."""
    _pid: int
    _keeper: "Keeper"

    def poll(self) -> int | None:
        """Return its exit code; None while it runs."""
        code: int | None = self._keeper.ask("poll", self._pid)
        return code

    def interrupt(self) -> None:
        """Send what Ctrl-C sends: a command of the lab keeps what it has."""
        self._keeper.ask("interrupt", self._pid)

    def stop(self) -> None:
        """End it and all below it, and wait for that."""
        self._keeper.ask("stop", self._pid)

    def last_words(self) -> str:
        """Return the end of what it printed."""
        return self.output.read_text(errors="replace").strip()[-_SHOWN_CHARACTERS:]


class Keeper:
    """Starts processes and remembers what has to be undone; `keeper` makes one."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start(
        self, command: Sequence[str], environment: Mapping[str, str], directory: Path, output: Path, hint: str
    ) -> Kept:
        """Start a program.

        Args:
            command: The program and its arguments.
            environment: All that it sees.
            directory: Where it runs.
            output: The file that gets what it prints.
            hint: What to do if it cannot be started.

        Raises:
            LabError: it cannot be started.
        """
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(b"")
        answer = self.ask("start", list(command), dict(environment), str(directory), str(output))
        if not isinstance(answer, int):
            raise LabError(f"{command[0]} cannot be started: {answer}", hint=hint)
        return Kept(command, output, answer, self)

    def run(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        directory: Path,
        output: Path,
        hint: str,
    ) -> str:
        """Run a program to its end, and return what it printed; arguments are those of `start`.

        Raises:
            LabError: it cannot be started, or fails.
        """
        kept = self.start(command, environment, directory, output, hint)
        while (code := kept.poll()) is None:
            time.sleep(_POLL_SECONDS)
        if code != 0:
            words = " ".join(command[:3])
            raise LabError(f"{words} ended with exit code {code}: {kept.last_words()}", hint=hint)
        return output.read_text(errors="replace")

    @contextlib.contextmanager
    def undoing(self, name: str, command: Sequence[str]) -> Iterator[None]:
        """Run a command at the end of the block, or when the gate ends before; it may find nothing to undo."""
        self.ask("undo", name, list(command))
        yield
        subprocess.run(  # noqa: S603
            list(command), stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        self.ask("undone", name)

    def ask(self, *question: object) -> Any:  # noqa: ANN401 - JSON
        """Ask the keeper, and return its answer.

        Raises:
            LabError: it is gone.
        """
        assert self._process.stdin is not None  # noqa: S101 - both are pipes
        assert self._process.stdout is not None  # noqa: S101
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise LabError("the process that keeps what the gate started has ended", hint="run the gate again")
        return json.loads(answer)


@contextlib.contextmanager
def keeper() -> Iterator[Keeper]:
    """Run a keeper; after it, nothing that it started is left.

    It has a session of its own, so that neither Ctrl-C nor the end of a terminal reaches it before its work is done.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "serving_lab.gate.keeper"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield Keeper(process)
    finally:
        _close(process)


def _close(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    while True:
        # A second Ctrl-C changes nothing: the keeper is at work already.
        with contextlib.suppress(KeyboardInterrupt):
            process.wait()
            return
