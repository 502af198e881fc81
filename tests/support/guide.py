"""docs/guide.md, followed as it stands there: its files, its commands, and the shop that it is about."""

import contextlib
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.checkout import REPOSITORY
from support.services import free_port, wait_until

_BIN = Path(sys.executable).parent


class Guide:
    """Its code blocks."""

    def __init__(self) -> None:
        text = (REPOSITORY / "docs" / "guide.md").read_text(encoding="utf-8")
        self._blocks: list[tuple[str, str]] = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)

    def block(self, language: str, having: str) -> str:
        """The one block that has this text."""
        (found,) = [text for name, text in self._blocks if name == language and having in text]
        return found

    def command(self, start: str, ending: str = "") -> str:
        """The one command that starts and ends so."""
        lines = [line for name, text in self._blocks if name == "sh" for line in text.splitlines()]
        (found,) = [line for line in lines if line.startswith(start) and line.endswith(ending)]
        return found


GUIDE = Guide()
SHOP = GUIDE.block("python", "class Shop")


class Reader:
    """Somebody who does what a guide says, in a directory of their own and with free ports."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ports = {"5001": str(free_port()), "5002": str(free_port())}
        self.save("shop.py", SHOP)

    def save(self, name: str, *texts: str) -> None:
        (self.directory / name).write_text("\n".join(texts), encoding="utf-8")

    @contextmanager
    def shop(self, port: str, version: str) -> Iterator[None]:
        command = [sys.executable, "shop.py", self.ports[port], version]
        process = subprocess.Popen(command, cwd=self.directory)
        try:
            wait_until(lambda: _answers(int(self.ports[port])), f"the {version} shop")
            yield
        finally:
            process.kill()
            process.wait()

    def run(self, command: str) -> tuple[int, str]:
        """Type a command; return its exit code and what it printed."""
        for written, free in self.ports.items():
            command = command.replace(written, free)
        environment = os.environ | {"SHOP_PASSWORD": "let me in", "PATH": f"{_BIN}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self.directory, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
