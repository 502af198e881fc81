"""A service of somebody else against itself, under two servers: httpbin, in an environment of its own.

Only where PARITY_GENERATE says that there is time for it: httpbin is installed at that moment.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from serving_lab.api.endpoint import Endpoint
from serving_lab.parity.inputs.profile import Profile
from serving_lab.parity.plan import ParityPlan
from support import local_http
from support.checkout import REPOSITORY
from support.services import free_port, wait_until

from parity.comparing import result_of_comparing

pytestmark = [
    pytest.mark.proof,
    pytest.mark.skipif("PARITY_GENERATE" not in os.environ, reason="installs httpbin: make parity-proof"),
]

GENERATE, TIMES = 2000, 3
UV = (sys.executable, str(REPOSITORY / "deploy" / "bootstrap.py"))
HTTPBIN = "httpbin==0.10.4,flasgger==0.9.7.1,gunicorn==27.0.1,waitress==3.0.2"
SERVERS = {
    "gunicorn": ("gunicorn", "--no-control-socket", "--threads", "8", "--bind"),
    "waitress": ("waitress-serve", "--threads", "8", "--listen"),
}


@contextlib.contextmanager
def httpbin(server: str) -> Iterator[Endpoint]:
    address = f"127.0.0.1:{free_port()}"
    command = [*UV, "run", "--no-project", "--isolated", "--with", HTTPBIN, *SERVERS[server], address, "httpbin:app"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def answers() -> bool:
        assert process.poll() is None, f"{command} ended"
        with contextlib.suppress(httpx.TransportError):
            return local_http.get(f"http://{address}/get").status_code == 200
        return False

    try:
        wait_until(answers, f"httpbin under {server}", seconds=120)
        yield Endpoint.parse(f"http://{address}")
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("server", SERVERS)
def test_httpbin_does_not_differ_from_itself(server: str) -> None:
    profile = Profile(openapi="/spec.json", exclude=("* /delay/*", "* /drip"))
    with httpbin(server) as primary, httpbin(server) as candidate:
        for seed in range(TIMES):
            plan = ParityPlan(primary, candidate, profile, generate=GENERATE, seed=seed)

            result = result_of_comparing(plan)

            told = [(cause.kind, cause.where, cause.example.case) for cause in (*result.causes, *result.unsteady)]
            assert (result.exit_code, told) == (0, []), result.why
            assert result.sources["generated"] == GENERATE
