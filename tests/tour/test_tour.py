"""The tour on this host, for real: gone through to its end, left half-way, and with a lab that was up before."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.measured import not_measured
from serving_lab import exit_codes
from serving_lab.bench.result import BenchResult
from serving_lab.parity.result import ParityResult
from serving_lab.results import files
from support.checkout import Checkout, new_checkout, shorten_corpus
from support.processors import lost_to_others

pytestmark = [pytest.mark.stack, pytest.mark.alone]

SHORT = ("--load-seconds", "5", "--generate", "20", "--pairs", "3", "--seconds", "1")
STEPS = (
    "1 of 8 Up",
    "2 of 8 A request",
    "3 of 8 Load",
    "4 of 8 The live page",
    "5 of 8 A planted difference, found",
    "6 of 8 A planted slowdown, judged",
    "7 of 8 The report",
    "8 of 8 Down",
)


@pytest.fixture
def checkout(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Iterator[Checkout]:
    """A copy of the repository with a trained model; what is left running in it is ended."""
    copy = new_checkout(tmp_path_factory.mktemp("tour") / "checkout", model_dir)
    shorten_corpus(copy.root / "loadtest")
    yield copy
    copy.lab("down")


def typed(checkout: Checkout, keys: str) -> subprocess.CompletedProcess[str]:
    """Take the tour at a terminal, and type these keys."""
    ours, theirs = os.openpty()
    os.write(ours, keys.encode())
    try:
        return subprocess.run(
            [str(Path(sys.executable).with_name("lab")), "tour", "--mode", "native", *SHORT],
            cwd=checkout.root,
            env=checkout.environment,
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)


def flowing(text: str) -> str:
    return " ".join(text.split())


def is_up(checkout: Checkout) -> bool:
    return "ready" in checkout.lab("ps").stdout


def test_the_tour_finds_what_it_planted_and_leaves_nothing_running(checkout: Checkout) -> None:
    result = checkout.lab("tour", "--mode", "native", "--yes", *SHORT, seconds=280)

    said = flowing(result.stdout)
    at = [said.find(step) for step in STEPS]
    assert -1 not in at, f"{result.stdout[-3000:]}\n{result.stderr}"
    assert at == sorted(at)
    assert "Flask and FastAPI predict 179.65." in said
    assert "Now Flask answers" in said
    assert "The lab is down (native)." in said
    assert not is_up(checkout)

    parity = files.read(checkout.root / "results" / "tour" / "parity.json", ParityResult)
    assert [cause.where for cause in parity.causes] == ["$.prediction"]
    assert f"differ at $.prediction, such as {parity.causes[0].primary} from the old service" in said
    assert (checkout.root / "results" / "tour" / "report.html").is_file()
    assert {path.name for path in (checkout.root / "results").iterdir()} == {"tour"}

    if result.returncode == exit_codes.CANNOT_TELL and "could not be judged" in result.stderr:
        not_measured(result.stderr, lost_to_others())
    assert result.returncode == exit_codes.OK, result.stderr
    bench = files.read(checkout.root / "results" / "tour" / "bench.json", BenchResult)
    (p50,) = [comparison for _, comparison in bench.comparisons if comparison.metric == "p50"]
    assert p50.verdict == "slower"
    assert "Found: slower." in said


def test_a_visitor_who_leaves_ends_the_lab_that_the_tour_brought_up(checkout: Checkout) -> None:
    result = typed(checkout, "\nq\n")

    assert result.returncode == exit_codes.OK, result.stderr
    assert "Everything is ready." in result.stdout
    assert STEPS[2] not in flowing(result.stdout)
    assert not is_up(checkout)


def test_a_lab_that_was_up_before_is_used_and_stays_up(checkout: Checkout) -> None:
    assert checkout.lab("up", "--mode", "native").returncode == 0

    result = typed(checkout, "\nq\n")

    assert result.returncode == exit_codes.OK, result.stderr
    assert "The lab is up already" in result.stdout
    assert is_up(checkout)
