"""How far a comparison is, on the terminal; where there is none, a line now and then."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_LINE_SECONDS = 10.0


class TerminalProgress:
    """A bar with the time left; on a console that is no terminal, a line for each part and every ten seconds."""

    def __init__(self, console: Console, expected_requests: int) -> None:
        self._console = console
        self._expected = expected_requests
        self._done = 0
        self._causes = 0
        self._phase = ""
        self._began = self._said = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[causes]}"),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("starting", total=expected_requests, causes="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def phase(self, name: str, requests: int) -> None:
        """Show that a part of this many requests begins."""
        self._phase = name
        self._bar.update(self._task, description=name)
        if not self._console.is_terminal:
            self._console.print(f"{name}: {requests:,} requests", soft_wrap=True)

    def advance(self, requests: int = 1) -> None:
        """Show that so many more are done."""
        self._done += requests
        self._expected = max(self._expected, self._done)
        self._bar.update(self._task, completed=self._done, total=self._expected)
        now = time.monotonic()
        if not self._console.is_terminal and now - self._said >= _LINE_SECONDS:
            self._said = now
            left = (now - self._began) / self._done * (self._expected - self._done)
            self._console.print(
                f"  {self._done:,} of {self._expected:,}, {self._words()}, about {left:.0f} s left", soft_wrap=True
            )

    def causes(self, number: int) -> None:
        """Show how many causes of differences are known."""
        self._causes = number
        self._bar.update(self._task, causes=self._words() if number else "")

    def _words(self) -> str:
        return f"{self._causes or 'no'} difference{'s' if self._causes != 1 else ''}"
