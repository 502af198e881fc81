"""A trial of a model in a process of its own, and its bounds."""

import os
import signal
import time
from pathlib import Path

import psutil
import pytest
from model_artifact import files
from model_artifact.errors import ArtifactError, Reason
from model_artifact.trial import Bounds, Checking, Trial, try_out
from support.artifacts import write_model

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def forest(model_dir: Path) -> Path:
    """The model of the services."""
    return model_dir


@pytest.fixture(scope="module")
def boosted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("boosted"), kind="gradient_boosting", parameters={})


@pytest.mark.parametrize("kind", ["forest", "boosted"])
def test_a_model_that_is_right_passes(request: pytest.FixtureRequest, kind: str) -> None:
    directory: Path = request.getfixturevalue(kind)

    trial = try_out(directory)

    artifact = files.read(directory)
    assert (trial.digest, trial.version, trial.sha256) == (
        artifact.digest,
        artifact.info.version,
        artifact.info.sha256,
    )
    assert trial.largest_difference <= 1e-9
    assert 0 < trial.row_seconds < 0.02
    assert trial.memory_bytes < 100 << 20


@pytest.mark.parametrize(
    ("bounds", "reason", "says"),
    [
        (Bounds(seconds=0.05), Reason.TIME, "more than 0.05 s"),
        (Bounds(memory_bytes=1 << 20), Reason.MEMORY, "more than 1 MiB"),
        (Bounds(row_seconds=1e-7), Reason.LATENCY, "at most 0.1 us"),
    ],
    ids=lambda given: given.name if isinstance(given, Reason) else "",
)
def test_a_model_that_takes_too_much_is_refused(forest: Path, bounds: Bounds, reason: Reason, says: str) -> None:
    with pytest.raises(ArtifactError) as refused:
        try_out(forest, seconds=bounds.seconds, memory_bytes=bounds.memory_bytes, row_seconds=bounds.row_seconds)

    assert refused.value.reason is reason
    assert says in str(refused.value)
    assert trials() == []


def test_a_caller_need_not_wait(small: Path) -> None:
    checking = Checking(small)

    assert checking.poll() is None, "Python alone takes longer to start"
    trial = ended(checking)

    assert trial.digest == files.read(small).digest


def test_a_process_that_dies_is_a_refusal(small: Path) -> None:
    checking = Checking(small)
    [process] = trials()
    process.send_signal(signal.SIGSEGV)

    with pytest.raises(ArtifactError, match=r"ended with signal 11 and no answer") as refused:
        ended(checking)

    assert refused.value.reason is Reason.CRASH


def test_an_answer_counts_although_another_has_waited_for_the_process(small: Path) -> None:
    """As gunicorn's arbiter does for all its children."""
    checking = Checking(small)
    [process] = trials()
    os.waitpid(process.pid, 0)

    assert ended(checking).digest == files.read(small).digest


def test_a_death_counts_although_another_has_waited_for_the_process(small: Path) -> None:
    checking = Checking(small)
    [process] = trials()
    process.kill()
    os.waitpid(process.pid, 0)

    with pytest.raises(ArtifactError) as refused:
        ended(checking)

    assert refused.value.reason is Reason.CRASH


def test_a_trial_that_is_given_up_ends(small: Path) -> None:
    checking = Checking(small)
    checking.kill()

    assert trials() == []


def test_the_process_knows_nothing_of_its_parents_settings(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "not for a model")
    checking = Checking(small)
    [process] = trials()

    assert "SECRET_KEY" not in process.environ()
    ended(checking)


def trials() -> list[psutil.Process]:
    """The processes of trials that this one has."""
    return [child for child in psutil.Process().children() if "model_artifact.trial_process" in child.cmdline()]


def ended(checking: Checking) -> Trial:
    """Poll as an arbiter does, between other things."""
    for _ in range(2000):
        if trial := checking.poll():
            return trial
        time.sleep(0.01)
    raise AssertionError("the trial did not end")
