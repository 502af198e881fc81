"""`make bench-async`: where async helps and where it does not, measured on the endpoints of docs/migration-guide.md.

Each endpoint is loaded by connections that ask again as soon as they have their answer, while /health of the same
service is asked ten times a second. Servers have one process, on a processor of their own.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import NoReturn

import httpx
import numpy as np
from serving_lab.errors import LabError
from serving_lab.experiment.arms import Load, LoadDriver
from serving_lab.experiment.profile import Profile
from serving_lab.experiment.targets import parse
from serving_lab.generator.fleet import Fleet
from serving_lab.generator.messages import Closed, Open
from serving_lab.generator.outcome import Seconds
from serving_lab.generator.process import HERE, processes
from support import local_http
from support.page import Page
from support.processors import undisturbed
from support.services import free_port, wait_until

from benchmark.shell import command, say, whole_number

GUIDE = Page("docs/migration-guide.md")
HEALTH_RATE = 10.0
_PROFILE = """
requests: {{work: {{request: {{path: {path}}}}}, health: {{request: {{path: /health}}}}}}
bench: {{scenarios: {{work: {{requests: {{work: 1}}}}}}}}
"""
_FILES = ("train.py", "orders.py", "threads.py", "loop.py")


@dataclass(frozen=True)
class Endpoint:
    """What is loaded, and by how many connections."""

    name: str
    server: str
    path: str
    connections: int


ENDPOINTS = (
    Endpoint("model, Flask, 8 threads", "8 threads", "/model", 16),
    Endpoint("model, FastAPI, def", "loop", "/model-def", 16),
    Endpoint("model, FastAPI, async def", "loop", "/model-async", 16),
    Endpoint("lookup, Flask, 8 threads", "8 threads", "/lookup", 64),
    Endpoint("lookup, Flask, 64 threads", "64 threads", "/lookup", 64),
    Endpoint("lookup, FastAPI, def", "loop", "/lookup-def", 64),
    Endpoint("lookup, FastAPI, async def, httpx", "loop", "/lookup-httpx", 64),
    Endpoint("lookup, FastAPI, async def, aiohttp", "loop", "/lookup-async", 64),
    Endpoint("lookup, FastAPI, async def that blocks", "loop", "/lookup-blocked", 64),
)


@dataclass(frozen=True)
class Outcome:
    """What came of a stretch of load."""

    per_second: float
    """Right answers of the endpoint."""
    p99: float
    """Of the endpoint, in seconds."""
    health_p99: float
    """Of /health meanwhile, in seconds."""


Figures = Mapping[str, Outcome]
"""Medians of all rounds, by the endpoint's name."""


def main() -> NoReturn:
    """Exit with 0 when the table is printed, with 2 if it cannot be told."""
    parser = argparse.ArgumentParser(prog="make bench-async", description=__doc__)
    parser.add_argument("--seconds", type=whole_number, default=10, help="how long each endpoint is loaded each time")
    parser.add_argument("--rounds", type=whole_number, default=3)
    arguments = parser.parse_args()
    command(lambda: print(table(measure(rounds=arguments.rounds, seconds=arguments.seconds))))  # noqa: T201 - a command


def measure(*, rounds: int, seconds: float) -> dict[str, Outcome]:
    """Start the servers, load every endpoint in each round, and end them.

    Raises:
        LabError: one does not answer rightly.
    """
    of_servers, of_load = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))
    first = undisturbed()
    generator = processes(1, ["taskset", "--cpu-list", str(of_load), *first, *HERE])
    found: dict[str, list[Outcome]] = {endpoint.name: [] for endpoint in ENDPOINTS}
    with _servers(of_servers, of_load, first) as urls, Fleet(generator) as load, Fleet(generator) as health:
        for number in range(1, rounds + 1):
            say(f"round {number} of {rounds}, about {len(ENDPOINTS) * (seconds + 1):.0f} s")
            for endpoint in ENDPOINTS if number % 2 else reversed(ENDPOINTS):
                url = urls[endpoint.server]
                found[endpoint.name].append(_load(load, health, url, endpoint, seed=number, seconds=seconds))
    return {name: _median(outcomes) for name, outcomes in found.items()}


