"""Stacks as the profiler writes them, and what a function is called whichever revision or machine it runs on."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

import psutil

from serving_lab.text.phrases import visible

STANDARD_LIBRARY = "standard library"

_FRAME = re.compile(r"(?P<name>.+) \((?P<file>.+):(?P<line>\d+)\)")
_INSTALLED = re.compile(r".*/(?:site|dist)-packages/(?P<file>.+)")
_STANDARD = re.compile(r".*/lib(?:64)?/python3[^/]*/(?P<file>.+)")


@dataclass(frozen=True)
class Function:
    """A function, the same in every revision: its line may move, and its package may lie elsewhere."""

    name: str
    file: str
    """Relative to the folder that its package lies in, such as `flask/app.py`."""
    package: str
    line: int = field(compare=False)

    def __str__(self) -> str:
        """Return it with its place."""
        return f"{self.name} ({self.file}:{self.line})"


Stack = tuple[Function, ...]
"""From the outermost function to the one that ran."""


@dataclass(frozen=True)
class Sources:
    """The files of a process, as it sees them."""

    root: Path
    directory: PurePosixPath
    """Where it runs."""

    @classmethod
    def of(cls, pid: int) -> "Sources":
        """Return those of a process; of one in a container, those of its container."""
        try:
            directory = psutil.Process(pid).cwd()
        except psutil.Error:
            directory = "/"
        root = Path(f"/proc/{pid}/root")
        return cls(root if root.exists() else Path("/"), PurePosixPath(directory))

    @cached_property
    def _known(self) -> dict[str, tuple[str, str]]:
        return {}

    def place(self, file: str) -> tuple[str, str]:
        """Return a file relative to the folder that its package lies in, and the package."""
        if file not in self._known:
            self._known[file] = self._place(file)
        return self._known[file]

    def _place(self, file: str) -> tuple[str, str]:
        if file.startswith("<"):
            return file, STANDARD_LIBRARY
        if installed := _INSTALLED.fullmatch(file):
            return installed["file"], _first(installed["file"])
        if standard := _STANDARD.fullmatch(file):
            return standard["file"], STANDARD_LIBRARY
        path = PurePosixPath(file)
        top = path.parent
        while top.name and (self.root / str(top).lstrip("/") / "__init__.py").exists():
            top = top.parent
        if top == path.parent:
            # No package: a script, or a folder without __init__.py.
            top = self.directory if path.is_relative_to(self.directory) else path.parent
        relative = str(path.relative_to(top))
        return relative, _first(relative)


def read(text: str, sources: Sources) -> Counter[Stack]:
    """Return how often each stack was seen.

    Args:
        text: `frame;frame;frame count` on each line, as `py-spy record --format raw` writes it.
        sources: Of the process.
    """
    found = Counter[Stack]()
    for line in text.splitlines():
        frames, _, count = line.rpartition(" ")
        if stack := tuple(_functions(frames, sources)):
            found[stack] += int(count)
    return found


def _functions(frames: str, sources: Sources) -> Iterator[Function]:
    # What is no frame says which process it is, with its command line, which may hold secrets.
    for frame in filter(None, map(_FRAME.fullmatch, frames.split(";"))):
        file, package = map(visible, sources.place(frame["file"]))
        yield Function(visible(frame["name"]), file, package, int(frame["line"]))


def _first(relative: str) -> str:
    return relative.partition("/")[0].removesuffix(".py")
