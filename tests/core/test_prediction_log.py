"""The queue of the prediction log, and the thread that empties it."""

import time
from multiprocessing import get_context
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter
from serving_core.runtime.prediction_log import LogEntry, PredictionLog

ENTRY = LogEntry(
    time="", request_id="", user="", features=[1.0], prediction=2.0, cached=False, model_version="1.0.0"
)  # fmt: skip


class SlowFile:
    """A destination that takes its time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, lines: list[bytes]) -> None:
        """Write lines after a while."""
        time.sleep(0.2)
        with self._path.open("ab") as file:
            file.writelines(lines)


@pytest.mark.usefixtures("values_in_memory")
def test_a_worker_that_ends_writes_what_is_queued(tmp_path: Path) -> None:
    """The log is made before the fork, its thread after it."""
    path = tmp_path / "log"
    registry = CollectorRegistry()
    written, dropped = (Counter(name, "Rows.", registry=registry) for name in ("written", "dropped"))
    log = PredictionLog(SlowFile(path), 10, written, dropped)

    def work() -> None:
        log.start()
        log.record(ENTRY)
        log.close()

    worker = get_context("fork").Process(target=work)
    worker.start()
    worker.join(timeout=20)

    assert worker.exitcode == 0
    assert len(path.read_text().splitlines()) == 1
