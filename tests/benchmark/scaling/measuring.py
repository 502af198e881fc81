"""Loads a service in all arrangements in turns, and asks one worker at random times."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
import numpy as np
from serving_lab.errors import LabError
from serving_lab.experiment.arms import Load, LoadDriver, kept_up
from serving_lab.experiment.profile import Profile
from serving_lab.experiment.targets import Target, parse
from serving_lab.generator.fleet import Fleet
from serving_lab.generator.messages import Closed, Open
from serving_lab.generator.outcome import RunOutcome
from serving_lab.targets.catalogue import Entry
from support import local_http
from support.checkout import REPOSITORY
from support.services import PASSWORD, USERNAME

from benchmark.scaling.result import Latency, Measured, Round, ServiceScaling
from benchmark.scaling.running import ALONE, Running, running
from benchmark.shell import say

CONNECTIONS = 16
UTILIZATIONS = (0.3, 0.6)
"""Of one worker, by random requests."""
_OPEN_CONNECTIONS = 64
_QUANTILES = 101
_REQUEST = "predict_new"
"""Its rows are in no cache: that costs most."""
_PROFILE = REPOSITORY / "loadtest" / "bench" / "scenarios.yaml"
_LEAD_IN_SECONDS = 0.5


def measure(entry: Entry, model_dir: Path, *, rounds: int, seconds: float) -> ServiceScaling:
    """Start a service in all arrangements, and load each of them in each round.

    Raises:
        LabError: an answer is wrong.
    """
    say(f"{entry.label}: starting it in all arrangements")
    with running(entry.name, model_dir) as everything, Fleet() as fleet:
        driver = _Driver(fleet, everything)
        for place, each in enumerate(everything):
            driver.load(each, {}, seed=_seed(0, place), seconds=1.0)  # the first answers of a worker cost more
        standing = _standing(everything, seconds)
        found: list[list[Round]] = [[] for _ in everything]
        alone: list[RunOutcome] = []
        one = next(each for each in everything if each.arrangement == ALONE)
        busy = driver.load(one, {}, seed=_seed(0, 99), seconds=seconds).service
        rates = [share / busy for share in UTILIZATIONS]
        latencies: dict[float, list[Latency | None]] = {rate: [] for rate in rates}
        for number in range(1, rounds + 1):
            say(f"{entry.label}: round {number} of {rounds}, {_seconds_of_round(everything, seconds):.0f} s")
            # There and back, so that what drifts does not favor the one that comes first.
            places = range(len(everything)) if number % 2 else reversed(range(len(everything)))
            for place in places:
                each, seed = everything[place], _seed(number, place)
                found[place].append(driver.load(each, standing[place], seed=seed, seconds=seconds))
            alone.append(driver.send(one, 1, Closed(), seed=_seed(number, 90), seconds=seconds))
            for place, rate in enumerate(rates, 91):
                latencies[rate].append(driver.latency(one, rate, seed=_seed(number, place), seconds=seconds))
        sent, answered = driver.bytes_of_an_exchange(one)
        return ServiceScaling(
            name=entry.name,
            label=entry.label,
            measured=[
                Measured(arrangement=each.arrangement, standing=idle["service"] + idle.get("gateway", 0.0), rounds=its)
                for each, idle, its in zip(everything, standing, found, strict=True)
            ],
            alone=_quantiles(alone),
            latencies=[_typical(asked) for asked in latencies.values() if None not in asked],
            request_bytes=sent,
            answer_bytes=answered,
            series=_series(next(each for each in everything if each.arrangement.workers == 4)),
        )


class _Driver:
    """Sends load to what runs, and reads what its parts used."""

    def __init__(self, fleet: Fleet, everything: Sequence[Running]) -> None:
        environment = {"API_USERNAME": USERNAME, "API_PASSWORD": PASSWORD}
        self._api = Profile.load(_PROFILE, environment).api
        self._targets = {each.url: parse(f"service={each.url}").signed_in(self._api.sign_in) for each in everything}
        self._driver = LoadDriver(fleet, list(self._targets.values()), self._api)

    def send(self, to: Running, connections: int, loop: Closed | Open, *, seed: int, seconds: float) -> RunOutcome:
        load = Load({_REQUEST: 1}, connections, loop)
        outcome = self._driver.send(self._target(to), load, seed=seed, seconds=seconds, lead_in=_LEAD_IN_SECONDS)
        if outcome.wrong or not outcome.answered.size:
            raise LabError(f"{to.arrangement.name}: {outcome.wrong or f'no answer in {seconds} s'}")
        return outcome

    def load(self, to: Running, standing: Mapping[str, float], *, seed: int, seconds: float) -> Round:
        before, began = to.cpu_seconds(), time.monotonic()
        outcome = self.send(to, CONNECTIONS, Closed(), seed=seed, seconds=seconds)
        idle = {part: share * (time.monotonic() - began) for part, share in standing.items()}
        used = {part: now - before[part] - idle.get(part, 0.0) for part, now in to.cpu_seconds().items()}
        requests = outcome.all_answered
        return Round(
            per_second=outcome.answered.size / outcome.seconds,
            service=used["service"] / requests,
            gateway=used.get("gateway", 0.0) / requests,
            caches=used["caches"] / requests,
            load=outcome.cpu_seconds / requests,
        )

    def latency(self, to: Running, rate: float, *, seed: int, seconds: float) -> Latency | None:
        """None: it did not keep up."""
        load = Load({_REQUEST: 1}, _OPEN_CONNECTIONS, Open(rate))
        outcome = self._driver.send(self._target(to), load, seed=seed, seconds=seconds, lead_in=_LEAD_IN_SECONDS)
        if outcome.wrong or not kept_up(outcome):
            return None
        p50, p99 = np.quantile(outcome.latencies, (0.5, 0.99), method="inverted_cdf")
        return Latency(rate=rate, mean=float(outcome.latencies.mean()), p50=float(p50), p99=float(p99))

    def bytes_of_an_exchange(self, to: Running) -> tuple[int, int]:
        """Of a request and its answer, with their heads."""
        token = self._target(to).variables["token"]
        row = {"features": [59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.8598, 87]}
        answer = local_http.post(f"{to.url}/predict", json=row, headers={"Authorization": f"Bearer {token}"})
        return _bytes(answer.request.headers, answer.request.content), _bytes(answer.headers, answer.content)

    def _target(self, to: Running) -> Target:
        return self._targets[to.url]


def _seed(number: int, place: int) -> int:
    """Of its own for each arrangement: rows must not be in the cache that it shares with another one."""
    return 100 * number + place


def _bytes(headers: httpx.Headers, body: bytes) -> int:
    return sum(len(name) + len(value) + 4 for name, value in headers.raw) + len(body)


def _standing(everything: Sequence[Running], seconds: float) -> list[dict[str, float]]:
    """What the parts of each take while nobody asks them, in processor seconds for each second."""
    before, began = [each.cpu_seconds() for each in everything], time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - began
    return [
        {part: (now - then[part]) / passed for part, now in each.cpu_seconds().items()}
        for each, then in zip(everything, before, strict=True)
    ]


def _series(of: Running) -> int:
    lines = local_http.get(f"{of.url}/metrics").text.splitlines()
    return sum(not line.startswith("#") for line in lines)


def _quantiles(outcomes: Sequence[RunOutcome]) -> list[float]:
    together = np.concatenate([each.latencies for each in outcomes])
    return [float(value) for value in np.quantile(together, np.linspace(0, 1, _QUANTILES))]


def _seconds_of_round(everything: Sequence[Running], seconds: float) -> float:
    return (len(everything) + 1 + len(UTILIZATIONS)) * (seconds + _LEAD_IN_SECONDS)


def _typical(asked: Sequence[Latency | None]) -> Latency:
    """The median of each figure."""
    figures = Latency.__struct_fields__
    return Latency(**{name: float(np.median([getattr(each, name) for each in asked])) for name in figures})
