"""What is read of a model's directory, and by what it stands for itself."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from model_artifact import files
from model_artifact.errors import ArtifactError, Reason
from support.artifacts import change_metadata, write_model


def test_what_a_service_needs_is_read(small: Path) -> None:
    artifact = files.read(small)

    assert artifact.graph == (small / "model.onnx").read_bytes()
    assert artifact.info.sha256 == hashlib.sha256(artifact.graph).hexdigest()
    assert len(artifact.golden.rows) == len(artifact.golden.predictions) == 512
    assert artifact.metadata.signature.input.shape == (None, 10)


def test_model_info_is_what_it_was(small: Path) -> None:
    """The answer of /model-info has nothing of what model.json says besides."""
    assert list(msgspec.to_builtins(files.read(small).info)) == [
        *("version", "model_type", "input_features", "feature_names", "dataset", "training_date"),
        *("metrics", "format", "sha256"),
    ]


def test_models_that_differ_in_anything_have_different_digests(small: Path, tmp_path: Path) -> None:
    other_version = write_model(tmp_path / "version", version="2.0.0")
    other_trees = write_model(tmp_path / "trees", seed=2)

    assert files.read(other_version).graph == files.read(small).graph
    assert len({files.read(directory).digest for directory in (small, other_version, other_trees)}) == 3


def test_golden_rows_are_nobodys(small: Path) -> None:
    real = {tuple(row) for row in files.read_evaluation(small).held_out.rows}

    assert not real & set(files.read(small).golden.rows)


def test_what_a_judge_needs_is_read(small: Path) -> None:
    evaluation = files.read_evaluation(small)

    assert len(evaluation.held_out.rows) == len(evaluation.held_out.targets) == 89
    assert list(evaluation.reference.features) == list(files.read(small).info.feature_names)
    for marginal in (*evaluation.reference.features.values(), evaluation.reference.target):
        assert marginal.rows == 353
        assert list(marginal.quantiles) == sorted(marginal.quantiles)
    assert evaluation.reference.predictions.rows == 89


@pytest.mark.parametrize("name", files.EVALUATION_FILES)
def test_a_judge_gets_no_other_files_than_the_models(model: Path, name: str) -> None:
    content = json.loads((model / name).read_text())
    (model / name).write_text(json.dumps(content, indent=1))

    with pytest.raises(ArtifactError, match="is damaged") as refused:
        files.read_evaluation(model)

    assert refused.value.reason is Reason.DIGEST


def test_a_file_without_a_digest_is_not_believed(model: Path) -> None:
    change_metadata(model, files={})

    with pytest.raises(ArtifactError, match=r"model.json has no digest of golden.json"):
        files.read(model)


def test_an_error_is_one_short_line_whatever_a_file_says(model: Path) -> None:
    change_metadata(model, model_type="\x1b[2J\n" + "long" * 1000)

    with pytest.raises(ArtifactError) as refused:
        files.read(model)

    assert str(refused.value).isprintable()
    assert len(str(refused.value)) <= 400


def test_a_service_needs_no_file_for_judging(model: Path) -> None:
    for name in files.EVALUATION_FILES:
        (model / name).unlink()

    assert files.read(model).info.version == "1.0.0"


def test_reading_and_checking_need_neither_numpy_nor_a_runtime() -> None:
    """What resolves aliases of a registry has none."""
    program = (
        "import sys; from model_artifact import files, structure, store, trial;"
        "print([name for name in ('numpy', 'onnxruntime', 'onnx', 'google.protobuf') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
