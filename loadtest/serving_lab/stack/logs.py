"""Logs of the programs on the host: the last lines, and what is added to them."""

import os
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.text import Text

_COLOURS = ("dark_orange3", "dark_cyan", "green", "magenta", "blue")
_POLL_SECONDS = 0.25


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a file; none if there is no such file."""
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            return [line.rstrip("\n") for line in deque(stream, maxlen=lines)]
    except FileNotFoundError:
        return []


def show(console: Console, files: Mapping[str, Path], *, follow: bool, lines: int) -> None:
    """Print the last lines of each file under its name, and, if asked, what is added until interrupted."""
    width = max(map(len, files))
    followers = [
        _Follower(path, Text(f"{name:<{width}} | ", style=_COLOURS[index % len(_COLOURS)]))
        for index, (name, path) in enumerate(files.items())
    ]
    for follower in followers:
        for line in tail(follower.path, lines):
            console.print(follower.label + line, soft_wrap=True)
        follower.skip()
    while follow and any(path.parent.exists() for path in files.values()):
        for follower in followers:
            for line in follower.added():
                console.print(follower.label + line, soft_wrap=True)
        time.sleep(_POLL_SECONDS)


@dataclass
class _Follower:
    path: Path
    label: Text
    _stream: TextIO | None = field(default=None, init=False)
    _part: str = field(default="", init=False)

    def skip(self) -> None:
        """Continue after what is there now."""
        self._stream = _open(self.path)
        if self._stream:
            self._stream.seek(0, os.SEEK_END)

    def added(self) -> list[str]:
        """The complete lines written since the last call, also across a rotation."""
        self._stream = stream = self._stream or _open(self.path)
        if stream is None:
            return []
        *lines, self._part = (self._part + stream.read()).split("\n")
        if not _is(self.path, stream):
            stream.close()
            self._stream = None
        return lines


def _open(path: Path) -> TextIO | None:
    try:
        return path.open(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def _is(path: Path, stream: TextIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(stream.fileno()))
    except FileNotFoundError:
        return False
