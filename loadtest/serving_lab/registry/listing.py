"""What is in the registry, and what of it serves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from serving_lab.registry.mlflow import DATASET_SHA256, MODEL_SHA256, MODEL_TYPE, MODEL_VERSION, Registry
from serving_lab.registry.promoting import Followers
from serving_lab.registry.serving import Served


@dataclass(frozen=True)
class Row:
    """A version."""

    version: str
    aliases: Sequence[str]
    pushed: str
    """When, as ISO 8601 in UTC."""
    model_version: str
    model_type: str
    model_sha256: str
    artifact_sha256: str
    dataset_sha256: str
    metrics: Mapping[str, float]
    served_by: Sequence[str]
    """Services that say they serve its graph."""


@dataclass(frozen=True)
class Listing:
    """All versions, and what each service serves."""

    model: str
    versions: Sequence[Row]
    services: Mapping[str, Served]
    silent: Sequence[str]
    """Services that follow the registry and do not answer."""

    @classmethod
    def read(cls, registry: Registry, followers: Followers) -> "Listing":
        """Ask the registry, and the services.

        Raises:
            RegistryError: the registry does not answer.
        """
        aliases = registry.aliases()
        served = followers.served()
        rows = []
        for version in registry.versions():
            sha256 = version.tag(MODEL_SHA256)
            rows.append(
                Row(
                    version=version.version,
                    aliases=sorted(alias for alias, number in aliases.items() if number == version.version),
                    pushed=version.pushed.isoformat(timespec="seconds"),
                    model_version=version.tag(MODEL_VERSION),
                    model_type=version.tag(MODEL_TYPE),
                    model_sha256=sha256,
                    artifact_sha256=version.tag("artifact_sha256"),
                    dataset_sha256=version.tag(DATASET_SHA256),
                    metrics=registry.run(version).metrics if version.run_id else {},
                    served_by=[name for name, now in served.items() if now.model_sha256 == sha256],
                )
            )
        return cls(registry.name, rows, served, [name for name in followers.services if name not in served])
