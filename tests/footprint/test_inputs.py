"""Mistakes in footprint files and on the command line: each is told with its place, and none is a traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from serving_lab.errors import LabError
from serving_lab.footprint.inputs import Inputs
from serving_lab.generator.messages import Open
from support.checkout import REPOSITORY
from support.command import lab

from footprint.files import target, write

if TYPE_CHECKING:
    from pathlib import Path

OWN_FILE = REPOSITORY / "loadtest" / "footprint.yaml"
CREDENTIALS = {"API_USERNAME": "somebody", "API_PASSWORD": "something"}


def test_our_own_file_is_right() -> None:
    inputs = Inputs.load_file(OWN_FILE, CREDENTIALS)

    assert list(inputs.targets) == ["flask-api", "fastapi-api"]
    assert inputs.first is not None
    assert inputs.load is not None
    assert isinstance(inputs.load.loop, Open)
    assert set(inputs.load.requests) == {"predict", "batch_predict", "model_info", "health"}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"first": "gone"}, "first: there is no request 'gone' in the profile"),
        ({"profile": None}, "first: there is no request 'predict' in the profile"),
        ({"profile": "gone.yaml"}, "gone.yaml: No such file"),
        ({"load": {"scenario": "gone", "rate": 1}}, "load.scenario: there is no scenario 'gone'"),
        ({"load": {"scenario": "busy", "rate": 1}}, "load.scenario: 'busy' has no open loop"),
        ({"load": {"scenario": "steady", "rate": 0}}, "load.rate: a number above 0"),
        ({"ready": "ready"}, "ready: 'ready' is no path such as /ready"),
        ({"tragets": {}}, "unknown key"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_place(tmp_path: Path, changes: dict[str, Any], complaint: str) -> None:
    path = write(tmp_path, {"one": target()}, **changes)

    with pytest.raises(LabError, match=complaint):
        Inputs.load_file(path, {})


def test_a_file_without_targets_is_told(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="targets: there are none"):
        Inputs.load_file(write(tmp_path, {}), {})


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ({}, "it has one of service, image and command"),
        ({"image": "a", "command": ["b"]}, "it has one of service, image and command"),
        ({"service": "gone"}, "the lab's are flask-api and fastapi-api"),
        ({"service": "flask-api", "environment": {"A": "b"}}, "take theirs from .env"),
        ({"command": ["a"], "port": 80}, "port and base belong to an image"),
        ({"image": "a", "port": 0}, "from 1 to 65535"),
        ({"image": "a", "ready": "x y"}, "is no path"),
        ({"image": "a", "code": {"folders": ["gone"]}}, "gone is no folder"),
    ],
)
def test_a_mistake_in_a_target_is_told_with_its_place(tmp_path: Path, form: dict[str, Any], complaint: str) -> None:
    path = write(tmp_path, {"mine": form})

    with pytest.raises(LabError, match=rf"targets\.mine.*{complaint}"):
        Inputs.load_file(path, {})


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--file", "gone.yaml"), "gone.yaml: No such file"),
        (("--image", "python"), "'python' names no image"),
        (("--image", "a=b", "--image", "a=c"), "or a name twice"),
        (("--port", "80"), "--base and --port belong to images"),
        (("--starts", "-1"), "--starts"),
        ((), "is not inside a checkout of the lab"),
    ],
)
def test_a_mistake_on_the_command_line_is_told(tmp_path: Path, options: tuple[str, ...], complaint: str) -> None:
    run = lab("footprint", *options, cwd=tmp_path)

    assert run.returncode == 2, run.stdout
    assert complaint in run.stderr
    assert "Traceback" not in run.stderr


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, {"mine": {"command": ["/no/such/program"]}})

    run = lab("footprint", "--file", path, cwd=tmp_path)

    assert run.returncode == 2
    assert "/no/such/program cannot be started: No such file" in run.stderr


def test_a_wrong_answer_is_told_before_anything_is_timed(tmp_path: Path) -> None:
    path = write(tmp_path, {"mine": target()})
    (tmp_path / "profile.yaml").write_text((tmp_path / "profile.yaml").read_text().replace('"number"', '"text"'))

    run = lab("footprint", "--file", path, cwd=tmp_path)

    assert run.returncode == 2
    assert "mine answers predict wrongly: $.prediction is not what it should be" in run.stderr
    assert "start 1" not in run.stdout
