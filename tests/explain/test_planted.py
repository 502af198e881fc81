"""A planted loop is named first in a real service, whatever else the machine does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from serving_lab.api.endpoint import Endpoint
from serving_lab.experiment.targets import Target
from serving_lab.explain import pairs
from support.needs import lacking

from explain.planted import PLANTED_SECONDS, explained, shop

pytestmark = pytest.mark.service
NOWHERE = Endpoint.parse("http://127.0.0.1:1")


def test_a_planted_loop_is_named_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "ARM_SECONDS", 0.5)

    found = explained({"old": 0.0, "new": 5 * PLANTED_SECONDS}, seed=1)

    if found.missing:
        lacking(f"nothing could be sampled: {found.missing}")
    (new,) = found.candidates
    assert new.functions[0].name == "discounted"
    assert new.functions[0].place.startswith("explain/shop.py:")
    assert new.functions[0].difference > 0
    assert {each.target for each in found.sampled} == {"old", "new"}


def test_what_is_no_python_is_called_so() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            why = pairs.check([Target("other", NOWHERE, NOWHERE, pid=process.pid)])
        finally:
            process.kill()

    assert why == "other: it is no Python process that py-spy knows, and only those can be explained"


def test_what_is_elsewhere_is_called_so() -> None:
    assert pairs.check([Target("other", NOWHERE, NOWHERE)]) == "other: its process is not found on this machine"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up rights")
def test_the_right_that_is_missing_is_named(tmp_path: Path) -> None:
    # As another user, without the capability: as most users are to a service that root has started.
    code = f"""
import os
from serving_lab.api.endpoint import Endpoint
from serving_lab.experiment.targets import Target
from serving_lab.explain import pairs
here = Endpoint.parse("http://127.0.0.1:1")
os.setgid(65534); os.setuid(65534)
print(pairs.check([Target("service", here, here, pid=int({os.getpid()}))]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)

    assert "the right to look into process" in done.stdout
    assert "root, or the capability SYS_PTRACE" in done.stdout


def test_a_service_that_ends_meanwhile_is_an_explanation_that_is_missing() -> None:
    with shop("short", 0.0) as target:
        pass

    assert pairs.check([target]) == "short: it is no Python process that py-spy knows, and only those can be explained"
