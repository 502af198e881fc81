"""Services in which a loop is planted, and the extra pairs that are to find it."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
from serving_lab.api.endpoint import Endpoint
from serving_lab.experiment.arms import Load, LoadDriver
from serving_lab.experiment.profile import Profile
from serving_lab.experiment.targets import Target
from serving_lab.explain import pairs
from serving_lab.explain.records import Explanation
from serving_lab.generator.fleet import Fleet
from serving_lab.generator.messages import Closed
from support import local_http
from support.quiet import Quiet
from support.services import free_port, wait_until

PLANTED_SECONDS = 100e-6
PROFILE = """
requests:
  total:
    request: {method: GET, path: /total}
    expect: {json: {$.total: number}}
bench:
  scenarios:
    sequential: {requests: {total: 1}, connections: 1}
  default: [sequential]
"""


@contextlib.contextmanager
def shop(name: str, planted: float) -> Iterator[Target]:
    """Run the service under gunicorn, with a loop of so many seconds in its handler."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--workers", "1", "--threads", "2", "--bind", f"127.0.0.1:{port}"]
    with subprocess.Popen(
        [*command, "--no-control-socket", "--log-level", "error", "shop:app"],
        cwd=Path(__file__).parent,
        env={**os.environ, "PLANTED_SECONDS": str(planted)},
    ) as process:
        try:
            endpoint = Endpoint.parse(f"http://127.0.0.1:{port}")
            wait_until(lambda: _answers(f"{endpoint.url}/total"), f"{name} answers")
            yield Target(name, endpoint, endpoint, pid=process.pid)
        finally:
            process.terminate()


def explained(planted: Mapping[str, float], seed: int) -> Explanation:
    """Return what explains the differences between shops, by name and with what is planted; the baseline first."""
    with contextlib.ExitStack() as running, tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "profile.yaml")
        path.write_text(PROFILE)
        targets = [running.enter_context(shop(name, seconds)) for name, seconds in planted.items()]
        driver = LoadDriver(running.enter_context(Fleet()), targets, Profile.load(path, {}).api)
        load = Load({"total": 1.0}, 1, Closed())
        for target in targets:
            driver.send(target, load, seed=seed, seconds=1.0)
        loads = dict.fromkeys(planted, load)
        return pairs.explain(driver, "sequential", loads, seed, [], Quiet())


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return local_http.get(url, timeout=5).status_code == 200
    return False
