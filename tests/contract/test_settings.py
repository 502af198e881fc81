"""Settings and models that cannot be: one line that names what is wrong, and an exit code of its own."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING

import onnx
import pytest
from onnx import TensorProto, helper
from support.services import SERVICE_NAMES, refusals

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.services import Refusal, Setting

WRONG_SETTINGS: list[tuple[str, Setting]] = [
    ("SECRET_KEY", None),
    ("SECRET_KEY", "31-bytes-are-not-enough-for-it!"),
    ("API_USERNAME", None),
    ("API_PASSWORD", ""),
    ("PORT", "http"),
    ("PORT", "70000"),
    ("WORKERS", "many"),
    ("WORKERS", "0"),
    ("WORKERS", "1.5"),
    ("THREADS", "0"),
    ("TOKEN_LIFETIME_SECONDS", "0"),
    ("MAX_BODY_BYTES", "1MiB"),
    ("CACHE_MAX_ENTRIES", "0"),
    ("CACHE_URL", "redis.example.org:6379"),
    ("CACHE_URL_FILE", "/no/such/file"),
    ("CACHE_TIMEOUT_SECONDS", "for ever"),
    ("RATE_LIMIT", "often"),
    ("RATE_LIMIT", "0/minute"),
    ("LOGIN_RATE_LIMIT", "never"),
    ("LOGIN_RATE_LIMIT", "0/minute"),
    ("TRUSTED_PROXIES", "everybody"),
    ("SECRET_KEY_FILE", "/no/such/file"),
    ("SECRET_KEY_PREVIOUS", "short"),
    ("DOCUMENTATION", "some"),
    ("CORS_ORIGINS", "*"),
    ("CORS_ORIGINS", "app.example.org"),
    ("CORS_ORIGINS", "https://app.example.org/path"),
    ("PREDICTION_LOG_MAX_BYTES", "-5"),
    ("PREDICTION_LOG_QUEUE_ENTRIES", "0"),
    ("LOG_LEVEL", "loud"),
    ("ACCESS_LOG", "maybe"),
    ("DRAIN_SECONDS", "soon"),
    ("DRAIN_SECONDS", "-1"),
    ("DRAIN_SECONDS", "nan"),
    ("GRACEFUL_TIMEOUT_SECONDS", "-1"),
    ("KEEP_ALIVE_SECONDS", "never"),
    ("WEBSOCKET_TOKEN_SECONDS", "0"),
    ("WEBSOCKET_IDLE_SECONDS", "never"),
]


def the_one_line(refusals: list[Refusal], exit_code: int) -> str:
    """Return the line that all services printed, each after its own name, and nothing else, before they ended."""
    lines = []
    for name, refusal in zip(SERVICE_NAMES, refusals, strict=True):
        assert refusal.exit_code == exit_code, refusal.stderr
        assert refusal.stdout == ""
        assert refusal.stderr.count("\n") == 1, refusal.stderr
        assert "Traceback" not in refusal.stderr
        assert refusal.stderr.startswith(f"{name}: ")
        lines.append(refusal.stderr.removeprefix(f"{name}: "))
    assert set(lines) == {lines[0]}
    return lines[0]


@pytest.mark.parametrize(
    ("setting", "value"), WRONG_SETTINGS, ids=[f"{setting}={value}" for setting, value in WRONG_SETTINGS]
)
def test_a_wrong_setting_is_named_in_one_line(model_dir: Path, setting: str, value: Setting) -> None:
    assert setting in the_one_line(refusals(model_dir, **{setting: value}), exit_code=2)


def test_a_refused_secret_is_not_printed(model_dir: Path) -> None:
    line = the_one_line(refusals(model_dir, SECRET_KEY="too-short-a-secret"), exit_code=2)

    assert "too-short-a-secret" not in line
    assert "32" in line, "it says how long it has to be"


def test_a_secret_is_measured_in_bytes(model_dir: Path) -> None:
    """16 letters of two bytes each are enough: what is refused then is the model."""
    line = the_one_line(refusals(model_dir / "nowhere", SECRET_KEY="ш" * 16), exit_code=1)

    assert "model" in line


def no_directory(directory: Path) -> Path:
    return directory / "nowhere"


def no_graph(directory: Path) -> Path:
    (directory / "model.onnx").unlink()
    return directory


def no_metadata(directory: Path) -> Path:
    (directory / "model.json").unlink()
    return directory


def truncated_graph(directory: Path) -> Path:
    graph = (directory / "model.onnx").read_bytes()
    (directory / "model.onnx").write_bytes(graph[: len(graph) // 2])
    return directory


def one_bit_changed(directory: Path) -> Path:
    graph = bytearray((directory / "model.onnx").read_bytes())
    graph[len(graph) // 2] ^= 1
    (directory / "model.onnx").write_bytes(graph)
    return directory


def metadata_that_is_no_json(directory: Path) -> Path:
    (directory / "model.json").write_text("{")
    return directory


def metadata_without_digest(directory: Path) -> Path:
    return with_metadata(directory, sha256=None)


def no_onnx(directory: Path) -> Path:
    (directory / "model.onnx").write_bytes(b"not a graph")
    return with_metadata(directory, sha256=digest(directory))


def nine_features(directory: Path) -> Path:
    """A graph that loads and sums nine numbers, with metadata that says ten."""
    graph = helper.make_graph(
        [helper.make_node("ReduceSum", ["input"], ["prediction"], keepdims=1)],
        "nine",
        [helper.make_tensor_value_info("input", TensorProto.DOUBLE, [None, 9])],
        [helper.make_tensor_value_info("prediction", TensorProto.DOUBLE, [None, 1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(directory / "model.onnx"))
    return with_metadata(directory, sha256=digest(directory))


def digest(directory: Path) -> str:
    return hashlib.sha256((directory / "model.onnx").read_bytes()).hexdigest()


def with_metadata(directory: Path, **changes: object) -> Path:
    metadata = json.loads((directory / "model.json").read_text()) | changes
    kept = {key: value for key, value in metadata.items() if value is not None}
    (directory / "model.json").write_text(json.dumps(kept))
    return directory


@pytest.mark.parametrize(
    "spoil",
    [
        no_directory, no_graph, no_metadata, truncated_graph, one_bit_changed, metadata_that_is_no_json,
        metadata_without_digest, no_onnx, nine_features,
    ],
    ids=lambda spoil: spoil.__name__.replace("_", " "),
)  # fmt: skip
def test_a_model_that_cannot_be_used_is_refused_in_one_line(
    model_dir: Path, tmp_path: Path, spoil: Callable[[Path], Path]
) -> None:
    copy = tmp_path / "model"
    shutil.copytree(model_dir, copy)

    assert "model" in the_one_line(refusals(spoil(copy)), exit_code=1)
