"""`lab model drift`: from a log and directories of versions to exit codes, a result and a page."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from model_artifact import files as artifact_files
from serving_lab.errors import LabError
from serving_lab.model_drift import command
from serving_lab.model_drift.result import DriftResult, Standing
from serving_lab.results import files
from support.artifacts import change_metadata, write_model
from support.command import lab

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Path]:
    """Two versions."""
    folder = tmp_path_factory.mktemp("models")
    return [write_model(folder / "one"), write_model(folder / "two", version="2.0.0", seed=2)]


def lines(model: Path, count: int, version: str = "1.0.0", bmi: float = 0.0) -> str:
    """Rows like those of the training data, but for one feature."""
    reference = artifact_files.read_evaluation(model).reference
    random = np.random.default_rng(1)
    rows = np.column_stack([random.choice(each.quantiles, count) for each in reference.features.values()])
    rows[:, 2] += bmi
    predictions = random.choice(reference.predictions.quantiles, count)
    return "".join(
        json.dumps({"features": row.tolist(), "prediction": prediction, "model_version": version}) + "\n"
        for row, prediction in zip(rows, predictions, strict=True)
    )


def test_a_log_like_the_training_data_has_not_drifted(models: Sequence[Path], tmp_path: Path) -> None:
    (tmp_path / "log").write_text(lines(models[0], 300) + "damaged {\n")

    done = lab("model", "drift", tmp_path / "log", "--artifact", models[0], "--output", tmp_path / "out")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Version 1.0.0: No drift: 300 different rows would have shown a distance of 0.2" in done.stdout
    assert "1 line is damaged" in done.stdout
    result = files.read(tmp_path / "out" / "drift.json", DriftResult)
    assert (result.standing, result.damaged) == (Standing.NONE, 1)
    assert (tmp_path / "out" / "drift.html").read_text().startswith("<!doctype html>")


def test_each_version_is_compared_with_what_it_was_trained_on(models: Sequence[Path], tmp_path: Path) -> None:
    (tmp_path / "log").write_text(lines(models[0], 300))
    (tmp_path / "log.1").write_text(lines(models[1], 300, "2.0.0", bmi=4) + lines(models[1], 40, "3.0.0"))

    artifacts = ("--artifact", models[0], "--artifact", models[1])
    done = lab("model", "drift", tmp_path / "log", *artifacts, "--output", tmp_path / "out")

    assert done.returncode == 1
    found = {each.version: each.standing for each in files.read(tmp_path / "out" / "drift.json", DriftResult).models}
    assert found == {"1.0.0": Standing.NONE, "2.0.0": Standing.DRIFTED, "3.0.0": Standing.CANNOT_TELL}
    assert "Version 2.0.0: Drifted: bmi drifted." in done.stdout
    assert "Version 3.0.0: Cannot tell: no artifact of this version was given" in done.stdout


def test_too_few_rows_cannot_tell(models: Sequence[Path], tmp_path: Path) -> None:
    (tmp_path / "log").write_text(lines(models[0], 50))

    done = lab("model", "drift", tmp_path / "log", "--artifact", models[0], "--output", tmp_path)

    assert done.returncode == 2
    assert "Cannot tell: it takes 176 different rows to tell a distance of 0.2, and the log has 50." in done.stdout


def test_a_smaller_distance_takes_more_rows(models: Sequence[Path], tmp_path: Path) -> None:
    (tmp_path / "log").write_text(lines(models[0], 300))

    done = lab("model", "drift", tmp_path / "log", "--artifact", models[0], "--tell", "0.15", "--output", tmp_path)

    assert done.returncode == 2
    assert "different rows to tell a distance of 0.15, and the log has 300" in done.stdout


def test_what_services_print_is_read_from_standard_input(models: Sequence[Path], tmp_path: Path) -> None:
    printed = "".join(f"fastapi-api  | {line}\n" for line in lines(models[0], 200).splitlines())
    program = Path(sys.executable).with_name("lab")

    done = subprocess.run(
        [program, "model", "drift", "-", "--artifact", models[0], "--output", tmp_path],
        input='fastapi-api  | {"level": "info"}\n' + printed,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "200 different rows" in done.stdout


def test_two_directories_of_one_version_are_told_apart_by_nobody(models: Sequence[Path], tmp_path: Path) -> None:
    other = write_model(tmp_path / "other", seed=3)
    (tmp_path / "log").write_text(lines(models[0], 50))

    done = lab("model", "drift", tmp_path / "log", "--artifact", models[0], "--artifact", other)

    assert done.returncode == 2
    assert "calls itself version 1.0.0, and so does another directory" in done.stderr


def test_wrong_input_is_an_error_with_a_hint(models: Sequence[Path], tmp_path: Path) -> None:
    (tmp_path / "log").write_text("nothing\n")
    (tmp_path / "short").write_text('{"features": [1], "prediction": 1, "model_version": "1.0.0"}\n')
    whole = write_model(tmp_path / "model")
    change_metadata(whole, files={})

    for arguments, complaint in (
        ((tmp_path / "none",), "none: there is no such file"),
        ((tmp_path / "log", "--artifact", models[0]), "log has no line that is a prediction"),
        ((tmp_path / "log", "--artifact", whole), "has no digest of"),
        ((tmp_path / "short", "--artifact", models[0]), "rows of the log have 1 features, the model has 10"),
    ):
        done = lab("model", "drift", *arguments, *(() if "--artifact" in arguments else ("--artifact", models[0])))
        assert (done.returncode, "hint: " in done.stderr) == (2, True)
        assert complaint in done.stderr


@pytest.mark.parametrize(
    ("value", "complaint"), [(None, "PREDICTION_LOG is off"), ("off", "is off"), ("stdout", "is stdout")]
)
def test_a_setting_that_names_no_file_is_told(value: str | None, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(LabError, match=complaint) as told:
        command.setting(value, tmp_path)

    assert told.value.hint


def test_a_setting_that_names_a_file_is_meant_from_the_checkout(tmp_path: Path) -> None:
    assert command.setting("logs/predictions.jsonl", tmp_path) == tmp_path / "logs" / "predictions.jsonl"
    assert command.setting("/var/log/predictions.jsonl", tmp_path) == Path("/var/log/predictions.jsonl")
