"""Runs a graph; needs the extra `run`."""

import os
import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Read when onnxruntime is imported. Its telemetry threads would keep a forked process from exiting.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

from model_artifact import FEATURES
from model_artifact.errors import ArtifactError, Reason
from model_artifact.metadata import Golden

TOLERANCE = 1e-9
"""Largest allowed relative difference between a prediction of a graph and of scikit-learn."""
_ONE_ROW = (1, FEATURES)
_ALONE = 64


class Session:
    """An ONNX Runtime session; if it is made before a fork, it also works in the children."""

    def __init__(self, graph: bytes) -> None:
        """Load a graph.

        Raises:
            ArtifactError: the runtime refuses it, or it does not take rows of ten doubles and give one for each.
        """
        options = onnxruntime.SessionOptions()
        # One thread: for one row it is faster than a thread pool, and a pool would not survive the fork.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # its log lines are not JSON, and errors are raised anyway
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - the runtime's own exceptions share no narrower base
            raise ArtifactError(Reason.STRUCTURE, f"cannot load the graph: {error}") from None
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if [(one.type, one.shape[1:]) for one in inputs] != [("tensor(double)", [FEATURES])]:
            taken = ", ".join(f"{one.type} {one.shape}" for one in inputs)
            raise ArtifactError(Reason.STRUCTURE, f"the graph takes {taken}, expected rows of {FEATURES} doubles")
        if [(one.type, one.shape[1:]) for one in outputs] != [("tensor(double)", [1])]:
            given = ", ".join(f"{one.type} {one.shape}" for one in outputs)
            raise ArtifactError(Reason.STRUCTURE, f"the graph gives {given}, expected a double for each row")
        self._input, self._output = inputs[0].name, outputs[0].name
        self._row = _Row(self._session, self._input, self._output)

    def predict(self, rows: Sequence[Sequence[float]] | NDArray[np.float64]) -> list[float]:
        """Predict rows of ten features each, in the units of the data set; the values are equal to scikit-learn's."""
        # scikit-learn rounds its input to float32 before it compares it with thresholds.
        features = np.asarray(rows, dtype=np.float32)
        if features.shape == _ONE_ROW:
            return [self._row.predict(features)]
        [predictions] = self._session.run([self._output], {self._input: features.astype(np.float64)})
        values: list[float] = predictions[:, 0].tolist()
        return values


class _Row(threading.local):
    """Memory for one row and its prediction that the runtime knows already: a row at a time takes two thirds as long.

    Each thread has its own, because the runtime lets other threads run meanwhile.
    """

    def __init__(self, session: onnxruntime.InferenceSession, model_input: str, model_output: str) -> None:
        self._session = session
        self._features, self._prediction = np.empty(_ONE_ROW), np.empty((1, 1))
        self._binding = session.io_binding()
        self._binding.bind_cpu_input(model_input, self._features)
        self._binding.bind_output(model_output, "cpu", 0, np.float64, [1, 1], self._prediction.ctypes.data)

    def predict(self, row: NDArray[np.float32]) -> float:
        self._features[:] = row
        self._session.run_with_iobinding(self._binding)
        return self._prediction.item()


def largest_difference(predictions: Sequence[float], expected: Sequence[float]) -> float:
    """The largest difference of predictions from what is expected, relative to that; not a number if one is none."""
    wanted = np.asarray(expected)
    return float(np.max(np.abs(np.asarray(predictions) - wanted) / np.abs(wanted)))


def check_golden(session: Session, golden: Golden) -> float:
    """Compare a session with the answers of scikit-learn, to all rows at once and to some by themselves.

    Returns the largest relative difference.

    Raises:
        ArtifactError: it is above TOLERANCE.
    """
    alone = [value for row in golden.rows[:_ALONE] for value in session.predict([row])]
    difference = largest_difference(
        [*session.predict(golden.rows), *alone], [*golden.predictions, *golden.predictions[:_ALONE]]
    )
    if not difference <= TOLERANCE:
        raise ArtifactError(
            Reason.GOLDEN, f"its answers to the golden rows differ from scikit-learn's by {difference:.3g}, relatively"
        )
    return difference
