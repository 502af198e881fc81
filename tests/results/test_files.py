"""Result files: what is written is read again, files of version 1 stay readable, and others are told apart."""

import json
import subprocess
from pathlib import Path

import msgspec
import pytest
from made.comparison import make_parity
from made.drift import DRIFTED
from made.footprint import make_footprint
from made.judgement import REFUSED
from made.measurement import measured
from serving_lab.bench.comparing import compare
from serving_lab.bench.result import BenchResult
from serving_lab.errors import LabError
from serving_lab.footprint.result import FootprintResult
from serving_lab.parity.result import ParityResult
from serving_lab.results import files
from serving_lab.results.envelope import Envelope, Metadata

VERSION_1 = Path(__file__).parent / "version1"
"""Written by the code of the last revision with version 1, from its own tests' builders."""
RESULTS: tuple[Envelope, ...] = (measured(), make_footprint(), make_parity(), REFUSED, DRIFTED)


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: type(result).__name__)
def test_what_is_written_is_read_again(tmp_path: Path, result: Envelope) -> None:
    path = tmp_path / "folder" / "result.json"

    files.write(path, result)

    assert files.read(path, type(result)) == result
    assert json.loads(path.read_text())["schema"] == type(result).file_format.schema


def test_a_measurement_of_version_1_keeps_its_verdicts_and_circumstances() -> None:
    result = files.read(VERSION_1 / "bench.json", BenchResult)

    assert result.schema == "serving-lab.bench/4"
    assert (result.testbed.mode, result.testbed.generator) == ("containers", "2 processes on the host")
    assert result.machine is not None
    assert (result.machine.processor, result.machine.load) == ("AMD EPYC 7B13", 0.21)
    assert [target.name for target in result.targets] == ["flask-api", "fastapi-api"]
    steady, knee = result.scenarios
    assert {each.metric: each.verdict for each in steady.comparisons} == dict.fromkeys(("p50", "p99", "cpu"), "faster")
    assert steady.distributions["flask-api"].count == 12_000
    assert knee.refused == ["fastapi-api was restarted meanwhile"]


def test_a_measurement_of_version_2_had_a_fixed_number_of_pairs(tmp_path: Path) -> None:
    document = json.loads(msgspec.json.encode(measured()))
    del document["budget_seconds"], document["scenarios"][0]["looks"]
    (tmp_path / "bench.json").write_text(json.dumps({**document, "schema": "serving-lab.bench/2"}))

    result = files.read(tmp_path / "bench.json", BenchResult)

    assert result == measured()
    assert (result.budget_seconds, result.scenarios[0].looks) == (None, [])


def test_a_measurement_of_version_1_can_be_compared_with_a_new_one(tmp_path: Path) -> None:
    old = files.read(VERSION_1 / "bench.json", BenchResult)
    files.write(tmp_path / "new.json", old)

    compared = compare(old, files.read(tmp_path / "new.json", BenchResult), margin=0.03)

    assert compared.circumstances == []
    assert {each.verdict for each in compared.scenarios[0].comparisons} <= {"equivalent", "undecided"}


def test_a_footprint_of_version_1_keeps_its_numbers() -> None:
    result = files.read(VERSION_1 / "footprint.json", FootprintResult)

    assert (result.engine, result.mode) == ("Docker 27.5", "containers")
    assert result.machine is not None
    assert (result.machine.cores, result.machine.load) == (4, None)
    assert msgspec.structs.replace(result, schema="") == msgspec.structs.replace(make_footprint(), schema="")


def test_a_comparison_of_version_1_keeps_its_causes() -> None:
    result = files.read(VERSION_1 / "parity.json", ParityResult)

    assert (result.verdict, result.exit_code, result.machine) == ("different", 1, None)
    (cause,) = result.causes
    assert (cause.where, cause.count) == ("status", 900)


@pytest.mark.parametrize(
    ("content", "complaint", "hint"),
    [
        (None, "No such file or directory", "lab bench writes one"),
        ("{}", "is not a result of lab bench: .*`schema`", "lab bench writes one"),
        ("no JSON", "is not a result of lab bench: JSON is malformed", "lab bench writes one"),
        ('{"schema": "serving-lab.bench/4"}', "is not a result of lab bench: .*missing", "lab bench writes one"),
        ('{"schema": "lab.bench/1"}', "is not a result of lab bench: 'machine'", "lab bench writes one"),
        ('{"schema": "lab.bench/1", "machine": 1}', "is not a result of lab bench", "lab bench writes one"),
        (
            '{"schema": "serving-lab.parity/2"}',
            "has the schema 'serving-lab.parity/2', and 'serving-lab.bench/4' is needed",
            "lab bench writes one",
        ),
        (
            '{"schema": "serving-lab.bench/5"}',
            "'serving-lab.bench/5', which is newer than this lab's",
            "pip install --upgrade serving-lab",
        ),
    ],
)
def test_what_is_not_a_result_is_an_error_with_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, complaint: str, hint: str
) -> None:
    monkeypatch.chdir(tmp_path)  # outside of a checkout, where there is no make
    path = tmp_path / "bench.json"
    if content is not None:
        path.write_text(content)

    with pytest.raises(LabError, match=complaint) as raised:
        files.read(path, BenchResult)

    assert str(raised.value).startswith(str(path))
    assert raised.value.hint == hint


def test_a_place_that_cannot_be_written_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")

    with pytest.raises(LabError, match=r"taken.*") as raised:
        files.write(tmp_path / "taken" / "bench.json", measured(), "--output DIR")

    assert raised.value.hint == "--output DIR"


def test_metadata_tells_when_where_and_with_what(tmp_path: Path) -> None:
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        (tmp_path / "file").touch()
        identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        subprocess.run(["git", "-C", str(tmp_path), *identity, *command], check=True)
    clean = Metadata.begin(["numpy", "not-installed"], tmp_path)
    (tmp_path / "file").write_text("changed")
    changed = Metadata.begin(root=tmp_path)

    assert clean.started.endswith("+00:00")
    assert clean.machine.cores > 0
    assert clean.machine.load is not None
    assert clean.versions.keys() == {"serving-lab", "numpy", "python"}
    assert clean.revision is not None
    assert len(clean.revision) == 40
    assert changed.revision == f"{clean.revision}+"
    assert clean.revision_unknown is None


def test_a_commit_that_is_not_known_comes_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Metadata.begin(root=tmp_path).revision_unknown == "no git checkout"
    unknown = msgspec.structs.replace(measured(), revision=None, revision_unknown="no git checkout")
    assert unknown.commit == "unknown: no git checkout"

    git = tmp_path / "git"
    said = f"fatal: detected dubious ownership in repository at '{tmp_path}'"
    git.write_text(f'#!/bin/sh\necho "{said}" >&2\nexit 128\n')
    git.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Metadata.begin(root=tmp_path).revision_unknown == (
        f"the checkout belongs to another user (git config --global --add safe.directory {tmp_path})"
    )

    git.unlink()
    assert Metadata.begin(root=tmp_path).revision_unknown == "git is not installed"
