"""The model of a service that grows: what each part costs for a request, and what bounds the throughput.

Costs are service demands of operational analysis: processor seconds for each request, by part. (P. J. Denning and
J. P. Buzen, The Operational Analysis of Queueing Network Models, ACM Computing Surveys 10(3), 1978.) The demand of
workers that share memory grows with the processors they run on, by the coherency term of the Universal Scalability Law
(N. J. Gunther, Guerrilla Capacity Planning, Springer 2007): by the same share for every further processor. Waiting
for a processor is not in a demand; it follows from the bounds, so the model holds for machines with other processors.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import geometric_mean, median

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from benchmark.scaling.result import Arrangement, Latency, Measured, Round

Samples = NDArray[np.float64]
_SIMULATED = 200_000


@dataclass(frozen=True)
class Model:
    """Processor seconds for each request, and how near throughput comes to its bound."""

    worker: float
    """Of a service with one worker, whose cache is in its memory."""
    coherency: float
    """By which share each further processor on which workers of the instance run makes a request dearer."""
    crowding: float
    """By which share each further instance on the same processors makes a request dearer: fewer requests come at once
    to each, and find less in the processors' caches."""
    shared_cache: float
    """What it costs the service more if its cache is a Redis."""
    gateway: float
    cache: float
    """Of Redis."""
    load: float
    """Of the program that sends, which takes part of the same machine."""
    efficiency: float = 1.0
    """Throughput as a share of its bound."""

    def service(self, setup: Arrangement, processors: int) -> float:
        """Processor seconds of the service for each request."""
        others = min(setup.workers, processors) - 1
        alone = self.worker * (1 + self.coherency * others) + self.shared_cache * bool(setup.caches)
        return alone * (1 + self.crowding * (setup.instances - 1))

    def cost(self, setup: Arrangement, processors: int) -> float:
        """Processor seconds of all parts but the load for each request."""
        return self.service(setup, processors) + self.gateway * setup.gateway + self.cache * bool(setup.caches)

    def bound(self, setup: Arrangement, processors: int) -> float:
        """Requests/s that can be exceeded by no means: by its workers, its caches, and the machine."""
        bounds = [
            min(setup.instances * setup.workers, processors) / self.service(setup, processors),
            processors / (self.cost(setup, processors) + self.load),
        ]
        if setup.caches:
            bounds.append(setup.caches / self.cache)
        return min(bounds)

    def throughput(self, setup: Arrangement, processors: int) -> float:
        """Requests/s that are expected."""
        return self.efficiency * self.bound(setup, processors)


def fit(measured: Sequence[Measured], processors: int) -> Model:
    """The model of the arrangements that are not held out: relative errors of all rounds, least squares."""
    known = [each for each in measured if not each.arrangement.held_out]
    points = [(each.arrangement, found) for each in known for found in each.rounds]
    setups = [setup for setup, _ in points]
    seen = np.log([found.service for _, found in points])

    def errors(parameters: Samples) -> Samples:
        model = _of_service(parameters)
        return np.log([model.service(setup, processors) for setup in setups]) - seen

    start = float(np.exp(seen.min()))
    guess = [start, 0.01, 0.01, start / 10]
    found = least_squares(errors, guess, bounds=(0, np.inf), x_scale=guess)
    demands = replace(
        _of_service(found.x),
        gateway=median(found.gateway for setup, found in points if setup.gateway),
        cache=median(found.caches for setup, found in points if setup.caches),
        load=median(found.load for _, found in points),
    )
    reached = [typical(each.rounds).per_second / demands.bound(each.arrangement, processors) for each in known]
    return replace(demands, efficiency=geometric_mean(reached))


def _of_service(parameters: Samples) -> Model:
    worker, coherency, crowding, shared_cache = map(float, parameters)
    return Model(worker, coherency, crowding, shared_cache, gateway=0.0, cache=0.0, load=0.0)


def typical(rounds: Sequence[Round]) -> Round:
    """The median of each figure."""
    return Round(**{name: median(getattr(each, name) for each in rounds) for name in Round.__struct_fields__})


def cost(found: Round) -> float:
    """Processor seconds of all parts but the load for each request."""
    return found.service + found.gateway + found.caches


def expected_latency(alone: Sequence[float], busy: float, rate: float, seed: int = 1) -> Latency:
    """How long requests take that come at random, one by one, to a worker: an M/G/1 queue, simulated.

    Each waits until the one before has ended (D. V. Lindley, The theory of queues with a single server, 1952).

    Args:
        alone: quantiles of the time of a request to an idle worker, equally far apart (s).
        busy: for how long a request keeps the worker (s); the rest of its time it is on its way.
        rate: requests/s.
        seed: of the random numbers.
    """
    random = np.random.default_rng(seed)
    quantiles = np.asarray(alone)
    times = np.interp(random.random(_SIMULATED), np.linspace(0, 1, quantiles.size), quantiles)
    on_the_way = max(0.0, float(times.mean()) - busy)
    service = np.maximum(times - on_the_way, 0.0)
    steps = service[:-1] - random.exponential(1 / rate, _SIMULATED - 1)
    # Lindley's recursion without a loop: the walk less its lowest point so far.
    walk = np.concatenate(([0.0], np.cumsum(steps)))
    latencies = walk - np.minimum.accumulate(walk) + service + min(on_the_way, float(times.mean()))
    p50, p99 = np.quantile(latencies, (0.5, 0.99))
    return Latency(rate=rate, mean=float(latencies.mean()), p50=float(p50), p99=float(p99))
