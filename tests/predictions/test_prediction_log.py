"""Prediction logs as services leave them: rotated, packed, with damaged lines and those of other logs in between."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from serving_lab.errors import LabError
from serving_lab.predictions import prediction_log
from serving_lab.predictions.prediction_log import PredictionLog


def line(number: float = 1.0, version: str = "1.0.0", **changes: object) -> str:
    entry = {
        "time": f"2026-11-30T06:00:{number:02.0f}.000000+00:00",
        "request_id": "a",
        "user": "b",
        "features": [number] * 10,
        "prediction": 150 + number,
        "cached": False,
        "model_version": version,
    }
    return json.dumps(entry | changes)


def read(*lines: str) -> PredictionLog:
    log = PredictionLog()
    log.take("log", [f"{each}\n".encode() for each in lines])
    return log


def test_rows_are_kept_by_the_version_that_answered() -> None:
    log = read(line(1), line(2, "2.0.0"), line(3))

    assert log.versions["1.0.0"].rows.tolist() == [[1.0] * 10, [3.0] * 10]
    assert log.versions["1.0.0"].predictions.tolist() == [151.0, 153.0]
    assert len(log.versions["2.0.0"]) == 1
    assert (log.versions["1.0.0"].first[:19], log.versions["1.0.0"].last[17:19]) == ("2026-11-30T06:00:01", "03")


def test_a_row_that_comes_again_counts_once() -> None:
    version = read(line(1), line(1, cached=True), line(1), line(2)).versions["1.0.0"]

    assert (len(version), version.repeated) == (2, 2)


@pytest.mark.parametrize(
    "damaged",
    [
        line()[:-20],
        line(features="none"),
        line(features=[]),
        line(prediction=None),
        line().replace('"prediction": 151.0', '"prediction": NaN'),
        line().replace('"prediction": 151.0', '"prediction": 1e999'),
        '{"features": ' + "[" * 5000,
        line()[30:],
        "{",
        '{"features": [1]}',
    ],
)
def test_a_damaged_line_is_counted_and_costs_no_other(damaged: str) -> None:
    log = read(line(1), damaged, line(2))

    assert (log.damaged, log.other, len(log.versions["1.0.0"])) == (1, 0, 2)
    assert log.first_fault is not None
    assert log.first_fault.startswith("log line 2: ")


def test_lines_of_other_logs_are_no_damage() -> None:
    log = read(line(1), '{"level": "info", "message": "started"}', "Traceback (most recent call last):", "", line(2))

    assert (log.damaged, log.other, len(log.versions["1.0.0"])) == (0, 2, 2)


def test_the_name_of_a_service_in_front_is_read_past() -> None:
    assert len(read(f"fastapi-api  | {line(1)}").versions["1.0.0"]) == 1


def test_rows_of_another_length_than_most_are_left_out() -> None:
    log = read(line(1, features=[1, 2]), line(2), line(3))

    assert (len(log.versions["1.0.0"]), log.unusual, log.versions["1.0.0"].features) == (2, 1, 10)


def test_a_log_is_read_with_all_that_it_was_rotated_to(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    path.write_text(f"{line(1)}\n")
    (tmp_path / "predictions.jsonl.1").write_text(f"{line(2)}\n")
    (tmp_path / "predictions.jsonl.10").write_text(f"{line(3)}\n")
    (tmp_path / "predictions.jsonl.2.gz").write_bytes(gzip.compress(f"{line(4)}\n".encode()))
    (tmp_path / "predictions.jsonl.old").write_text(f"{line(5)}\n")

    log = prediction_log.read(path)

    assert [Path(name).name.removeprefix("predictions.jsonl") for name in log.files] == ["", ".1", ".2.gz", ".10"]
    assert len(log.versions["1.0.0"]) == 4


def test_between_two_renames_of_a_rotation_the_older_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "log.1").write_text(f"{line(1)}\n")

    assert len(prediction_log.read(tmp_path / "log").versions["1.0.0"]) == 1


def test_beyond_so_many_rows_the_older_files_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction_log, "MOST_ROWS", 2)
    (tmp_path / "log").write_text(f"{line(1)}\n{line(2)}\n")
    (tmp_path / "log.1").write_text(f"{line(3)}\n")

    log = prediction_log.read(tmp_path / "log")

    assert (log.versions["1.0.0"].rows[:, 0].tolist(), log.left_out) == ([1, 2], 1)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "there is no such file"),
        (b"", "has no line that is a prediction: PREDICTION_LOG=off logs nothing"),
        (b"{\n", "has no line that is a prediction: .* line 1: "),
        (gzip.compress(line().encode() * 1000)[:-20], "is damaged"),
    ],
)
def test_what_cannot_be_read_is_told_with_what_to_do(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    path = tmp_path / "log"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(LabError, match=complaint) as raised:
        prediction_log.read(path)

    assert raised.value.hint


def test_a_folder_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="No such file or directory"):
        prediction_log.read(tmp_path / "nowhere" / "log")


@pytest.mark.service
@pytest.mark.parametrize("closed", [False, True])
def test_a_log_comes_through_standard_input(closed: bool) -> None:
    code = """
from serving_lab.errors import LabError
from serving_lab.predictions import prediction_log
try:
    print(len(prediction_log.read_standard_input().versions["1.0.0"]))
except LabError as error:
    print(error)
"""
    command = [sys.executable, "-c", code]
    if closed:
        command = ["sh", "-c", 'exec "$@" <&-', "sh", *command]

    done = subprocess.run(command, input=f"{line(1)}\nother\n{line(2)}\n", capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "2" if not closed else "standard input cannot be read" in done.stdout


@pytest.mark.usefixtures("values_in_memory")
def test_a_log_is_read_as_services_write_it(tmp_path: Path) -> None:
    from prometheus_client import CollectorRegistry, Counter
    from serving_core.runtime.log_file import RotatingFile
    from serving_core.runtime.prediction_log import LogEntry
    from serving_core.runtime.prediction_log import PredictionLog as Writer

    counters = [Counter(name, name, registry=CollectorRegistry()) for name in ("written", "dropped")]
    path = tmp_path / "predictions.jsonl"
    writer = Writer(RotatingFile(str(path), 2000, 3), 1000, *counters)
    writer.start()
    for number in range(20):
        row = [number / 3] * 10
        writer.record(
            LogEntry(
                time="2026-11-30T06:00:00+00:00",
                request_id=str(number),
                user="somebody",
                features=row,
                prediction=number / 7,
                cached=False,
                model_version="1.0.0",
            )
        )
    writer.close()

    log = prediction_log.read(path)

    assert len(list(tmp_path.iterdir())) > 1, "it was rotated"
    assert sorted(log.versions["1.0.0"].rows[:, 0]) == [number / 3 for number in range(20)]
    assert (log.damaged, log.other) == (0, 0)
