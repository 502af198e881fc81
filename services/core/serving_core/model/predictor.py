"""Runs the model."""

from collections.abc import Sequence
from pathlib import Path

from model_artifact import files
from model_artifact.errors import ArtifactError
from model_artifact.metadata import ModelInfo
from model_artifact.session import Session, check_golden
from model_artifact.structure import check_structure

from serving_core.runtime.lifecycle import StartupError


class Predictor:
    """A session of a verified model; if it is loaded before a fork, it also works in the children."""

    info: ModelInfo
    digest: str
    """Of the artifact (`model_artifact.files.Artifact.digest`)."""

    def __init__(self, directory: Path) -> None:
        """Load the model from a directory.

        Raises:
            ArtifactError: a file is missing or damaged, the graph is not one that services run, or it answers wrongly.
        """
        artifact = files.read(directory)
        check_structure(artifact.graph)
        session = Session(artifact.graph)
        check_golden(session, artifact.golden)
        self.info = artifact.info
        self.digest = artifact.digest
        self._predict = session.predict

    def predict(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Predict rows of ten features each, in the units of the data set; the values are equal to scikit-learn's."""
        return self._predict(rows)


def load_predictor(model_dir: str) -> Predictor:
    """Load the model that a service cannot start without.

    Raises:
        StartupError: it cannot be used.
    """
    try:
        return Predictor(Path(model_dir))
    except ArtifactError as error:
        raise StartupError(f"model: {error}; hint: train-model --output {model_dir} writes a model") from None
