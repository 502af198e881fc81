"""Proves `lab gate` at full length: `make gate-proof`.

Servers that wait for a known time are gated one against another; breaks of the contract are planted in a copy of the
checkout; gates are killed in the middle. It is counted how often each ended as it must. Exit code 1: less often than is
promised. Nothing is done about the load that others put on the machine.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from uuid import uuid4

from serving_lab.stack.containers import GATE_LABEL
from serving_lab.stack.engine import remove_images
from support.checkout import REPOSITORY
from support.services import CATALOGUE, wait_until
from support.subject import Behaviour

from gate.gated import AS_BEFORE, LAB, gate, marked

SLOWER = replace(AS_BEFORE, wait=1.1 * AS_BEFORE.wait)
WRONG = replace(AS_BEFORE, wrong_every=3)
TIMES = 20
CORE = Path("services/core/serving_core")
BREAKS = (
    ("http/errors.py", "status = 401", "status = 403"),
    ("http/errors.py", '"WWW-Authenticate"] = "Bearer"', '"WWW-Authenticate"] = "Token"'),
    ("http/errors.py", 'self.headers["Allow"]', 'self.headers["Allowed"]'),
    ("http/errors.py", ', "detail": self.detail}', "}"),
    ("http/errors.py", "status = 415", "status = 400"),
    ("http/errors.py", "status = 413", "status = 400"),
    ("http/messages.py", '"Malformed JSON"', '"Broken JSON"'),
    ("http/messages.py", 'READY = "ready"', 'READY = "up"'),
    ("http/messages.py", '"Token is missing"', '"No token"'),
    ("bounds.py", "MAX_SAMPLES = 100", "MAX_SAMPLES = 101"),
)
"""Files of the services' common code, and what is replaced in them by what."""
LONGEST_BEFORE_KILL_SECONDS = 60.0


@dataclass(frozen=True)
class Proof:
    """A planted change, and how often of twenty times the gate must end so."""

    name: str
    run: Callable[[Path, int], str]
    """Runs the gate in an empty directory, for the how manieth time; returns how it ended."""
    counted: str
    least: int = 0
    most: int = TIMES


def of_servers(head: Behaviour, part: str, budget: str, directory: Path, _number: int) -> str:
    """Gate a server against the usual one."""
    run = gate(directory, AS_BEFORE, head, "--part", part, "--budget", budget, seconds=600)
    say((run.stdout.splitlines() or [run.stderr])[-1])
    return f"exit code {run.code}"


def of_break(directory: Path, number: int) -> str:
    """Break the contract in a copy of the checkout, and gate that against the commit before."""
    name, old, new = BREAKS[number % len(BREAKS)]
    with copied(directory) as root:
        path = root / CORE / name
        text = path.read_text()
        assert old in text, f"{path} has no {old}"
        path.write_text(text.replace(old, new))
        git(root, "commit", "--quiet", "--all", "--message", f"{old} became {new}")
        done = subprocess.run(own_gate(), cwd=root, capture_output=True, text=True, timeout=900, check=False)
    say(f"{old} became {new}: {(done.stdout.splitlines() or [done.stderr])[-1]}")
    return f"exit code {done.returncode}"


def of_kill(directory: Path, number: int) -> str:
    """Kill a gate of a copy of the checkout at some moment; nothing of it may be left."""
    mark, seconds = uuid4().hex, random.Random(number).uniform(1, LONGEST_BEFORE_KILL_SECONDS)  # noqa: S311
    with copied(directory) as root:
        git(root, "commit", "--quiet", "--allow-empty", "--message", mark)
        head = git(root, "rev-parse", "HEAD").strip()
        environment = os.environ | {"MARK": mark}
        with subprocess.Popen(own_gate(), cwd=root, env=environment, stdout=subprocess.DEVNULL) as process:
            time.sleep(seconds)
            process.kill()

        def left() -> list[str]:
            return [*marked(mark), *git(root, "worktree", "list").splitlines()[1:], *containers(head)]

        wait_until(lambda: not left(), "nothing is left", seconds=120, explain=lambda: "\n".join(left()))
    say(f"killed after {seconds:.0f} s")
    return "nothing is left"


def proofs(budget: str) -> list[Proof]:
    """All of them; a gate of servers may take so long."""

    def of(head: Behaviour, part: str) -> Callable[[Path, int], str]:
        return partial(of_servers, head, part, budget)

    return [
        Proof("no change", of(AS_BEFORE, "bench"), "exit code 1", most=1),
        Proof("10% slower", of(SLOWER, "bench"), "exit code 1", least=18),
        Proof("another answer", of(WRONG, "parity"), "exit code 1", least=TIMES),
        Proof("a contract break", of_break, "exit code 1", least=TIMES),
        Proof("killed", of_kill, "nothing is left", least=TIMES),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=TIMES, help="how often each is planted")
    parser.add_argument("--named", default="", help="only those whose name has this in it")
    parser.add_argument("--budget", default="8m", help="of a gate of servers")
    given = parser.parse_args()
    failed = False
    for proof in (each for each in proofs(given.budget) if given.named in each.name):
        ends: Counter[str] = Counter()
        for number in range(given.times):
            with tempfile.TemporaryDirectory() as directory:
                ends[proof.run(Path(directory), number)] += 1
        share = ends[proof.counted] / given.times
        holds = proof.least / TIMES <= share <= proof.most / TIMES
        failed |= not holds
        counts = ", ".join(f"{count} times {end}" for end, count in sorted(ends.items()))
        say(f"{'holds' if holds else 'DOES NOT HOLD'}: {proof.name}: {counts}")
    sys.exit(failed)


def own_gate() -> list[str]:
    """The command that gates the baseline of a checkout against the commit before."""
    return [str(LAB), "gate", "--base", "HEAD~1", "--service", CATALOGUE.baseline.name, "--part", "contract"]


@contextmanager
def copied(directory: Path) -> Iterator[Path]:
    """A copy of the checkout's last commit; its images go with it."""
    root = directory / "checkout"
    git(directory, "clone", "--quiet", str(REPOSITORY), str(root))
    git(root, "config", "user.name", "Tester")
    git(root, "config", "user.email", "tester@example.org")
    try:
        yield root
    finally:
        if shutil.which("docker"):
            remove_images(f"{GATE_LABEL}={root}")


def containers(commit: str) -> list[str]:
    """The containers of a commit's images, running or not; none where there is no engine."""
    words = ["docker", "ps", "--all", "--format", "{{.Names}} {{.Image}}"]
    try:
        lines = subprocess.run(words, capture_output=True, text=True, check=False).stdout.splitlines()
    except FileNotFoundError:
        return []
    return [line for line in lines if commit in line]


def git(directory: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=directory, capture_output=True, text=True, check=True).stdout


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
