"""How far a long command is: a bar on a terminal, elsewhere a line now and then."""

import time
from types import TracebackType
from typing import Literal, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

Unit = Literal["seconds", "requests"]

_LINE_SECONDS = 10.0
_ENOUGH = 1 / 20
"""Share of the work after which its pace is known."""
_LONGER = "longer than expected"


class Progress(Protocol):
    """Is told how far the work is."""

    def phase(self, name: str, note: str = "") -> None:
        """A part begins; `note` says more of it."""

    def expect(self, amount: float) -> None:
        """So much more is to do than was expected."""

    def advance(self, amount: float = 1) -> None:
        """So much more of the expected amount is done."""

    def remark(self, text: str) -> None:
        """What was found so far, such as `3 differences`."""


class TerminalProgress:
    """A bar with the time left, from the expected amount and the pace so far.

    Args:
        console: Where it is shown; if it is not a terminal, a line for each part and every ten seconds.
        expected: How much there is to do, as far as it is known.
        unit: Of that amount. Expected seconds tell from the beginning how long it takes, requests do not.
    """

    def __init__(self, console: Console, expected: float, unit: Unit = "seconds") -> None:
        self._console = console
        self._expected = expected
        self._unit = unit
        self._done = 0.0
        self._remark = ""
        self._began = self._said = time.monotonic()
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("starting", total=expected, state="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def phase(self, name: str, note: str = "") -> None:
        """Show that a part begins."""
        self._bar.update(self._task, description=name)
        self._show()
        if not self._console.is_terminal:
            parts = (f"{name}: {note}" if note else name, self._left())
            self._console.print(", ".join(filter(None, parts)), soft_wrap=True, markup=False)

    def expect(self, amount: float) -> None:
        """Show that there is so much more to do."""
        self._expected += amount
        self._show()

    def advance(self, amount: float = 1) -> None:
        """Show that so much more is done."""
        self._done += amount
        self._expected = max(self._expected, self._done)
        self._show()
        now = time.monotonic()
        if not self._console.is_terminal and now - self._said >= _LINE_SECONDS:
            self._said = now
            self._console.print(f"  {self._state() or _LONGER}", soft_wrap=True, markup=False)

    def remark(self, text: str) -> None:
        """Show what was found so far."""
        if text != self._remark:
            self._remark = text
            self._show()

    def _show(self) -> None:
        self._bar.update(self._task, completed=self._done, total=self._expected, state=self._state())

    def _state(self) -> str:
        done = f"{self._done:,.0f} of {self._expected:,.0f}" if self._unit == "requests" else ""
        return ", ".join(filter(None, (done, self._remark, self._left())))

    def _left(self) -> str:
        """How long it still takes; nothing where all that was expected is done, and it goes on."""
        if self._done >= self._expected:
            return ""
        if self._done > self._expected * _ENOUGH:
            pace = (time.monotonic() - self._began) / self._done
        elif self._unit == "seconds":
            pace = 1.0
        else:
            return ""
        minutes, seconds = divmod(max(1, round((self._expected - self._done) * pace)), 60)
        return f"about {minutes} min {seconds:02d} s left" if minutes else f"about {seconds} s left"
