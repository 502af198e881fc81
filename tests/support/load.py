"""Locust as its users start it: headless to an exit code, or with its web UI."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families
from serving_lab.targets.addresses import url_setting

from support import local_http
from support.services import CATALOGUE, PASSWORD, USERNAME, free_port, wait_until
from support.tiers import at_least

OUTPUT = "output"  # the file in a run's directory that holds what it printed
LOCUSTFILE = Path(__file__).resolve().parents[2] / "loadtest" / "locustfile.py"

Labels = frozenset[tuple[str, str]]
Samples = dict[tuple[str, Labels], float]


@dataclass(frozen=True)
class LoadRun:
    """A headless run that ended: its exit code, what it printed, and Locust's statistics by request name."""

    exit_code: int
    output: str
    statistics: dict[str, dict[str, Any]]

    @property
    def failures(self) -> int:
        return sum(entry["num_failures"] for entry in self.statistics.values())


@dataclass(frozen=True)
class RunningLocust:
    """Locust with its web UI."""

    base_url: str
    log: Path

    def metrics(self) -> Samples:
        """Scrape and parse /metrics: value by sample name and labels."""
        response = local_http.get(f"{self.base_url}/metrics", timeout=10)
        assert response.status_code == 200, response.text
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(response.text)
            for sample in family.samples
        }

    def total(self, name: str, /, **labels: str) -> float:
        """Sum the samples of a name that carry these labels."""
        return sum(
            value
            for (sample, sample_labels), value in self.metrics().items()
            if sample == name and labels.items() <= dict(sample_labels).items()
        )

    def post(self, path: str, **form: str | float) -> None:
        """Press a button of the web UI."""
        local_http.post(f"{self.base_url}{path}", data=form, timeout=10).raise_for_status()


def command(*options: str | float) -> list[str]:
    """Return the command line of Locust with this project's locustfile."""
    return [str(Path(sys.executable).parent / "locust"), "-f", str(LOCUSTFILE), *map(str, options)]


def environment(**settings: str | float) -> dict[str, str]:
    """Return the whole environment of a Locust process: no think time, the tests' credentials, then the settings."""
    defaults: dict[str, str | float] = {
        "PATH": os.environ.get("PATH", os.defpath),
        "API_USERNAME": USERNAME,
        "API_PASSWORD": PASSWORD,
        "THINK_TIME_MIN_SECONDS": 0,
        "THINK_TIME_MAX_SECONDS": 0,
    }
    return {name: str(value) for name, value in (defaults | settings).items()}


def of_services(urls: Mapping[str, str]) -> dict[str, str]:
    """The settings with which Locust loads these services of the catalogue, by their names, whatever their profiles."""
    profiles = [entry.profile for entry in CATALOGUE.entries if entry.name in urls and entry.profile]
    return {url_setting(name): url for name, url in urls.items()} | {"COMPOSE_PROFILES": ",".join(profiles)}


def run_headless(
    directory: Path, *options: str | float, until: Callable[[], bool] | None = None, **settings: str | float
) -> LoadRun:
    """Run Locust to its end, or stop it once a condition holds; `settings` are its environment, the URLs among them."""
    at_least("service", "Locust")
    log = directory / OUTPUT
    with log.open("wb") as output:
        process = subprocess.Popen(
            command("--headless", "--only-summary", "--json-file", str(directory / "statistics"), *options),
            env=environment(**settings),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    with process_ended(process):
        if until is not None:
            wait_until(
                lambda: until() or process.poll() is not None, "the end of the run", seconds=60, explain=log.read_text
            )
            process.terminate()
        process.wait(60)
    saved = directory / "statistics.json"
    entries = json.loads(saved.read_text()) if saved.exists() else []
    return LoadRun(process.returncode, log.read_text(), {entry["name"]: entry for entry in entries})


@contextlib.contextmanager
def running_locust(directory: Path, *options: str | float, **settings: str | float) -> Iterator[RunningLocust]:
    """Start Locust with its web UI on a free port, yield it once it answers, and stop it."""
    at_least("service", "Locust")
    port = free_port()
    log = directory / f"locust-{port}.log"
    with (
        log.open("wb") as output,
        process_ended(
            subprocess.Popen(
                command("--web-host", "127.0.0.1", "--web-port", port, *options),
                env=environment(**settings),
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        ),
    ):
        locust = RunningLocust(f"http://127.0.0.1:{port}", log)
        wait_until(lambda: answers(f"{locust.base_url}/metrics"), "Locust's /metrics", explain=log.read_text)
        yield locust


@contextlib.contextmanager
def process_ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """End the process on leaving, whatever happened."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(url: str) -> bool:
    """Whether the address answers 200 now."""
    try:
        return local_http.get(url, timeout=2).status_code == 200
    except httpx.TransportError:
        return False
