"""The steps of the tour, in their order."""

import contextlib
import shlex
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from serving_lab import exit_codes
from serving_lab.api.endpoint import Endpoint
from serving_lab.bench.result import BenchResult
from serving_lab.errors import LabError
from serving_lab.experiment import readings
from serving_lab.parity.result import ParityResult
from serving_lab.project import Project
from serving_lab.results import files
from serving_lab.stack.base import Mode
from serving_lab.stack.environment import Settings
from serving_lab.stack.service import LOCUST, LOOPBACK, Service
from serving_lab.stack.services import services, targets
from serving_lab.targets.reading import Counters
from serving_lab.text import phrases
from serving_lab.tour import findings
from serving_lab.tour.locust_ui import LocustUi
from serving_lab.tour.planted import DELAY_SECONDS
from serving_lab.tour.walk import Walk

COUNT = 8
RESULTS = Path("results", "tour")
"""Relative to the checkout: nothing there is but the tour's."""
_PATIENT = '{"features": [59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.8598, 87]}'
_USERS, _RATE = 10, 5
_SCENARIO = "sequential"
_MOST_TRIES = 3
_READY_SECONDS = 15


@dataclass(frozen=True)
class Lengths:
    """How long the parts of the tour are."""

    load_seconds: int
    generate: int
    pairs: int
    arm_seconds: float


