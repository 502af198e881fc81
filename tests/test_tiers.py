"""Every test has one tier, and what has the machine for itself shares it with no other test."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.processors import undisturbed
from support.services import BASELINE, launched_service
from support.tiers import ALONE, MEASURES, TIERS, tier_of
from support.workers import WITH_ENGINE, WITH_PROCESSORS

TESTS = Path(__file__).parent


def test_every_test_of_this_run_has_exactly_one_tier(request: pytest.FixtureRequest) -> None:
    for item in request.session.items:
        assert sum(mark.name in TIERS for mark in {each.name: each for each in item.iter_markers()}.values()) == 1, item


@pytest.mark.parametrize("mark", [ALONE, MEASURES])
def test_a_file_whose_tests_wait_for_each_other_has_no_others(request: pytest.FixtureRequest, mark: str) -> None:
    marked: dict[Path, set[bool]] = {}
    for item in request.session.items:
        marked.setdefault(item.path, set()).add(item.get_closest_marker(mark) is not None)

    assert [path for path, kinds in marked.items() if len(kinds) > 1] == [], "these make each other wait"


def test_what_measures_goes_to_one_worker(request: pytest.FixtureRequest) -> None:
    assert all((TESTS.parent / path).exists() for path in WITH_PROCESSORS)
    for item in request.session.items:
        if item.get_closest_marker(MEASURES):
            assert any(path in item.nodeid for path in WITH_PROCESSORS), item.nodeid


def test_what_uses_the_engine_goes_to_one_worker(request: pytest.FixtureRequest) -> None:
    assert all((TESTS.parent / path).exists() for path in WITH_ENGINE)
    for item in request.session.items:
        if "engine" in getattr(item, "fixturenames", ()):
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


def test_who_is_alone_meets_nobody_and_who_measures_nobody_who_does(tmp_path: Path) -> None:
    """Three workers, each writes into one file when it begins and ends."""
    log = tmp_path / "log"
    (tmp_path / "test_turns.py").write_text(f"""
import time
import pytest

def run(kind):
    for text in (kind, f"end-{{kind}}"):
        with open({str(log)!r}, "a") as file:
            file.write(text + "\\n")
        time.sleep(0.03)

@pytest.mark.parametrize("number", range(8))
def test_together(number):
    run("together")

@pytest.mark.measures
@pytest.mark.parametrize("number", range(8))
def test_measures(number):
    run("measures")

@pytest.mark.alone
@pytest.mark.parametrize("number", range(8))
def test_alone(number):
    run("alone")
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

    inside: list[str] = []
    met: set[tuple[str, str]] = set()
    for line in log.read_text().split():
        if line.startswith("end-"):
            inside.remove(line.removeprefix("end-"))
        else:
            met |= {(line, other) for other in inside} | {(other, line) for other in inside}
            inside.append(line)
    kept_apart = {("measures", "measures")} if undisturbed() else {pair for pair in met if "measures" in pair}
    assert not met & kept_apart
    assert not [pair for pair in met if "alone" in pair]
    assert ("together", "together") in met, "the others do share it"
    summary = re.search(
        r"^([\d.]+)s test_turns.py\n([\d.]+)s all files; ([\d.]+)s of it alone", run.stdout, re.MULTILINE
    )
    assert summary
    assert float(summary[1]) == float(summary[2]) > float(summary[3]) >= 8 * 0.06
