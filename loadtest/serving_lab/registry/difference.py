"""In what two versions differ: what they are, how good they are, how they were made, and their structure."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from model_artifact.errors import ArtifactError
from model_artifact.structure import check_structure

from serving_lab.errors import LabError
from serving_lab.registry.fetching import fetch
from serving_lab.registry.mlflow import Registry, Version

Value = bool | int | float | str | None


@dataclass(frozen=True)
class Row:
    """One fact about two versions; None where a version has none."""

    group: str
    name: str
    old: Value
    new: Value

    @property
    def change(self) -> float | None:
        """The new number less the old one; None where they are not both numbers."""
        if isinstance(self.old, bool) or isinstance(self.new, bool):
            return None
        if isinstance(self.old, int | float) and isinstance(self.new, int | float):
            return self.new - self.old
        return None


def difference(registry: Registry, old: Version, new: Version) -> list[Row]:
    """Every fact in which two versions differ.

    Raises:
        LabError: the files of one are not those that were pushed.
        RegistryError: the registry does not send them.
    """
    sides = [_facts(registry, version) for version in (old, new)]
    places = dict.fromkeys(place for side in sides for place in side)
    rows = [Row(*place, sides[0].get(place), sides[1].get(place)) for place in places]
    return [row for row in rows if row.old != row.new]


def _facts(registry: Registry, version: Version) -> Mapping[tuple[str, str], Value]:
    with tempfile.TemporaryDirectory() as directory:
        try:
            artifact = fetch(registry, version, Path(directory))
            size = check_structure(artifact.graph)
        except ArtifactError as error:
            raise LabError(
                f"version {version.version} is damaged ({error.reason}): {error}", hint="push it again"
            ) from error
    metadata = artifact.metadata
    groups: dict[str, Mapping[str, Value]] = {
        "metadata": {
            "model version": metadata.version,
            "kind": metadata.model_type,
            "trained": metadata.training_date,
            "data": metadata.dataset,
            "features": ", ".join(metadata.feature_names),
            "signature": msgspec.json.encode(metadata.signature).decode(),
        },
        "digest": {"model.json": artifact.digest, "model.onnx": metadata.sha256, "data": metadata.dataset_sha256},
        "metric": metadata.metrics,
        "parameter": metadata.parameters,
        "structure": {"bytes": len(artifact.graph)} | {name: getattr(size, name) for name in size.__dataclass_fields__},
    }
    return {(group, name): value for group, facts in groups.items() for name, value in facts.items()}