class Steps:
    """The tour through a checkout's lab, with a candidate in which faults are planted."""

    def __init__(self, walk: Walk, project: Project, lengths: Lengths) -> None:
        self._walk = walk
        self._project = project
        self._lengths = lengths
        self._lab = walk.program("lab")

    def up(self, mode: Mode | None, *, is_up: bool) -> None:
        """Bring the lab up, or show how it is if it is up already."""
        self._walk.step(
            "Up",
            """The lab runs an old service (Flask) and its replacement (FastAPI) side by side under equal conditions,
            with Locust, which sends load, and Prometheus, which reads their metrics. They run in containers, or as
            processes on this machine. The first start builds or installs everything, in one to three minutes.""",
        )
        if is_up:
            self._lab_command("ps")
            self._walk.seen("The lab is up already, so the tour uses it, and leaves it up.")
            return
        self._lab_command("up", *(["--mode", mode] if mode else []))
        self._walk.seen("Everything is ready. `make up` does the same, and `lab urls` shows these addresses again.")

    def request(self) -> None:
        """Ask both services for the same prediction."""
        self._walk.step(
            "A request",
            """Both serve the same model: from ten measurements of a patient, how far will diabetes have progressed
            in a year? `lab token` signs in and prints a token. Ask the old service, then the new one.""",
        )
        answers = {
            label: self._walk.output(
                f'curl -s {service.url}/predict -H "Authorization: Bearer $({shlex.quote(self._lab)} token)" '
                f"-H 'Content-Type: application/json' -d '{_PATIENT}'"
            )
            for label, service in self._by_label.items()
        }
        self._walk.seen(findings.of_answers(answers))

    def load(self) -> None:
        """Send load, and count what the services answered."""
        self._walk.step(
            "Load",
            f"""{_USERS} simulated users sign in, ask for predictions, and wait a moment after each answer. Each is
            assigned to one service.""",
        )
        before, started = self._counters(), time.monotonic()
        length = f"{self._lengths.load_seconds}s"
        self._lab_command("load", "--users", str(_USERS), "--rate", str(_RATE), "--duration", length)
        seconds = time.monotonic() - started
        after = self._counters()
        counted = {label: after[label].increase_since(before[label]) for label in before}
        self._walk.seen(findings.of_load(counted, seconds))

    def live(self) -> None:
        """Watch the services under load, in a browser."""
        locust = LocustUi(next(service.url for service in services(self._settings) if service.name == LOCUST))
        self._walk.step(
            "The live page",
            f"""Locust has a web UI. Its button Start sends the request below. Meanwhile {locust.page} draws
            throughput, latency, errors, cache, CPU and memory of both services.""",
        )
        ran_before = locust.running()
        if ran_before:
            self._walk.say("Load runs already: it is left as it is.")
        else:
            self._walk.output(f"curl -s {locust.url}/swarm -d user_count={_USERS} -d spawn_rate={_USERS}")
        try:
            self._walk.seen(f"Open {locust.page}")
            self._walk.look(self._lengths.load_seconds)
            now = locust.drawn([service.name for service in self._services])
        finally:
            if not ran_before:
                locust.stop()
        parts = [
            f"""{label} answers {phrases.rate(now[service.name]["requests_per_second"])} and takes
            {phrases.size(now[service.name]["memory_bytes"])}"""
            for label, service in self._by_label.items()
        ]
        self._walk.seen(
            f"""Now {phrases.listed(parts)}. Users wait between requests, so both answer about as many: this shows
            what happens, and does not prove which one is better."""
        )

    def difference(self) -> None:
        """Plant a wrong answer, and have it found."""
        self._walk.step(
            "A planted difference, found",
            """Does a candidate answer like the old service? `lab parity` sends both the same requests, good and
            bad, and reports every difference that a client could notice. To see that, a fault is planted: a relay
            before the new service makes zeros of the decimals in its predictions. That is all it changes.""",
        )
        result = RESULTS / "parity.json"
        (self._project.root / result).unlink(missing_ok=True)
        baseline, candidate = self._services
        declared = [
            str(path.relative_to(self._project.root)) for path in self._settings.catalogue.intended(candidate.name)
        ]
        with self._planted("wrong") as url:
            self._lab_command(
                *("parity", "--primary", baseline.name, "--candidate", url),
                *(word for path in declared for word in ("--intended", path)),
                *("--generate", str(self._lengths.generate), "--output", str(RESULTS)),
                # What it found is read from its result.
                expected=(exit_codes.OK, exit_codes.FOUND, exit_codes.CANNOT_TELL),
            )
        self._walk.seen(findings.of_difference(files.read(self._project.root / result, ParityResult)))
        self._walk.say(
            f"{RESULTS / 'parity.html'} is the same as a page. For the services without a fault: make parity"
        )

    def slowdown(self) -> LabError | None:
        """Plant a slowdown, and have it judged; return why it could not be."""
        self._walk.step(
            "A planted slowdown, judged",
            f"""Is a candidate faster? One measurement cannot tell: the next one gives another figure. `lab bench`
            measures both in turn, in random order, and gives a verdict only if it can be sure. Another fault is
            planted: the relay waits {phrases.seconds(DELAY_SECONDS)} before it passes a request on. The new service is
            measured without the relay, then with it.""",
        )
        with self._planted("slow") as url:
            refused: LabError | None = None
            for _ in range(_MOST_TRIES):
                try:
                    self._walk.seen(findings.of_slowdown(self._measured(url), DELAY_SECONDS))
                    refused = None
                    break
                except findings.RefusedError as error:
                    refused = error
                    self._walk.seen(f"Refused: {error}. Better no verdict than a wrong one.")
        self._walk.say("For the services without a fault, in about ten minutes: make bench")
        return refused

    def report(self) -> None:
        """Write the report of both results."""
        self._walk.step(
            "The report",
            """`lab report` makes one page of all results, to decide with others: a recommendation and its reasons,
            the measurements behind them, how far to trust them, and what is still open.""",
        )
        self._lab_command("report", "--results", str(RESULTS))
        written = self._project.root / RESULTS
        self._walk.seen(findings.of_report((written / "report.md").read_text()))
        self._walk.say(f"Open {(written / 'report.html').as_uri()}")

    def down(self, *, was_up: bool) -> None:
        """End the lab, unless it was up before the tour."""
        self._walk.step("Down", "`lab down` ends everything: processes or containers, volumes, logs. Results stay.")
        if was_up:
            self._walk.seen("The lab was up before the tour, so it stays up. `make down` ends it.")
        else:
            self.end()
        self._walk.say(
            """That was the tour. Next: README.md has the commands for the services themselves, docs/guide.md those
            for yours."""
        )

    def end(self) -> None:
        """End the lab."""
        self._lab_command("down")

    def _measured(self, url: str) -> BenchResult:
        result = RESULTS / "bench.json"
        (self._project.root / result).unlink(missing_ok=True)
        _, candidate = self._services
        self._lab_command(
            *("bench", "--target", candidate.name, "--target", f"planted={url}", "--scenario", _SCENARIO),
            *("--pairs", str(self._lengths.pairs), "--seconds", f"{self._lengths.arm_seconds:g}"),
            *("--output", str(result)),
            expected=(exit_codes.OK, exit_codes.CANNOT_TELL),
        )
        return files.read(self._project.root / result, BenchResult)

    @contextlib.contextmanager
    def _planted(self, fault: str) -> Iterator[str]:
        """Run the new service with a fault planted, and yield where it answers."""
        _, candidate = self._services
        port = _free_port()
        planted = Service("planted", port, "", candidate.ready_path, f"http://{LOOPBACK}:{port}")
        command = (sys.executable, "-m", "serving_lab.tour.planted", str(port), candidate.url, "--fault", fault)
        with self._walk.beside(*command):
            deadline = time.monotonic() + _READY_SECONDS
            while not planted.ready():
                if time.monotonic() > deadline:
                    raise LabError("the candidate with the planted fault does not answer", hint="make tour")
                time.sleep(0.1)
            yield planted.url

    def _lab_command(self, *arguments: str, expected: tuple[int, ...] = (exit_codes.OK,)) -> None:
        self._walk.run(str(Path(sys.executable).with_name("lab")), *arguments, expected=expected)

    @property
    def _settings(self) -> Settings:
        """As they are now: `up` may have written some."""
        return Settings.load(self._project)

    @property
    def _services(self) -> tuple[Service, Service]:
        """The baseline, and the candidate that has no profile and so always runs."""
        baseline, candidate, *_ = targets(self._settings)
        return baseline, candidate

    @property
    def _by_label(self) -> dict[str, Service]:
        labels = self._settings.catalogue.labels
        return {labels[service.name]: service for service in self._services}

    def _counters(self) -> dict[str, Counters]:
        found = {}
        for label, service in self._by_label.items():
            reading = readings.metrics(Endpoint.parse(service.url))
            if reading is None:
                raise LabError(f"{label} has no metrics that can be read", hint="make ps shows how it is")
            found[label] = reading.counters
        return found


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        port: int = listener.getsockname()[1]
    return port