def table(figures: Figures) -> str:
    """One line for each endpoint."""
    rows = [("", "answers/s", "P99", "P99 of /health")]
    rows += [
        (name, f"{each.per_second:,.0f}", _milliseconds(each.p99), _milliseconds(each.health_p99))
        for name, each in figures.items()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )


def read(text: str) -> dict[str, Outcome]:
    """The figures of a table."""
    figures = {}
    for line in text.splitlines()[1:]:
        *_, per_second, p99, _, health_p99, _ = line.split()
        name = line[: line.index(f" {per_second} ")].strip()
        figures[name] = Outcome(float(per_second.replace(",", "")), _seconds(p99), _seconds(health_p99))
    return figures


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"


def _seconds(milliseconds: str) -> float:
    return float(milliseconds.replace(",", "")) / 1000


def _median(outcomes: Sequence[Outcome]) -> Outcome:
    return Outcome(
        median(each.per_second for each in outcomes),
        median(each.p99 for each in outcomes),
        median(each.health_p99 for each in outcomes),
    )


def _load(load: Fleet, health: Fleet, url: str, endpoint: Endpoint, *, seed: int, seconds: float) -> Outcome:
    """Both generators at once; the one that asks /health ends first."""
    with tempfile.TemporaryDirectory() as directory:
        profile = Path(directory) / "profile.yaml"
        profile.write_text(_PROFILE.format(path=endpoint.path))
        api = Profile.load(profile, {}).api
    target = parse(f"server={url}")
    work = Load({"work": 1}, endpoint.connections, Closed())
    beside = Load({"health": 1}, 8, Open(rate=HEALTH_RATE))
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(LoadDriver(health, [target], api).send, target, beside, seed=seed, seconds=seconds)
        answered = LoadDriver(load, [target], api).send(target, work, seed=seed, seconds=seconds, lead_in=0.5)
        healthy = asked.result()
    if answered.wrong or healthy.wrong:
        raise LabError(f"{endpoint.name}: {answered.wrong or healthy.wrong}")
    if not answered.latencies.size or not healthy.latencies.size:
        raise LabError(f"{endpoint.name}: no answer in {seconds} s", hint="SECONDS=10")
    return Outcome(answered.answered.size / answered.seconds, _p99(answered.latencies), _p99(healthy.latencies))


def _p99(latencies: Seconds) -> float:
    return float(np.quantile(latencies, 0.99, method="inverted_cdf"))


@contextlib.contextmanager
def _servers(processor: int, of_orders: int, first: Sequence[str]) -> Iterator[dict[str, str]]:
    """The URL of each, when all answer."""
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        for name in _FILES:
            (Path(directory) / name).write_text(GUIDE.file(name))
        say("training the model")
        subprocess.run([sys.executable, "train.py"], cwd=directory, check=True)
        orders, eight, many, loop = (free_port() for _ in range(4))
        environment = os.environ | {"ORDERS_URL": f"http://127.0.0.1:{orders}"}
        gunicorn = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--log-level=warning", "threads:app"]
        uvicorn = [sys.executable, "-m", "uvicorn", "--log-level=warning", "loop:app"]
        for words, on in (
            ([sys.executable, "orders.py", str(orders)], of_orders),
            ([*gunicorn, "--threads=8", f"--bind=127.0.0.1:{eight}"], processor),
            ([*gunicorn, "--threads=64", f"--bind=127.0.0.1:{many}"], processor),
            ([*uvicorn, f"--port={loop}"], processor),
        ):
            pinned = ["taskset", "--cpu-list", str(on), *first, *words]
            process = subprocess.Popen(pinned, cwd=directory, env=environment)
            stack.callback(process.wait)
            stack.callback(process.terminate)
        urls = {
            name: f"http://127.0.0.1:{port}"
            for name, port in (("8 threads", eight), ("64 threads", many), ("loop", loop))
        }
        for name, url in urls.items():
            wait_until(partial(_answers, url), f"the server of {name}", seconds=60)
        yield urls


def _answers(url: str) -> bool:
    try:
        return local_http.get(f"{url}/health").status_code == 200
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    main()
