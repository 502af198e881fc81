"""Runs of tests as evidence: which tests are meant, what became of each, and when it was run last."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.checkout import REPOSITORY

from checklist.team import Team

UNITS, SUITE, CI = "The unit tests pass", "A test suite of the old API", "Continuous integration"


def test_tests_of_the_tier_that_passed_tick_it_and_are_counted(team: Team) -> None:
    team.tested("tests.xml", {"tests.core.test_cache.test_hit": "passed", "tests.core.test_cache.test_gone": "skipped"})

    said = team.checklist().box(UNITS)

    assert said.startswith("[x]")
    assert "1 test passed, 1 skipped" in said
    assert team.checklist().box("The integration tests pass").startswith("[ ]")


@pytest.mark.parametrize("outcome", ["failure", "error"])
def test_one_that_failed_fails_it_and_is_named(team: Team, outcome: str) -> None:
    team.tested("tests.xml", {"tests.test_a.test_good": "passed", "tests.test_a.test_bad": outcome})

    said = team.checklist().box(UNITS)

    assert said.startswith("[ ]")
    assert "Failed. 1 test of 2 failed: tests.test_a.test_bad" in said


def test_tests_that_were_only_skipped_show_nothing(team: Team) -> None:
    team.tested("tests.xml", {"tests.test_a.test_x": "skipped"})

    assert "Cannot tell. 0 tests passed, 1 skipped; 1 at least must" in team.checklist().box(UNITS)


def test_a_failure_counts_until_the_same_test_passed_later(team: Team) -> None:
    team.tested("all.xml", {"t.test_a": "failure", "t.test_b": "passed"}, days=-0.0001)
    team.tested("other.xml", {"t.test_b": "passed"}, days=-0.0005)
    assert "Failed." in team.checklist().box(UNITS)

    team.tested("again.xml", {"t.test_a": "passed"}, days=-0.001)
    assert team.checklist().box(UNITS).startswith("[x]")


def test_tests_are_told_apart_by_the_service_in_their_names(team: Team) -> None:
    team.tested("tests.xml", {"tests.contract.test_login.test_ok[fastapi-api]": "passed"}, tier="service")
    assert team.checklist().box(SUITE).startswith("[ ]")

    team.tested("tests.xml", {"tests.contract.test_login.test_ok[flask-api]": "passed"}, tier="service")
    assert team.checklist().box(SUITE).startswith("[x]")


def test_only_a_run_that_says_so_was_made_by_ci(team: Team) -> None:
    team.tested("tests.xml", {"t.test_a": "passed"}, suite={"ci": "false"})
    assert team.checklist().box(CI).startswith("[ ]")

    team.tested("tests.xml", {"t.test_a": "passed"}, suite={"ci": "true", "revision": team.revision or ""})
    assert team.checklist().box(CI).startswith("[x]")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("<testsuite><testcase", "is not XML"),
        ("<html/>", "is not a JUnit file: its root is <html>"),
        ("", "is not XML"),
    ],
)
def test_a_file_that_is_no_junit_file_is_named(team: Team, content: str, why: str) -> None:
    (team.root / "results").mkdir()
    (team.root / "results" / "tests.xml").write_text(content)

    shown = team.checklist()

    assert shown.code == 0
    assert "note: Not read: results/tests.xml" in shown.stdout
    assert why in shown.box(UNITS)


def test_tests_outside_of_a_suite_and_in_nested_ones_count(team: Team) -> None:
    (team.root / "results").mkdir()
    now = datetime.now(UTC).isoformat()
    cases = ['<testcase classname="test" name="unit.first"/>', '<testcase classname="unit.second" name="x"/>']
    nested = f'<testsuite><testsuite timestamp="{now}">{cases[1]}</testsuite></testsuite>'
    (team.root / "results" / "node.xml").write_text(f"<testsuites>{cases[0]}{nested}</testsuites>")

    assert "2 tests passed" in team.checklist().box(UNITS)


def test_a_run_that_does_not_say_when_it_was_ticks_nothing(team: Team) -> None:
    (team.root / "results").mkdir()
    case = '<testcase classname="tests.unit.test_a" name="test_x"/>'
    (team.root / "results" / "tests.xml").write_text(f"<testsuites><testsuite>{case}</testsuite></testsuites>")

    assert "Cannot tell. it does not say when it was made" in team.checklist().box(UNITS)


def test_a_named_file_may_lie_elsewhere_and_must_be_there(team: Team) -> None:
    team.tested("tests.xml", {"t.test_a": "passed"})
    (team.root / "results" / "tests.xml").rename(team.root / "elsewhere.xml")

    assert team.checklist("--junit", "elsewhere.xml").box(UNITS).startswith("[x]")
    missing = team.checklist("--junit", "gone.xml")
    assert (missing.code, missing.stderr.splitlines()[0]) == (2, "error: gone.xml: there is no such file")


@pytest.mark.service
def test_what_pytest_itself_writes_is_read(team: Team) -> None:
    folder = team.root / "tests" / "unit"
    folder.mkdir(parents=True)
    (folder / "test_sums.py").write_text("def test_sum():\n    assert 1 + 1 == 2\n")
    pytest_here = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", "."]
    subprocess.run([*pytest_here, "--junitxml=results/tests.xml"], cwd=team.root, check=True, capture_output=True)

    said = team.checklist().box(UNITS)

    assert said.startswith("[x]")
    assert "1 test passed (it does not say of which commit)" in said


@pytest.mark.service
def test_this_suite_says_its_tiers_and_its_commit(tmp_path: Path) -> None:
    path = tmp_path / "tests.xml"
    run = [sys.executable, "-m", "pytest", "-q", "-n", "0", "tests/text/test_phrases.py", f"--junitxml={path}"]
    subprocess.run(run, cwd=REPOSITORY, check=True, capture_output=True)

    text = path.read_text()
    assert 'name="tier" value="unit"' in text
    assert 'name="ci" value="' in text
