"""How the tour speaks: a step says what it does and why, shows the command, runs it, and explains what it found."""

import contextlib
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from serving_lab.errors import LabError

_TERMINATION_SECONDS = 5
# Inside `make`, they would change what a `make` or a program started here does.
_OF_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")


class Stopped(Exception):  # noqa: N818 - nothing is wrong
    """The visitor has had enough."""


class Walk:
    """The way through the steps, on a console."""

    def __init__(self, console: Console, root: Path, steps: int, *, waits: bool) -> None:
        self._console = console
        self._root = root
        self._steps = steps
        self._waits = waits
        self._at = 0

    def step(self, title: str, why: str) -> None:
        """Begin the next step."""
        self._at += 1
        self._console.print()
        self._console.print(Rule(Text(f"{self._at} of {self._steps}  {title}", style="bold"), align="left"))
        self.say(why)

    def say(self, text: str) -> None:
        """Explain something."""
        self._console.print(Text(_flowing(text)))

    def seen(self, text: str) -> None:
        """Explain what a command has just shown."""
        self._console.print(Padding(Text(_flowing(text), style="green"), (1, 0, 0, 0)))

    def run(self, *command: str, expected: Collection[int] = (0,)) -> int:
        """Show a command, run it in the checkout, and return its exit code.

        Raises:
            LabError: the exit code is not one of those expected.
            Stopped: the visitor ends the tour before.
        """
        line = shlex.join(map(self._shown, command))
        self._show(line)
        code = self._ended(subprocess.Popen(command, cwd=self._root, env=_environment()))  # noqa: S603
        return self._checked(code, expected, line)

    def output(self, line: str) -> str:
        """Show a line for a shell, run it in the checkout, and return what it printed, which is shown too.

        Raises:
            LabError: it fails.
            Stopped: the visitor ends the tour before.
        """
        self._show(line)
        done = subprocess.run(  # noqa: S602 - the line is the tour's own
            line, shell=True, cwd=self._root, env=_environment(), stdout=subprocess.PIPE, text=True, check=False
        )
        self._console.print(done.stdout.rstrip(), soft_wrap=True, markup=False)
        self._checked(done.returncode, (0,), line)
        return done.stdout

    @contextlib.contextmanager
    def beside(self, *command: str) -> Iterator[None]:
        """Show a command, and keep it running meanwhile.

        Raises:
            Stopped: the visitor ends the tour before.
        """
        self._show(f"{shlex.join(map(self._shown, command))} &")
        process = subprocess.Popen(command, cwd=self._root, env=_environment(), start_new_session=True)  # noqa: S603
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(_TERMINATION_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def look(self, seconds: float) -> None:
        """Give the visitor time to look at a page; without a visitor, wait for what it will show."""
        if self._waits:
            self._ask("Look at it, then press Enter; q ends the tour")
        else:
            time.sleep(seconds)

    def hurry(self) -> None:
        """Ask nothing any more."""
        self._waits = False

    def program(self, name: str) -> str:
        """A program of the lab's environment, as one types it in the checkout."""
        return self._shown(str(Path(sys.executable).with_name(name)))

    def _show(self, line: str) -> None:
        self._console.print(Padding(Text(f"$ {line}", style="bold cyan"), (1, 0)), soft_wrap=True)
        self._ask("Enter runs it, q ends the tour")

    def _shown(self, word: str) -> str:
        path = Path(word)
        return str(path.relative_to(self._root)) if path.is_absolute() and path.is_relative_to(self._root) else word

    def _ask(self, question: str) -> None:
        if not self._waits:
            return
        try:
            answer = self._console.input(Text(f"[{question}] ", style="dim"))
        except EOFError:
            answer = "q"
        if answer.strip().lower() in {"q", "quit", "exit"}:
            raise Stopped

    def _ended(self, process: subprocess.Popen[bytes]) -> int:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # It got the signal too, and may have to clean up.
            process.wait()
            raise

    def _checked(self, code: int, expected: Collection[int], line: str) -> int:
        if code not in expected:
            raise LabError(f"the command failed with exit code {code}: {line}", hint="its own output above says why")
        return code


def _flowing(text: str) -> str:
    """Without the line breaks of the source: the console wraps it."""
    return " ".join(text.split())


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _OF_MAKE}
