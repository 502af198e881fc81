"""How far a measurement is, on the terminal; where there is none, a line for each part."""

import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar


class Progress(Protocol):
    """Is told how far a measurement is."""

    def phase(self, name: str) -> None:
        """A part begins."""

    def advance(self, seconds: float) -> None:
        """So many of the expected seconds are done."""


class TerminalProgress:
    """A bar with the time left, from what was expected and how fast it went so far."""

    def __init__(self, console: Console, expected_seconds: float) -> None:
        self._console = console
        self._expected = expected_seconds
        self._done = 0.0
        self._began = time.monotonic()
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("starting", total=expected_seconds, left="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def phase(self, name: str) -> None:
        """Show that a part begins."""
        self._bar.update(self._task, description=name, left=self._left())
        if not self._console.is_terminal:
            self._console.print(f"{name}, {self._left()}", soft_wrap=True)

    def advance(self, seconds: float) -> None:
        """Show that so many of the expected seconds are done."""
        self._done += seconds
        self._bar.update(self._task, completed=self._done, left=self._left())

    def _left(self) -> str:
        pace = (time.monotonic() - self._began) / self._done if self._done > self._expected / 20 else 1.0
        minutes, seconds = divmod(round(max(0.0, self._expected - self._done) * pace), 60)
        return f"about {minutes} min {seconds:02d} s left" if minutes else f"about {seconds} s left"
