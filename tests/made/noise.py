"""Noise of arms as a shared machine makes it, and what it does to the log-ratios of pairs measured in random order."""

import random
from collections.abc import Callable, Mapping
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from scipy import signal
from serving_lab.experiment.order import blocks_while_looking

Values = NDArray[np.float64]
_ORDERS = 4000
"""So many orders are drawn, and each simulated measurement has one of them."""


def _white(chance: np.random.Generator, shape: tuple[int, int]) -> Values:
    return chance.standard_normal(shape)


def _lasting(share: float) -> Callable[[np.random.Generator, tuple[int, int]], Values]:
    """Noise of which an arm keeps a share of the one before."""

    def noise(chance: np.random.Generator, shape: tuple[int, int]) -> Values:
        found: Values = signal.lfilter([np.sqrt(1 - share**2)], [1, -share], _white(chance, shape), axis=1)
        return found

    return noise


def _drifting(by: float) -> Callable[[np.random.Generator, tuple[int, int]], Values]:
    """A machine that becomes slower from arm to arm, by so many standard deviations of its noise."""
    return lambda chance, shape: _white(chance, shape) + by * np.arange(shape[1])


def _wandering(chance: np.random.Generator, shape: tuple[int, int]) -> Values:
    return np.cumsum(0.3 * _white(chance, shape), axis=1) + 0.5 * _white(chance, shape)


def _outliers(chance: np.random.Generator, shape: tuple[int, int]) -> Values:
    """One arm in twenty is far slower."""
    return _white(chance, shape) + (chance.random(shape) < 0.05) * chance.exponential(8, shape)


def _bursts(chance: np.random.Generator, shape: tuple[int, int]) -> Values:
    """Now and then some arms in a row are slower."""
    busy = np.zeros(shape[0], dtype=bool)
    slow = np.zeros(shape)
    for arm in range(shape[1]):
        busy = chance.random(shape[0]) < np.where(busy, 0.7, 0.1)
        slow[:, arm] = busy
    return _white(chance, shape) + 3 * slow


NOISE: Mapping[str, Callable[[np.random.Generator, tuple[int, int]], Values]] = {
    "white": _white,
    "lasting a little": _lasting(0.2),
    "lasting": _lasting(0.5),
    "lasting long": _lasting(0.8),
    "drifting": _drifting(0.5),
    "drifting far": _drifting(10),
    "wandering": _wandering,
    "with outliers": _outliers,
    "in bursts": _bursts,
}


def log_ratios(kind: str, runs: int, pairs: int, seed: int) -> Values:
    """Return the log-ratios of two equal services, one row a measurement; the noise of an arm is about 1."""
    chance = np.random.default_rng(seed)
    arms = NOISE[kind](chance, (runs, 2 * pairs))
    in_order = random.Random(seed)  # noqa: S311 - reproducible, not secret
    orders = np.array(
        [[order[0] for order in islice(blocks_while_looking((1, -1), in_order), pairs)] for _ in range(_ORDERS)]
    )
    found: Values = (arms[:, ::2] - arms[:, 1::2]) * orders[chance.integers(0, _ORDERS, runs)]
    return found


def shared_pairs(runs: int, pairs: int, ratio: float, seed: int) -> tuple[Values, Values]:
    """Return the log-ratios of pairs and what others took in both arms, measured beside programs that come and go.

    Others take turns of some arms at a time, and each takes a share of its own. The time of a request is the target's
    own, which is `ratio` in the candidate, and what others make it wait: in arms like this a change looks smaller.

    Args:
        runs: Measurements, a row each.
        pairs: Of a measurement, those that do not count included.
        ratio: Time of the candidate / time of the baseline, without others.
        seed: Of all of it.
    """
    chance = np.random.default_rng(seed)
    shape = (runs, 2 * pairs)
    share = np.zeros(shape)
    level = chance.uniform(0, 0.6, runs)
    for arm in range(shape[1]):
        level = np.where(chance.random(runs) < 0.15, chance.uniform(0, 0.6, runs), level)
        share[:, arm] = np.clip(level + chance.normal(0, 0.015, runs), 0, 0.9)
    noise = 0.015 * (1 + 2 * share) * chance.standard_normal(shape)
    first = np.where(chance.random((runs, pairs)) < 0.5, 0, 1)
    rows, columns = np.arange(runs)[:, None], 2 * np.arange(pairs)
    old, new = columns + first, columns + 1 - first
    waited = share / (1 - share)
    times = [np.log(own + waited[rows, at]) + noise[rows, at] for own, at in ((1.0, old), (ratio, new))]
    taken = np.stack([share[rows, old], waited[rows, new] / (ratio + waited[rows, new])], axis=2)
    return times[1] - times[0], taken
