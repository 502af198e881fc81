"""Head against the contract: tests that fail twice are a break, and what does not end in time cannot be told."""

import sys
from pathlib import Path

import pytest
from serving_lab.gate.budget import Budget
from serving_lab.gate.contract import Suite
from serving_lab.gate.kept import keeper
from serving_lab.gate.result import Broken, ContractResult, Missing
from serving_lab.gate.sides import Program
from support import subject

pytestmark = pytest.mark.service

TESTS = """
import os, time, urllib.request
from pathlib import Path

def test_kept():
    name, _, url = os.environ["CONTRACT_TARGETS"].partition("=")
    assert name == "one"
    assert urllib.request.urlopen(url + "/ready").status == 200
"""
FLAKY = """
def test_fails_only_once():
    seen = Path("seen")
    if not seen.exists():
        seen.touch()
        raise AssertionError("not yet")
"""
BROKEN = """
def test_broken():
    assert False, "400 became 422"
"""
ENDLESS = """
def test_stops():
    time.sleep(600)
"""


def test_a_contract_that_is_kept(tmp_path: Path) -> None:
    assert result(tmp_path, TESTS) == ContractResult(tests=1, complete=True, broken=[], once=[])


def test_what_fails_twice_on_fresh_instances_is_broken(tmp_path: Path) -> None:
    found = result(tmp_path, TESTS + FLAKY + BROKEN)

    assert found == ContractResult(
        tests=3,
        complete=True,
        broken=[Broken(test="test_it: test_broken", why="AssertionError: 400 became 422")],
        once=[Broken(test="test_it: test_fails_only_once", why="AssertionError: not yet")],
    )


def test_what_does_not_end_in_time_cannot_be_told(tmp_path: Path) -> None:
    found = result(tmp_path, TESTS + ENDLESS, seconds=8)

    # On a busy machine not even the first test comes to its end.
    assert isinstance(found, Missing) or (not found.complete and found.broken == [])


def result(root: Path, tests: str, seconds: float = 120) -> ContractResult | Missing:
    """What tests say of a server that answers."""
    (root / "tests" / "contract").mkdir(parents=True)
    (root / "tests" / "contract" / "test_it.py").write_text(tests)
    (root / "pytest.ini").write_text("[pytest]")
    python = root / "build" / "gate" / "tests" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    service = Program((sys.executable, subject.__file__, "{}", "--port", "${port}"), root)
    suite = Suite(root, {}, {"one": service}, "one of now")
    with keeper() as kept:
        return suite.run(kept, Budget(seconds), root / "output", "/ready", print)
