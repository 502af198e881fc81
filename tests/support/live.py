"""The live page of any number of services, of which nothing but /metrics answers."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.fake_server import Says, fake_server
from support.load import RunningLocust, running_locust

LOCUSTFILE = Path(__file__).with_name("live_locustfile.py")
NAMES = ["old-api", "new-api", "third-api", "fourth-api", "fifth-api"]
LABELS = ["Old", "New", "Third", "Fourth", "Fifth"]


class Metrics:
    """A service that answers nothing but /metrics, which says that it answers this many requests a second."""

    def __init__(self, rate: float = 10, workers: int = 2) -> None:
        self._rate = rate
        self._workers = workers
        self.restart()

    def restart(self) -> None:
        self._started = time.monotonic()

    def exposition(self) -> str:
        requests = self._rate * (time.monotonic() - self._started)
        return (
            f'http_requests_total{{handler="/predict",method="POST",status="200"}} {requests}\n'
            f'http_request_duration_seconds_bucket{{handler="/predict",le="0.1",method="POST"}} {requests}\n'
            f'http_request_duration_seconds_bucket{{handler="/predict",le="+Inf",method="POST"}} {requests}\n'
            "http_requests_in_progress 3\n"
            f'prediction_cache_requests_total{{result="hit"}} {requests / 4}\n'
            f'prediction_cache_requests_total{{result="miss"}} {requests * 3 / 4}\n'
            f"service_cpu_seconds_total {requests / 100}\n"
            'service_memory_bytes{kind="pss"} 1e8\nservice_memory_limit_bytes 1e9\n'
            'service_info{framework="framework",framework_version="1.2.3",server="gunicorn 27.0.0 gthread",'
            f'python="3.13.5",workers="{self._workers}",model_version="1.0.0",model_sha256="{"ab" * 32}"}} 1\n'
        )


@contextmanager
def serving(metrics: Metrics, port: int) -> Iterator[str]:
    """Serve the metrics at this port."""
    with fake_server(lambda _: Says(metrics.exposition().encode()), port) as server:
        yield server.base_url


@contextmanager
def running_live(directory: Path, *urls: str, **settings: str | float) -> Iterator[RunningLocust]:
    """Locust with the live page of services at these URLs, the baseline first."""
    services = list(zip(NAMES, LABELS, urls, strict=False))
    # Of two locustfiles Locust takes the last one.
    with running_locust(directory, "-f", str(LOCUSTFILE), SERVICES=json.dumps(services), **settings) as locust:
        yield locust
