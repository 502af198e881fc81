"""From a model's directory to a version in the registry."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from model_artifact import files
from model_artifact.errors import ArtifactError
from model_artifact.trial import try_out

from serving_lab.errors import LabError
from serving_lab.registry.mlflow import (
    ARTIFACT_SHA256,
    DATASET_SHA256,
    MODEL_SHA256,
    MODEL_TYPE,
    MODEL_VERSION,
    SIGNATURE,
    Registry,
    Run,
    Version,
)


@dataclass(frozen=True)
class Pushed:
    """What became of a model that was pushed."""

    version: Version
    there_already: bool
    same_graph: Sequence[str] = ()
    """Other versions with the same graph, which answer alike."""


def push(registry: Registry, directory: Path) -> Pushed:
    """Check a model as the services will, and store it as the next version unless it is there already.

    Raises:
        LabError: the model is refused.
        RegistryError: the registry does not take it.
    """
    try:
        artifact = files.read(directory)
        files.read_evaluation(directory)
        trial = try_out(directory)
    except ArtifactError as error:
        raise LabError(
            f"{directory} is refused ({error.reason}): {error}",
            hint="train-model --output DIR writes a model that is accepted",
        ) from error
    if trial.digest != artifact.digest:
        raise LabError(f"{directory} was changed while it was read", hint="push it again")
    versions = registry.versions()
    for version in versions:
        if version.tag(ARTIFACT_SHA256) == artifact.digest:
            return Pushed(version, there_already=True)
    added = registry.add(
        f"{artifact.metadata.version} {artifact.metadata.model_type}",
        _contents(directory),
        _run(artifact),
        _tags(artifact),
    )
    same = [each.version for each in versions if each.tag(MODEL_SHA256) == artifact.metadata.sha256]
    return Pushed(added, there_already=False, same_graph=same)


def _contents(directory: Path) -> dict[str, bytes]:
    names = (*files.SERVICE_FILES, *files.EVALUATION_FILES)
    return {name: files.read_bytes(directory, name, files.MAX_GRAPH_BYTES) for name in names}


def _run(artifact: files.Artifact) -> Run:
    metadata = artifact.metadata
    parameters = {name: _text(value) for name, value in metadata.parameters.items()}
    return Run(metadata.metrics, parameters | {"dataset": metadata.dataset, "training_date": metadata.training_date})


def _tags(artifact: files.Artifact) -> dict[str, str]:
    metadata = artifact.metadata
    return {
        ARTIFACT_SHA256: artifact.digest,
        MODEL_SHA256: metadata.sha256,
        DATASET_SHA256: metadata.dataset_sha256,
        MODEL_VERSION: metadata.version,
        MODEL_TYPE: metadata.model_type,
        SIGNATURE: msgspec.json.encode(metadata.signature).decode(),
    }


def _text(value: bool | float | str | None) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
