"""Somebody who follows a page block by block: saves its files, types its commands, and looks at what they print."""

import contextlib
import re
import shlex
import signal
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib.metadata import distribution
from pathlib import Path
from typing import Self, TypeVar

from support.page import Block, Page, Reader

_STOPPED_SECONDS = 20
_T = TypeVar("_T")


@dataclass(frozen=True)
class Knowing:
    """What a page does not say of its commands, each by how it begins."""

    exit_codes: Mapping[tuple[str, str], Collection[int]] = field(default_factory=dict)
    """Those that are right in a section, where that is not 0."""
    shorter: Mapping[str, str] = field(default_factory=dict)
    """Options with which a command takes less time, if it has none of them."""
    listening: Mapping[str, str] = field(default_factory=dict)
    """The port at which a command listens that does not name it."""
    instead: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    """What is done for a command of a checkout, and what that prints."""
    meanwhile: Mapping[str, Callable[[Reader], AbstractContextManager[None]]] = field(default_factory=dict)
    """What others do while a command runs."""


class Follower:
    """Follows a page from its top, in a directory of its own; what it has started is ended with it.

    A block is followed by what it is:

    - its first line is a comment with nothing but a file's name: it is saved as that file
    - `sh`: it is typed, a line at a time; `export` holds from then on, a line that ends with `&` goes on running until
      `kill %word`, and packages to be installed must be there
    - `python` that is no file: a quotation, which must stand in a file that was saved
    - no language: what the command before has printed, but for numbers and the width of columns
    """

    def __init__(self, page: Page, directory: Path, *ports: int, knowing: Knowing) -> None:
        """Prepare to follow a page, with free ports in the place of these."""
        self.page = page
        self.reader = Reader(directory, *ports)
        self.followed: list[Block] = []
        self.printed = ""
        self._knowing = knowing
        self._stack = contextlib.ExitStack()
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def follow(self, until: str) -> None:
        """Follow all blocks that were not yet, to the end of this section."""
        for block in self.page.of_sections(until)[len(self.followed) :]:
            self._follow(block)
            self.followed.append(block)

    def _follow(self, block: Block) -> None:
        where = f"{self.page.path}:{block.line}"
        if block.file:
            self.reader.save(block.file, self.reader.here(block.text))
        elif block.language == "sh":
            for line in block.text.replace("\\\n", " ").splitlines():
                with self._of(self._knowing.meanwhile, line, _nobody)(self.reader):
                    self._type(line, block)
        elif block.language == "python":
            saved = {each.file for each in self.followed if each.file}
            texts = [(self.reader.directory / name).read_text() for name in saved]
            assert any(self.reader.here(block.text).strip() in text for text in texts), (
                f"{where} stands in none of {sorted(saved)}"
            )
        else:
            assert not block.language, f"{where}: nothing is done with {block.language}"
            rest = in_kind(self.printed)
            for line in map(in_kind, block.text.splitlines()):
                _, found, rest = rest.partition(line)
                assert found, f"{where}: not printed, or not in this order: {line}\n{self.printed}"

    def _type(self, line: str, block: Block) -> None:
        match shlex.split(line, comments=True):
            case ["export", *settings]:
                self.reader.environment |= dict(setting.split("=", 1) for setting in settings)
            case ["pip", "install", *packages]:
                for package in packages:
                    distribution(package)
            case [*_, "&"]:
                port = self._of(self._knowing.listening, line, "") or self._listens(line)
                self._running[line] = self._stack.enter_context(self.reader.running(line, port))
            case ["kill", job]:
                self._end(job)
            case ["make", *_]:
                self.printed = self._knowing.instead[line]()
            case _:
                shorter = self._of(self._knowing.shorter, line, "")
                code, self.printed = self.reader.run(line if shorter.partition(" ")[0] in line else f"{line} {shorter}")
                of_section = {
                    start: codes for (name, start), codes in self._knowing.exit_codes.items() if name == block.section
                }
                right = self._of(of_section, line, {0})
                assert code in right, f"{self.page.path}:{block.line}: {line}\nexit code {code}\n{self.printed}"

    def _listens(self, line: str) -> str:
        """The port of the page that a command listens at: that of its option, else its last."""
        option = re.search(r"--(?:bind|listen|port)[ =](?:[\d.]+:)?(\d{4,5})", line)
        return (
            option[1]
            if option
            else next(port for port in re.findall(r"\d{4,5}", line)[::-1] if port in self.reader.ports)
        )

    @staticmethod
    def _of(known: Mapping[str, _T], line: str, otherwise: _T) -> _T:
        return next((value for start, value in known.items() if line.startswith(start)), otherwise)

    def _end(self, job: str) -> None:
        """As a shell ends a job: `%word` begins with it, `%?text` has it somewhere."""
        text = job.removeprefix("%")
        (line,) = [
            line for line in self._running if (text[1:] in line if text.startswith("?") else line.startswith(text))
        ]
        process = self._running.pop(line)
        process.send_signal(signal.SIGTERM)
        process.wait(_STOPPED_SECONDS)


def in_kind(text: str) -> str:
    """The text without its numbers and columns: those differ from one run to the next."""
    return re.sub(r"\s+", " ", re.sub(r"\d+(?:[.,]\d+)*", "#", text)).strip()


@contextlib.contextmanager
def _nobody(_: Reader) -> Iterator[None]:
    yield
