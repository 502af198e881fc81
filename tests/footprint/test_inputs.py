"""Mistakes in footprint files and on the command line: each is told with its place, and none is a traceback."""

from pathlib import Path
from typing import Any

import pytest
from serving_lab.errors import LabError
from serving_lab.footprint.inputs import Inputs
from serving_lab.generator.messages import Open
from support.checkout import REPOSITORY
from support.command import lab

from footprint.files import target, write

OWN_FILE = REPOSITORY / "loadtest" / "footprint.yaml"
CREDENTIALS = {"API_USERNAME": "somebody", "API_PASSWORD": "something"}


def test_our_own_file_is_right() -> None:
    inputs = Inputs.load_file(OWN_FILE, CREDENTIALS)

    assert inputs.targets == {}  # the catalogue's
    assert inputs.first is not None
    assert inputs.load is not None
    assert (inputs.load.connections, inputs.load.loop) == (64, Open(100))
    assert set(inputs.load.requests) == {"predict", "batch_predict", "model_info", "health"}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"first": "gone"}, "first: there is no request 'gone' in the description"),
        ({"api": "gone.yaml"}, "api: .*gone.yaml: there is no such file"),
        ({"api": None}, "first: belongs under footprint"),
        ({"load": {"mix": "gone", "rate": 1}}, "load.mix: there is no mix 'gone'"),
        ({"load": {"mix": "steady", "rate": 0}}, "load.rate: a number above 0"),
        ({"load": {"mix": "steady", "rate": 1, "connections": 0}}, "load.connections: from 1 to 4096"),
        ({"load": {"scenario": "steady", "rate": 1}}, "load: unknown key scenario"),
        ({"ready": "ready"}, "ready: 'ready' is not a path such as /ready"),
        ({"tragets": {}}, "unknown key"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_place(tmp_path: Path, changes: dict[str, Any], complaint: str) -> None:
    path = write(tmp_path, {"one": target()}, **changes)

    with pytest.raises(LabError, match=complaint):
        Inputs.load_file(path, {})


def test_a_file_without_targets_is_told(tmp_path: Path) -> None:
    run = lab("footprint", "--profile", write(tmp_path, {}), cwd=tmp_path)

    assert run.returncode == 2
    assert "the file has no targets to measure" in run.stderr


def test_services_that_are_described_nowhere_are_started_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "footprint.yaml"
    path.write_text("footprint: {targets: {mine: {command: [a]}}}")

    inputs = Inputs.load_file(path, {})

    assert (inputs.api, inputs.first, list(inputs.targets)) == (None, None, ["mine"])


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ({}, "it has one of image and command"),
        ({"image": "a", "command": ["b"]}, "it has one of image and command"),
        ({"command": ["a"], "port": 80}, "port and base belong to an image"),
        ({"image": "a", "port": 0}, "from 1 to 65535"),
        ({"image": "a", "ready": "x y"}, "is not a path"),
        ({"image": "a", "code": {"folders": ["gone"]}}, "gone is not a folder"),
    ],
)
def test_a_mistake_in_a_target_is_told_with_its_place(tmp_path: Path, form: dict[str, Any], complaint: str) -> None:
    path = write(tmp_path, {"mine": form})

    with pytest.raises(LabError, match=rf"targets\.mine.*{complaint}"):
        Inputs.load_file(path, {})


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--profile", "gone.yaml"), "gone.yaml: No such file"),
        (("--image", "python"), "'python' is not NAME=IMAGE"),
        (("--image", "a=b", "--image", "a=c"), "or repeats a name"),
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

    run = lab("footprint", "--profile", path, cwd=tmp_path)

    assert run.returncode == 2
    assert "/no/such/program cannot be started: No such file" in run.stderr


def test_a_wrong_answer_is_told_before_anything_is_timed(tmp_path: Path) -> None:
    path = write(tmp_path, {"mine": target()})
    (tmp_path / "api.yaml").write_text((tmp_path / "api.yaml").read_text().replace('"number"', '"text"'))

    run = lab("footprint", "--profile", path, cwd=tmp_path)

    assert run.returncode == 2
    assert "mine answers predict wrongly: $.prediction is a number, not a text" in run.stderr
    assert "start 1" not in run.stdout
