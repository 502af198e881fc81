"""Every test has one tier, and what has the machine for itself shares it with no other test."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.services import BASELINE, launched_service
from support.tiers import ALONE, TIERS, tier_of
from support.workers import WITH_ENGINE

TESTS = Path(__file__).parent


def test_every_test_of_this_run_has_exactly_one_tier(request: pytest.FixtureRequest) -> None:
    for item in request.session.items:
        assert sum(mark.name in TIERS for mark in {each.name: each for each in item.iter_markers()}.values()) == 1, item


def test_a_file_whose_tests_run_alone_has_no_others(request: pytest.FixtureRequest) -> None:
    alone: dict[Path, set[bool]] = {}
    for item in request.session.items:
        alone.setdefault(item.path, set()).add(item.get_closest_marker(ALONE) is not None)

    assert [path for path, kinds in alone.items() if len(kinds) > 1] == [], "at the end these make each other wait"


def test_what_uses_the_engine_goes_to_one_worker(request: pytest.FixtureRequest) -> None:
    assert all((TESTS.parent / path).exists() for path in WITH_ENGINE)
    for item in request.session.items:
        if {"engine", "base_images"} & {*getattr(item, "fixturenames", ())}:
            assert any(path in item.nodeid for path in WITH_ENGINE), item.nodeid


@pytest.mark.parametrize(
    ("folder", "fixtures", "marks", "tier"),
    [
        ("core", [], [], "unit"),
        ("core", ["tmp_path"], ["parametrize"], "unit"),
        ("core", ["redis", "tmp_path"], [], "service"),
        ("parity", ["model_dir"], [], "service"),
        ("contract", [], [], "service"),
        ("browser", ["model_dir"], [], "browser"),
        ("monitoring", ["browser", "model_dir"], [], "browser"),
        ("footprint", ["engine"], [], "stack"),
        ("stack", ["tmp_path"], [], "stack"),
        ("selftest", ["model_dir"], [], "proof"),
        ("parity", ["engine"], ["unit"], "unit"),
        ("parity", [], ["proof", "timeout"], "proof"),
    ],
)
def test_a_mark_wins_then_the_dearest_of_folder_and_fixtures(
    folder: str, fixtures: list[str], marks: list[str], tier: str
) -> None:
    assert tier_of(folder, fixtures, marks) == tier


@pytest.mark.parametrize(
    ("folder", "marks", "complaint"),
    [
        ("core", ["proof", "unit"], "more than one tier: unit, proof"),
        ("stack", ["unit"], "marked unit in the folder of stack tests"),
    ],
)
def test_marks_that_contradict_each_other_or_the_folder_are_refused(
    folder: str, marks: list[str], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        tier_of(folder, [], marks)


@pytest.mark.unit
def test_who_starts_a_service_says_so(tmp_path: Path) -> None:
    with (
        pytest.raises(pytest.fail.Exception, match=r"of the tier unit starts .*: mark it service"),
        launched_service(BASELINE, tmp_path),
    ):
        pass


def test_who_is_alone_meets_nobody(tmp_path: Path) -> None:
    """Three workers, half of whose tests run alone: each writes when it begins and ends, into one file."""
    log = tmp_path / "log"
    (tmp_path / "test_turns.py").write_text(f"""
import time
import pytest

def write(text):
    with open({str(log)!r}, "a") as file:
        file.write(text + "\\n")

@pytest.mark.parametrize("number", range(8))
def test_together(number):
    write("+")
    time.sleep(0.03)
    write("-")

@pytest.mark.alone
@pytest.mark.parametrize("number", range(8))
def test_alone(number):
    write("alone")
    time.sleep(0.03)
    write("end")
""")
    plugins = [f"-p{name}" for name in ("no:cacheprovider", "xdist.plugin", "support.tiers", "support.workers")]
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", *plugins, "-n", "3", "--dist", "load", "--durations", "1"),
            *("--rootdir", tmp_path, tmp_path),
        ],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(TESTS), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr

    inside, most = 0, 0
    lines = iter(log.read_text().split())
    for line in lines:
        if line == "alone":
            assert (inside, next(lines)) == (0, "end")
        else:
            inside += {"+": 1, "-": -1}[line]
            most = max(most, inside)
    assert most > 1, "the others do share it"
    summary = re.search(
        r"^([\d.]+)s test_turns.py\n([\d.]+)s all files; ([\d.]+)s of it alone", run.stdout, re.MULTILINE
    )
    assert summary
    assert float(summary[1]) == float(summary[2]) > float(summary[3]) >= 8 * 0.03
