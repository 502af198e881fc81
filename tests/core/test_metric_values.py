"""Values of metrics: what processes and threads count, the client library's own reader finds in their files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# In a process of its own: the library's choice of the class is made once for all metrics of a process.
_COUNTS = """
import os, sys
from pathlib import Path
from threading import Thread
from prometheus_client import CollectorRegistry, generate_latest, multiprocess
from serving_core.runtime import exposition
from serving_core.runtime.metrics import Metrics, enter_slot

directory = Path(sys.argv[1])
metrics = Metrics(directory, workers=3)

def count(requests):
    for number in range(requests):
        metrics.requests_in_progress.inc()
        metrics.observe_request("POST", "/predict", 200, number / 1000)
        metrics.inference_seconds["/predict"].observe(2e-5)
        metrics.predictions["/predict"].inc(2)
        metrics.requests_in_progress.dec()
    for method in ("GET", "PUT", "DELETE"):
        metrics.observe_request(method, "x" * 30_000, 404, 0.1)

count(1)
for slot in (1, 2, 1):
    if not (child := os.fork()):
        enter_slot(slot)
        threads = [Thread(target=count, args=(500,)) for _ in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
count(1)
registry = CollectorRegistry()
multiprocess.MultiProcessCollector(registry, str(directory))
print(exposition.text(directory.glob("*.db")) if sys.argv[2] == "ours" else generate_latest(registry).decode())
"""


@pytest.mark.parametrize("reader", ["ours", "theirs"])
def test_processes_and_threads_lose_no_count(tmp_path: Path, reader: str) -> None:
    told = counted(tmp_path, reader)

    requests = 2 + 3 * 4 * 500
    assert told['http_requests_total{handler="/predict",method="POST",status="200"}'] == requests
    assert told['predictions_total{handler="/predict"}'] == 2 * requests
    assert told['http_request_duration_seconds_count{handler="/predict",method="POST"}'] == requests
    assert told['http_request_duration_seconds_sum{handler="/predict",method="POST"}'] == pytest.approx(
        3 * 4 * sum(range(500)) / 1000
    )
    assert told['http_request_duration_seconds_bucket{handler="/predict",le="0.25",method="POST"}'] == 2 + 3 * 4 * 251
    assert told['model_inference_duration_seconds_bucket{handler="/predict",le="2.5e-05"}'] == requests
    assert told["http_requests_in_progress"] == 0


@pytest.mark.parametrize("reader", ["ours", "theirs"])
def test_values_stay_where_they_are_when_their_file_becomes_longer(tmp_path: Path, reader: str) -> None:
    told = counted(tmp_path, reader)

    name = "x" * 30_000
    assert told[f'http_requests_total{{handler="{name}",method="PUT",status="404"}}'] == 2 + 3 * 4
    assert told[f'http_request_duration_seconds_count{{handler="{name}",method="DELETE"}}'] == 2 + 3 * 4


def counted(directory: Path, reader: str) -> dict[str, float]:
    """The samples that are told of what the program above counts."""
    run = subprocess.run(
        [sys.executable, "-c", _COUNTS, str(directory), reader],
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    samples = (line.rsplit(" ", 1) for line in run.stdout.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, value in samples}
