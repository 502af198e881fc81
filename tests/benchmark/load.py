"""The load: wrk on a processor of its own, 16 connections, one thread, a row of its own in every request.

wrk and not the lab's generator, because this is a yardstick: it owes nothing to the code of this repository, it is what
others measure frameworks with, and it does not read answers, so that it costs least. One answer of every server is
checked before it is measured, and wrk counts every status that is not 2xx.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from serving_lab.errors import LabError

from benchmark.servers import TOKEN, Server

CONNECTIONS = 16
FEATURES = Path(__file__).parents[2] / "loadtest" / "features.json"

# Drawn before the clock starts. Twice as many as the cache keeps: none is still in it when its turn comes again.
_SCRIPT = """
local quantiles = {%(quantiles)s}
local requests, last = {}, 0
function init(arguments)
    math.randomseed(tonumber(arguments[1]))
    local headers = {["Authorization"] = "Bearer " .. arguments[2], ["Content-Type"] = "application/json"}
    for number = 1, 20000 do
        local row = {}
        for feature, bounds in ipairs(quantiles) do
            local low = math.random(#bounds - 1)
            row[feature] = string.format("%%.4f", bounds[low] + math.random() * (bounds[low + 1] - bounds[low]))
        end
        requests[number] = wrk.format("POST", "/predict", headers, '{"features": [' .. table.concat(row, ", ") .. ']}')
    end
end
function request()
    last = last %% #requests + 1
    return requests[last]
end
"""


@dataclass(frozen=True)
class Outcome:
    """What a stretch of load found."""

    per_second: float
    """Requests."""
    per_cpu_second: float
    """Requests for each second of the server's processor time: what other programs use does not lower it."""
    cpu_share: float
    """How much of its processor wrk used: near 1, wrk was the limit and not the server."""


class Wrk:
    """Sends load; removes its script when it is closed."""

    def __init__(self, processor: int) -> None:
        """Raises LabError if wrk is missing."""
        if shutil.which("wrk") is None:
            raise LabError("wrk, which sends the load, is missing", hint="apt-get install wrk (or: brew install wrk)")
        self._processor = processor
        self._directory = tempfile.TemporaryDirectory()
        self._script = Path(self._directory.name) / "rows.lua"
        self._script.write_text(script(FEATURES))

    def __enter__(self) -> "Wrk":
        return self

    def __exit__(self, *_: object) -> None:
        self._directory.cleanup()

    def send(self, server: Server, *, seed: int, seconds: int) -> Outcome:
        """Load a server.

        Raises:
            LabError: not every request was answered with 2xx.
        """
        command = ["taskset", "--cpu-list", str(self._processor), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"]
        output = Path(self._directory.name) / "output"
        before = server.cpu_seconds()
        with output.open("w") as stream:
            process = subprocess.Popen(
                [*command, "-s", str(self._script), server.url, "--", str(seed), TOKEN],
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
            _, _, used = os.wait4(process.pid, 0)
            process.returncode = 0
        requests, rate = read(output.read_text(), server.url)
        used_by_server = server.cpu_seconds() - before
        return Outcome(rate, requests / used_by_server, (used.ru_utime + used.ru_stime) / seconds)


def script(features: Path) -> str:
    """wrk's script, with the quantiles that rows are drawn between."""
    quantiles = [feature["quantiles"] for feature in json.loads(features.read_text())]
    return _SCRIPT % {"quantiles": ", ".join(f"{{{_lua(bounds)}}}" for bounds in quantiles)}


def _lua(numbers: Sequence[float]) -> str:
    return ", ".join(map(str, numbers))


def read(output: str, url: str) -> tuple[int, float]:
    """Requests, and requests per second, from what wrk printed.

    Raises:
        LabError: it counted an error, or there is no figure.
    """
    errors = re.search(r"(Non-2xx or 3xx responses|Socket errors): .*", output)
    requests = re.search(r"([0-9]+) requests in", output)
    rate = re.search(r"Requests/sec: +([0-9.]+)", output)
    if errors or not requests or not rate:
        raise LabError(f"wrk at {url}: {errors[0] if errors else output.strip() or 'it printed nothing'}")
    return int(requests[1]), float(rate[1])
