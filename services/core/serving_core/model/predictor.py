"""Runs the model."""

from collections.abc import Sequence

import numpy as np
import onnxruntime

from serving_core.bounds import FEATURES
from serving_core.model.artifact import ModelInfo, load_artifact
from serving_core.runtime.lifecycle import StartupError


class Predictor:
    """An ONNX Runtime session of a verified model; if it is loaded before a fork, it also works in the children."""

    def __init__(self, model_dir: str) -> None:
        """Load the model from a directory.

        Raises:
            StartupError: the artifact is missing or damaged, or its graph does not take rows of ten features.
        """
        graph, self.info = load_artifact(model_dir)
        options = onnxruntime.SessionOptions()
        # One thread: for one row it is faster than a thread pool, and a pool would not survive the fork.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # its log lines are not JSON, and errors are raised anyway
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 - the runtime's own exceptions share no narrower base
            raise StartupError(f"model: cannot load {model_dir}/model.onnx: {str(error).splitlines()[0]}") from None
        [model_input] = self._session.get_inputs()
        [model_output] = self._session.get_outputs()
        if model_input.type != "tensor(double)" or model_input.shape[1:] != [FEATURES]:
            raise StartupError(
                f"model: {model_dir}/model.onnx takes {model_input.type} {model_input.shape}, "
                f"expected rows of {FEATURES} doubles"
            )
        self._input, self._output = model_input.name, model_output.name

    info: ModelInfo

    def predict(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Predict rows of ten features each, in the units of the data set; the values are equal to scikit-learn's."""
        # scikit-learn rounds its input to float32 before it compares it with thresholds.
        features = np.asarray(rows, dtype=np.float32).astype(np.float64)
        [predictions] = self._session.run([self._output], {self._input: features})
        values: list[float] = predictions[:, 0].tolist()
        return values
