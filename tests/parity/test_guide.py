"""docs/bring-your-own-service.md, followed step by step: its files and its commands, as they stand there."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.checkout import REPOSITORY
from support.services import free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

GUIDE = (REPOSITORY / "docs" / "bring-your-own-service.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
LAB = Path(sys.executable).parent / "lab"


def block(language: str, having: str) -> str:
    """The one block of the guide that has this text."""
    (found,) = [text for name, text in BLOCKS if name == language and having in text]
    return str(found)


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class Reader:
    """Somebody who does what the guide says, in a directory of their own and with free ports."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ports = {"5001": str(free_port()), "5002": str(free_port())}

    def save(self, name: str, *texts: str) -> None:
        (self.directory / name).write_text("\n".join(texts), encoding="utf-8")

    @contextmanager
    def shop(self, port: str, version: str) -> Iterator[None]:
        command = [sys.executable, "shop.py", self.ports[port], version]
        process = subprocess.Popen(command, cwd=self.directory)
        try:
            wait_until(lambda: answers(int(self.ports[port])), f"the {version} shop")
            yield
        finally:
            process.kill()
            process.wait()

    def run(self, having: str) -> tuple[int, str]:
        """Type the command of the guide that has this text; return its exit code and what it printed."""
        (line,) = [line for line in COMMANDS if line.endswith(having)]
        for written, free in self.ports.items():
            line = line.replace(written, free)
        environment = os.environ | {"SHOP_PASSWORD": "let me in", "PATH": f"{LAB.parent}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["sh", "-c", f"{line} --generate 300"],
            cwd=self.directory, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def causes(self) -> set[tuple[str, str]]:
        """Kind and place of what the last command found."""
        result = json.loads((self.directory / "results" / "parity.json").read_text(encoding="utf-8"))
        return {(cause["kind"], cause["where"]) for cause in result["causes"]}


COMMANDS = [
    line for name, text in BLOCKS if name == "sh" for line in text.splitlines() if line.startswith("lab parity")
]
PROFILE = block("yaml", "login:")
FLOAT = ("int against float", "$.price")


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """A reader who has started both shops."""
    reader = Reader(tmp_path)
    reader.save("shop.py", block("python", "class Shop"))
    with reader.shop("5001", "old"):
        yield reader


def test_the_guide_leads_from_the_smallest_command_to_the_same(reader: Reader) -> None:
    with reader.shop("5002", "new"):
        code, said = reader.run("5002")
        assert (code, "Same: " in said) == (0, True), said

        reader.save("shop.yaml", PROFILE)
        code, said = reader.run("--profile shop.yaml")
        assert (code, "Different: " in said) == (1, True), said
        assert {("status", "status"), FLOAT} <= reader.causes()

        reader.save("shop-corpus.yaml", block("yaml", "sequences:"))
        reader.save("shop-intended.yaml", block("yaml", "- reason:"))
        files = block("yaml", "corpus: ["), "intended: shop-intended.yaml"
        reader.save("shop.yaml", PROFILE, *files)
        code, said = reader.run("--profile shop.yaml")
        assert code == 1, said
        assert FLOAT in reader.causes()
        assert "1 of 1 declared difference occurred" in said

    mended = block("python", "class Shop").replace('float(body["price"]) if NEW else body["price"]', 'body["price"]')
    reader.save("shop.py", mended)
    with reader.shop("5002", "new"):
        code, said = reader.run("--profile shop.yaml")
    assert (code, reader.causes()) == (0, set()), said


def test_recorded_traffic_is_sent_as_the_guide_says(reader: Reader) -> None:
    headers = [{"name": "X-Token", "value": "from the recording"}]
    order: dict[str, object] = {"method": "POST", "url": "https://api.example.org/v1/orders", "headers": headers}
    order["postData"] = {"mimeType": "application/json", "text": '{"item": "apple", "price": 7}'}
    reader.save("shop.har", json.dumps({"log": {"version": "1.2", "entries": [{"request": order}]}}))
    reader.save("orders.jsonl", '{"item": "apple", "price": 7}', "no JSON")
    reader.save("shop.yaml", PROFILE, block("yaml", "har:"), block("yaml", "prediction_log:"))

    with reader.shop("5002", "new"):
        for having, warning in (("--har shop.har", ""), ("--prediction-log orders.jsonl", "1 of 2 lines")):
            code, said = reader.run(having)

            assert code == 1, said
            assert "1 recorded" in said
            assert warning in said
            assert FLOAT in reader.causes()
            assert "from the recording" not in (reader.directory / "results" / "parity.json").read_text(
                encoding="utf-8"
            )


def test_nothing_to_compare_is_told(reader: Reader) -> None:
    reader.ports["5002"] = reader.ports["5001"]

    code, said = reader.run("5002")

    assert (code, "nothing was compared" in said) == (2, True), said


def test_every_example_of_a_profile_is_one(tmp_path: Path) -> None:
    from lab.parity.inputs.profile import Profile

    (tmp_path / "profile.yaml").write_text(block("yaml", "tokens:"), encoding="utf-8")

    variables = Profile.load(tmp_path / "profile.yaml", {"KEY": "k" * 40}).variables

    assert set(variables) == {"expired", "unsigned", "strong"}
