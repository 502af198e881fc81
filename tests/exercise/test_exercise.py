"""The exercise's pair, by one file: drafted by `lab init`, a few lines changed by hand, compared and measured."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import ndiff
from pathlib import Path

import httpx
import pytest
from support import local_http
from support.checkout import REPOSITORY
from support.command import lab
from support.services import free_port, wait_until

pytestmark = pytest.mark.service

MOST_LINES = 5
ROW = "[59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.8598, 87]"
BY_HAND = (
    ("json: {features: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]}", f"json: {{features: {ROW}}}"),
    ("json: {samples: [[1]]}", f"json: {{samples: [{ROW}]}}"),
    # The old app leaves the version out of what it answers from its cache.
    ("json: {$.prediction: number, $.cached: boolean, $.model_version: text}", "json: {$.prediction: number}"),
    ("{health: 1, model_info: 1}", "{health: 1, model_info: 1, predict: 8}"),
    ("\nrequests:", f"before: [{{method: POST, path: /predict, json: {{features: {ROW}}}}}]\n\nrequests:"),
)
"""What a user changes: data that both models take, what is measured, and that both begin with the same in the cache."""
ENVIRONMENT = {"PATH": os.environ["PATH"], "API_USERNAME": "admin", "API_PASSWORD": "password123"}
Difference = tuple[str, str, str, str]


@dataclass(frozen=True)
class Pair:
    """Both apps."""

    old: str
    new: str


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    ports = free_port(), free_port()
    address = "127.0.0.1"
    old = ["gunicorn", "--no-control-socket", "--worker-class=gthread", "--threads=8", f"--bind={address}:{ports[0]}"]
    new = ["uvicorn", "--log-level=critical", f"--port={ports[1]}"]
    commands = [[*old, "--log-level=critical", "exercise.old_app:app"], [*new, "exercise.new_app:app"]]
    running = [
        subprocess.Popen([sys.executable, "-m", *each], cwd=REPOSITORY / "tests", stderr=subprocess.DEVNULL)
        for each in commands
    ]
    urls = [f"http://{address}:{port}" for port in ports]
    try:
        for url in urls:
            wait_until(lambda url=url: answers(url), f"the app at {url}", seconds=60)  # type: ignore[misc]
        yield Pair(*urls)
    finally:
        for process in running:
            process.terminate()
            process.wait()


def answers(url: str) -> bool:
    try:
        return local_http.get(f"{url}/health").is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def directory(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a user drafted the file, and changed it."""
    directory = tmp_path_factory.mktemp("user")
    done = lab("init", pair.new, cwd=directory, environment=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    path = directory / "api.yaml"
    drafted = changed = path.read_text(encoding="utf-8")
    for before, after in BY_HAND:
        assert drafted.count(before) == 1, (before, drafted)
        changed = changed.replace(before, after)
    path.write_text(changed, encoding="utf-8")
    written = [line[1:].strip() for line in ndiff(drafted.splitlines(), changed.splitlines()) if line[0] == "+"]
    assert sum(line != "" for line in written) <= MOST_LINES, "\n".join(written)
    return directory


def test_parity_finds_each_documented_difference_once_and_no_other(pair: Pair, directory: Path) -> None:
    sides = ("--primary", pair.old, "--candidate", pair.new)
    done = lab(
        "parity", *sides, "--profile", "api.yaml", "--generate", "400", cwd=directory, environment=ENVIRONMENT
    )  # fmt: skip

    assert done.returncode == 1, done.stderr
    causes = json.loads((directory / "results" / "parity.json").read_text(encoding="utf-8"))["causes"]
    assert Counter(map(difference, causes)) == Counter(documented())


def test_bench_measures_by_the_same_file(pair: Pair, directory: Path) -> None:
    targets = ("--target", f"old={pair.old}", "--target", f"new={pair.new}")
    options = ("--pairs", "3", "--seconds", "0.5", "--output", "bench.json")
    done = lab("bench", *targets, "--profile", "api.yaml", *options, cwd=directory, environment=ENVIRONMENT)

    # A busy machine may prevent verdicts, which is 2; then it was measured all the same.
    assert done.returncode in {0, 2}, done.stderr
    result = json.loads((directory / "bench.json").read_text(encoding="utf-8"))
    assert [each["name"] for each in result["scenarios"]] == ["reading"]
    assert result["verification"]["requests"] > 0


def difference(cause: Mapping[str, str | None]) -> Difference:
    # Flask names the methods in Allow in another order after each start.
    sides = [", ".join(sorted((cause[side] or "").split(", "))) for side in ("primary", "candidate")]
    return str(cause["kind"]), str(cause["where"]), sides[0], sides[1]


def documented() -> list[Difference]:
    """The rows of the table in docs/methodology.md."""
    text = (REPOSITORY / "docs" / "methodology.md").read_text(encoding="utf-8")
    _, _, section = text.partition("### The differences of the exercise's pair")
    rows = re.findall(r"^\| .+? \| `(.+?): (.+?)` \| (?:`(.+?)`)? ?\| (?:`(.+?)`)? ?\|$", section, re.MULTILINE)
    assert len(rows) > 20, "the table is no longer where it was"
    return rows
