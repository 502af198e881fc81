"""A model's directory, read and verified.

A service needs model.onnx, model.json and golden.json. The files in evaluation/ are for those who judge a model. Of all
others model.json has the sha256.
"""

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from model_artifact import FEATURES
from model_artifact.errors import ArtifactError, Reason
from model_artifact.metadata import Golden, HeldOut, Metadata, ModelInfo, Reference

GRAPH, METADATA, GOLDEN = "model.onnx", "model.json", "golden.json"
SERVICE_FILES = (GRAPH, METADATA, GOLDEN)
REFERENCE, HELD_OUT = "evaluation/reference.json", "evaluation/held_out.json"
EVALUATION_FILES = (REFERENCE, HELD_OUT)
MAX_GRAPH_BYTES = 64 << 20
MAX_JSON_BYTES = 16 << 20
_T = TypeVar("_T")


@dataclass(frozen=True)
class Artifact:
    """What a service needs of a model; everything in it is verified but the graph's structure."""

    graph: bytes
    info: ModelInfo
    """What /model-info answers."""
    metadata: Metadata
    golden: Golden
    digest: str
    """The sha256 of model.json, which has the digests of all other files: it stands for the whole artifact."""


def read(directory: Path) -> Artifact:
    """Read the files that a service needs, and verify that they belong together.

    Raises:
        ArtifactError: a file is missing, unreadable, too large or damaged, or the model does not take ten features.
    """
    graph = read_bytes(directory, GRAPH, MAX_GRAPH_BYTES)
    text = read_bytes(directory, METADATA, MAX_JSON_BYTES)
    metadata = _decode(text, METADATA, Metadata)
    if metadata.input_features != FEATURES or len(metadata.feature_names) != FEATURES:
        raise ArtifactError(Reason.METADATA, f"it takes {metadata.input_features} features, expected {FEATURES}")
    _verify(graph, GRAPH, metadata.sha256)
    return Artifact(
        graph=graph,
        info=_decode(text, METADATA, ModelInfo),
        metadata=metadata,
        golden=_read_verified(directory, GOLDEN, metadata, Golden),
        digest=hashlib.sha256(text).hexdigest(),
    )


@dataclass(frozen=True)
class Evaluation:
    """What a judge of a model needs besides."""

    reference: Reference
    held_out: HeldOut


def read_evaluation(directory: Path) -> Evaluation:
    """Read the files for judging a model, and verify that they belong to it.

    Raises:
        ArtifactError: as `read` does.
    """
    metadata = _decode(read_bytes(directory, METADATA, MAX_JSON_BYTES), METADATA, Metadata)
    return Evaluation(
        reference=_read_verified(directory, REFERENCE, metadata, Reference),
        held_out=_read_verified(directory, HELD_OUT, metadata, HeldOut),
    )


def read_bytes(directory: Path, name: str, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes; a pipe or a device does not hold it up.

    Raises:
        ArtifactError: it is not there, no such file, or too large.
    """
    path = directory / name
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ArtifactError(Reason.MISSING, f"cannot read {path}: it is not a file")
            content = file.read(limit + 1)
    except OSError as error:
        raise ArtifactError(Reason.MISSING, f"cannot read {path}: {error.strerror}") from None
    if len(content) > limit:
        raise ArtifactError(Reason.STRUCTURE, f"{name} has more than {limit} bytes")
    return content


def _read_verified(directory: Path, name: str, metadata: Metadata, content_type: type[_T]) -> _T:
    content = read_bytes(directory, name, MAX_JSON_BYTES)
    if name not in metadata.files:
        raise ArtifactError(Reason.METADATA, f"{METADATA} has no digest of {name}")
    _verify(content, name, metadata.files[name])
    return _decode(content, name, content_type)


def _verify(content: bytes, name: str, expected: str) -> None:
    digest = hashlib.sha256(content).hexdigest()
    if digest != expected:
        raise ArtifactError(Reason.DIGEST, f"{name} is damaged: its sha256 is {digest}, expected {expected}")


def _decode(content: bytes, name: str, content_type: type[_T]) -> _T:
    try:
        return msgspec.json.decode(content, type=content_type)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ArtifactError(Reason.METADATA, f"{name} is not valid: {error}") from None
