"""Two versions on disk are judged: what may be wrong with either of them, and what is left to read afterwards."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from model_artifact.trial import try_out
from serving_lab.errors import LabError
from serving_lab.model_judge import judging, running
from serving_lab.model_judge.judging import judge
from serving_lab.model_judge.result import AccuracyWord, JudgementResult, Verdict
from serving_lab.model_judge.running import ModelRunError, RunningModel
from serving_lab.model_judge.thresholds import Latency, Moves, Thresholds
from serving_lab.results import files
from support.artifacts import change_graph, change_metadata, write_model
from support.command import lab

pytestmark = pytest.mark.service

QUICK = Thresholds(latency=Latency(rounds=5, calls=10), moves=Moves(sampled_rows=500))


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("old"))


@pytest.fixture
def new(old: Path, tmp_path: Path) -> Path:
    """A copy of the old version, to be changed."""
    return Path(shutil.copytree(old, tmp_path / "new"))


def change_held_out(directory: Path, content: Mapping[str, object]) -> None:
    """Put other held-out rows in their place, with the digest that they have."""
    text = json.dumps(content).encode()
    (directory / "evaluation" / "held_out.json").write_bytes(text)
    digests = json.loads((directory / "model.json").read_text())["files"]
    change_metadata(
        directory, files=digests | {"evaluation/held_out.json": hashlib.sha256(text).hexdigest()}, version="changed"
    )


def held_out(directory: Path) -> dict[str, list[object]]:
    content = json.loads((directory / "evaluation" / "held_out.json").read_text())
    assert isinstance(content, dict)
    return content


def test_a_damaged_new_version_is_refused_with_its_reason(old: Path, new: Path) -> None:
    change_graph(new, b"not a graph")

    found = judge(old, new, QUICK)

    assert (found.verdict, [each.name for each in found.criteria]) == (Verdict.REFUSE, ["artifact"])
    assert found.new is not None
    assert found.latency is None


def test_a_new_version_without_metadata_is_refused(old: Path, new: Path) -> None:
    (new / "model.json").unlink()

    found = judge(old, new, QUICK)

    assert (found.verdict, found.new) == (Verdict.REFUSE, None)
    assert "No such file" in found.criteria[0].text


def test_a_new_version_that_takes_other_features_is_refused(old: Path, new: Path) -> None:
    names = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s6", "s5"]
    change_metadata(new, feature_names=names)

    found = judge(old, new, QUICK)

    assert (found.verdict, found.criteria[0].name) == (Verdict.REFUSE, "signature")
    assert "s6, s5" in found.criteria[0].text


def test_an_old_version_that_is_damaged_is_an_error(new: Path, tmp_path: Path) -> None:
    with pytest.raises(LabError, match="No such file"):
        judge(tmp_path / "nowhere", new, QUICK)


def test_rows_that_only_one_version_held_out_say_nothing(old: Path, new: Path) -> None:
    content = held_out(new)
    change_held_out(new, {key: values[:40] for key, values in content.items()})

    found = judge(old, new, QUICK)

    assert found.errors[0].rows == 40
    assert any("49 of 89 held-out rows say nothing" in each for each in found.warnings)


def test_without_a_row_that_both_held_out_a_person_is_asked(old: Path, new: Path) -> None:
    content = held_out(new)
    change_held_out(new, content | {"rows": [[7.5] * 10 for _ in content["rows"]]})

    found = judge(old, new, QUICK)

    assert found.verdict == Verdict.ASK
    assert [each.word for each in found.errors] == [AccuracyWord.CANNOT_TELL] * 2


def test_targets_of_the_old_version_count(old: Path, new: Path) -> None:
    """Else a version that was made from wrong targets would be right about them."""
    content = held_out(new)
    change_held_out(new, content | {"targets": [0.0 for _ in content["targets"]]})

    found = judge(old, new, QUICK)

    assert found.verdict == Verdict.PROMOTE
    assert found.errors[0].new == found.errors[0].old
    assert any("have other targets in the new version" in each for each in found.warnings)


def test_rows_of_a_log_are_asked_too_and_shown_nowhere(old: Path, new: Path) -> None:
    logged = np.random.default_rng(1).uniform(0, 100, (300, 10)).round(3)

    found = judge(old, new, QUICK, logged=logged)

    assert [each.name for each in found.moves] == ["sampled rows", "logged rows"]
    assert found.moves[1].rows == 300
    assert "logged rows" not in {each.source for each in found.worst_rows}
    with pytest.raises(LabError, match="rows of the log have 9 features"):
        judge(old, new, QUICK, logged=logged[:, :9])


def test_a_few_rows_of_a_log_are_not_enough(old: Path, new: Path) -> None:
    found = judge(old, new, QUICK, logged=np.ones((20, 10)))

    assert [each.name for each in found.moves] == ["sampled rows"]
    assert any("the log has 20 different rows" in each for each in found.warnings)


def test_a_judgement_is_the_same_each_time_but_for_latency(old: Path, tmp_path: Path) -> None:
    new = write_model(tmp_path / "other", seed=2)

    first, second = (judge(old, new, QUICK, seed=3) for _ in range(2))

    assert (first.moves, first.slices, first.errors) == (second.moves, second.slices, second.errors)
    assert judge(old, new, QUICK, seed=4).moves != first.moves


def test_what_needs_a_lot_of_time_or_memory_is_ended(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "ANSWER_SECONDS", 0.5)
    rows = np.ones((100, 10))

    with RunningModel(old) as model, pytest.raises(ModelRunError, match="ended without an answer") as ended:
        model.seconds(rows, 1_000_000_000)

    assert ended.value.directory == old
    monkeypatch.setattr(running, "MEMORY_BYTES", 1 << 20)
    with RunningModel(old) as model, pytest.raises(ModelRunError, match="ended without an answer"):
        model.predict(np.ones((2000, 10)))


def test_a_new_version_that_dies_is_refused_and_an_old_one_is_an_error(
    old: Path, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies_once_tried(directory: Path) -> object:
        trial = try_out(directory)
        (new / "model.onnx").unlink()
        return trial

    monkeypatch.setattr(judging, "try_out", dies_once_tried)

    found = judge(old, new, QUICK)

    assert found.verdict == Verdict.REFUSE
    assert "ended without an answer (status 1): " in found.criteria[0].text

    again = Path(shutil.copytree(old, new.parent / "again"))
    monkeypatch.setattr(judging, "try_out", lambda _: (again / "model.onnx").unlink())
    with pytest.raises(LabError, match="ended without an answer"):
        judge(again, old, QUICK)


def test_the_command_leaves_a_result_and_a_page_and_says_what_follows(old: Path, new: Path, tmp_path: Path) -> None:
    change_graph(new, b"not a graph")

    same = lab("model", "judge", old, old, "--output", tmp_path / "out")
    refused = lab("model", "judge", old, new, "--output", tmp_path / "refused")

    assert (same.returncode, refused.returncode) == (0, 1)
    assert "Promote: nothing speaks against it." in same.stdout
    assert "Refuse: " in refused.stdout
    result = files.read(tmp_path / "out" / "judgement.json", JudgementResult)
    assert result.verdict == Verdict.PROMOTE
    assert (tmp_path / "refused" / "judgement.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("nowhere", "nowhere"), "nowhere: cannot read"),
        (("OLD", "OLD", "--thresholds", "none.yaml"), "none.yaml: No such file"),
        (("OLD", "OLD", "--log", "none.jsonl"), "none.jsonl: there is no such file"),
        (("OLD", "OLD", "--output", "/dev/null/out"), "Not a directory"),
    ],
)
def test_wrong_input_is_an_error_with_a_hint(old: Path, arguments: tuple[str, ...], complaint: str) -> None:
    done = lab("model", "judge", *(str(old) if each == "OLD" else each for each in arguments))

    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
