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

    def __init__(self, model_dir: str) -> None:
        """Load the model from a directory.

        Raises:
            StartupError: a file is missing or damaged, the graph is not one that services run, or it answers wrongly.
        """
        try:
            artifact = files.read(Path(model_dir))
            check_structure(artifact.graph)
            session = Session(artifact.graph)
            check_golden(session, artifact.golden)
        except ArtifactError as error:
            raise StartupError(f"model: {error}; hint: train-model --output {model_dir} writes a model") from None
        self.info = artifact.info
        self._predict = session.predict

    def predict(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Predict rows of ten features each, in the units of the data set; the values are equal to scikit-learn's."""
        return self._predict(rows)
