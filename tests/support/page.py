"""Pages of docs/ that tests follow as they stand there: their code blocks, and somebody who does what they say."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.checkout import REPOSITORY
from support.services import free_port, listens, wait_until

_BIN = Path(sys.executable).parent
_BLOCK = re.compile(r"^```(?P<language>[\w-]*)[^\n]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_FILE_NAME = re.compile(r"# ([\w./-]+\.\w+|[\w./-]*Dockerfile)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of code."""

    language: str
    """What follows the fence, such as `python`; empty for output."""
    text: str
    line: int
    """Of the page, where it begins."""
    section: str = ""
    """The heading (##) that it stands below."""

    @property
    def file(self) -> str | None:
        """The file that it is to be saved as, where its first line is a comment with nothing but that."""
        named = _FILE_NAME.match(self.text)
        return named[1] if named else None


class Page:
    """A page, by its path in the repository. It knows which of its blocks were asked for."""

    def __init__(self, path: str) -> None:
        self.path = path
        text = (REPOSITORY / path).read_text(encoding="utf-8")
        self.blocks = tuple(
            Block(
                found["language"],
                found["text"],
                line=text.count("\n", 0, found.start()) + 1,
                section=_section(text[: found.start()]),
            )
            for found in _BLOCK.finditer(text)
        )
        self._used: set[Block] = set()
        self.sections = tuple(found[1] for found in _HEADING.finditer(_BLOCK.sub("", text)))

    def block(self, language: str, having: str = "") -> str:
        """The one block that has this text."""
        (found,) = [block for block in self.blocks if block.language == language and having in block.text]
        self._used.add(found)
        return found.text

    def file(self, name: str) -> str:
        """The text of the file of this name; where the page has several of it, the last one."""
        *_, found = [block for block in self.blocks if block.file == name]
        self._used.add(found)
        return found.text

    def command(self, start: str, ending: str = "") -> str:
        """The one command that starts and ends so."""
        ((block, found),) = [
            (block, line)
            for block in self.blocks
            if block.language == "sh"
            for line in block.text.splitlines()
            if line.startswith(start) and line.endswith(ending)
        ]
        self._used.add(block)
        return found

    def of_sections(self, until: str) -> tuple[Block, ...]:
        """All blocks from the top to the end of this section."""
        wanted = ("", *self.sections[: self.sections.index(until) + 1])
        return tuple(block for block in self.blocks if block.section in wanted)

    def unused(self) -> list[str]:
        """Where the blocks stand that nothing has asked for."""
        return [f"{self.path}:{block.line}" for block in self.blocks if block not in self._used]


class Reader:
    """Somebody who does what a page says, in a directory of their own and on ports that are free."""

    def __init__(self, directory: Path, *ports: int, environment: Mapping[str, str] | None = None) -> None:
        """`ports` are those that stand in the page; what `run` is given has free ones in their place."""
        self.directory = directory
        self.ports = {str(port): str(free_port()) for port in ports}
        self.environment = dict(environment or {})

    def save(self, name: str, *texts: str) -> None:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(texts), encoding="utf-8")

    def here(self, text: str) -> str:
        """What a page says, with the ports of this reader."""
        return re.sub(r"\b\d{4,5}\b", lambda found: self.ports.get(found[0], found[0]), text)

    def run(self, command: str) -> tuple[int, str]:
        """Type a command; return its exit code and what it printed."""
        done = subprocess.run(
            ["sh", "-c", self.here(command)],
            cwd=self.directory, env=self.everything, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    @contextmanager
    def running(self, command: str, port: str) -> Iterator[subprocess.Popen[bytes]]:
        """A command that listens at a port of the page, from then on when it does; killed afterwards."""
        words = ["sh", "-c", f"exec {self.here(command).removesuffix('&')}"]
        with subprocess.Popen(words, cwd=self.directory, env=self.everything) as process:
            try:
                wait_until(lambda: listens(int(self.ports[port])), command, seconds=60)
                yield process
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()

    @property
    def everything(self) -> dict[str, str]:
        """The environment of what it runs."""
        return os.environ | {"PATH": f"{_BIN}:{os.environ['PATH']}"} | self.environment


def _section(before: str) -> str:
    headings = _HEADING.findall(_BLOCK.sub("", before))
    return headings[-1] if headings else ""
