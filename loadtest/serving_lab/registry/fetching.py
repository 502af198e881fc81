"""The files of a version, from the registry to a directory."""

import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from model_artifact import files
from model_artifact.errors import ArtifactError
from model_artifact.errors import Reason as OfArtifact

from serving_lab.errors import LabError
from serving_lab.registry.mlflow import Registry, Version

_MOST_BYTES: Mapping[str, int] = {files.GRAPH: files.MAX_GRAPH_BYTES}


@contextlib.contextmanager
def fetched(registry: Registry, numbers: Iterable[str]) -> Iterator[dict[str, Path]]:
    """Directories with all files of versions, by their numbers; they are gone afterwards.

    Raises:
        LabError: the registry does not answer, or the files of a version are not whole.
    """
    with tempfile.TemporaryDirectory(prefix="lab-model-") as name:
        directories = {number: Path(name, number) for number in numbers}
        for number, directory in directories.items():
            directory.mkdir()
            try:
                fetch(registry, registry.version(number), directory, evaluation=True)
            except ArtifactError as error:
                raise LabError(f"version {number}: {error}", hint="push it again: lab model push DIR") from None
        yield directories


def fetch(registry: Registry, version: Version, directory: Path, *, evaluation: bool = False) -> files.Artifact:
    """Write the files of a version, and verify that they are those that were pushed.

    The names are the lab's own: what the registry calls its files is never a path here.

    Args:
        registry: Has the version.
        version: Which one.
        directory: Where the files go; it is there, and empty.
        evaluation: Also those for judging the model.

    Raises:
        RegistryError: the registry does not send them, in time and within their bounds.
        ArtifactError: they are not those that were pushed, or do not belong together.
        OSError: they cannot be written.
    """
    names = (*files.SERVICE_FILES, *(files.EVALUATION_FILES if evaluation else ()))
    for name in names:
        content = registry.download(version, name, _MOST_BYTES.get(name, files.MAX_JSON_BYTES))
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_bytes(content)
    artifact = files.read(directory)
    if artifact.digest != version.artifact:
        raise ArtifactError(
            OfArtifact.DIGEST,
            f"{files.METADATA} is not the one that was pushed: its sha256 is {artifact.digest}, "
            f"expected {version.artifact}",
        )
    if evaluation:
        files.read_evaluation(directory)
    return artifact
