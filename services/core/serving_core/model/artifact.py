"""The model artifact on disk: a graph and its metadata, verified before use."""

import hashlib
from pathlib import Path
from typing import Literal

import msgspec

from serving_core.bounds import FEATURES
from serving_core.runtime.lifecycle import StartupError


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Origin and quality of a model; the fields of the answer of /model-info."""

    version: str
    model_type: Literal["random_forest"]
    input_features: int
    feature_names: tuple[str, ...]
    dataset: str
    training_date: str
    metrics: dict[str, float]
    format: Literal["onnx"]
    sha256: str


def load_artifact(directory: str) -> tuple[bytes, ModelInfo]:
    """Read `model.onnx` and `model.json` from a directory and verify that they belong together.

    Raises:
        StartupError: a file is missing, unreadable or damaged, or the model does not take ten features.
    """
    try:
        graph = Path(directory, "model.onnx").read_bytes()
        info = msgspec.json.decode(Path(directory, "model.json").read_bytes(), type=ModelInfo)
    except OSError as error:
        raise StartupError(
            f"model: cannot read {error.filename}: {error.strerror}; hint: train-model --output {directory} creates it"
        ) from None
    except msgspec.MsgspecError as error:
        raise StartupError(f"model: {directory}/model.json is not valid metadata of a model: {error}") from None
    digest = hashlib.sha256(graph).hexdigest()
    if digest != info.sha256:
        raise StartupError(f"model: {directory}/model.onnx is damaged: its sha256 is {digest}, expected {info.sha256}")
    if info.input_features != FEATURES or len(info.feature_names) != FEATURES:
        raise StartupError(f"model: {directory} takes {info.input_features} features, expected {FEATURES}")
    return graph, info
