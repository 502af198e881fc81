"""How much worse a candidate is than its control, with intervals: error shares and quantiles of the same moment.

Requests are not independent: a stall slows all of a moment, and a user's requests are alike. So the spread is that of
blocks of time, in which both sides are paired, or that of users, whichever is larger: the linearized variance of a
ratio from clusters (Woodruff, Journal of the American Statistical Association 66, 1971). A quantile is compared by
the share of requests above it (Woodruff, ibid. 47, 1952): the candidate's is r times the control's where equal shares
of both lie above one bound once the candidate's times are divided by r.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from serving_lab.rollout.requests import Codes, Columns, Marks, Numbers

BLOCKS = 30
"""Stretches of equal length into which a stage is cut: enough for a spread, and each longer than most stalls."""
SHORTEST_BLOCK_SECONDS = 0.25
"""Of such a stretch: in shorter ones, what happens in one is not over in the next."""
FEWEST_OF_OPERATION = 50
"""Requests on each side from which on an operation has a quantile of its own; rarer ones share one."""

_FURTHEST = math.log(64)
_STEPS = 14


@dataclass(frozen=True)
class Interval:
    """An estimate and its two-sided interval."""

    value: float
    low: float
    high: float


def error_difference(candidate: Columns, control: Columns, seconds: float, alpha: float) -> Interval | None:
    """The candidate's share of failed requests minus the control's, from -1 to 1; None without requests on a side.

    The interval is the wider of two: Student's from blocks and users, which knows what comes in bursts, and the exact
    ones of both shares (Clopper and Pearson, Biometrika 26, 1934) put together by their distances from the estimate
    (Newcombe, Statistics in Medicine 17, 1998), which holds where failures are few or none.

    Args:
        candidate: Its requests.
        control: Those of the control slice in the same time.
        seconds: Length of the stage so far.
        alpha: Probability with which the interval may miss.
    """
    if not len(candidate) or not len(control):
        return None
    sides = [(int(side.failed.sum()), len(side)) for side in (candidate, control)]
    (p, p_low, p_high), (q, q_low, q_high) = (_exact(*side, alpha) for side in sides)
    value = p - q
    clusters = _Clusters(candidate, control, seconds)
    half = clusters.half(candidate.failed.astype(np.float64), control.failed.astype(np.float64), alpha)
    return Interval(
        value,
        min(value - math.hypot(p - p_low, q_high - q), value - half),
        max(value + math.hypot(p_high - p, q - q_low), value + half),
    )


def quantile_ratio(
    candidate: Columns, control: Columns, quantile: float, seconds: float, alpha: float
) -> Interval | None:
    """The candidate's quantile divided by the control's; None without requests on a side.

    Each request is compared with the quantile of its own operation, so that another mix of operations is no change. The
    ends are 0 and infinity where requests are too few to exclude anything.

    Args:
        candidate: Its requests that were answered.
        control: Those of the control slice in the same time.
        quantile: Such as 0.99.
        seconds: Length of the stage so far.
        alpha: Probability with which the interval may miss.
    """
    if not len(candidate) or not len(control):
        return None
    groups = _by_operation(candidate, control)
    if not groups:
        return None
    candidate = candidate.where(_marked(len(candidate), [ours for ours, _ in groups]))
    control = control.where(_marked(len(control), [theirs for _, theirs in groups]))
    groups = _by_operation(candidate, control)
    clusters = _Clusters(candidate, control, seconds)

    def beyond(shift: float, sign: int) -> bool:
        """Whether the ratio is surely above (sign 1) or below (-1) e**shift; with sign 0, whether it seems above."""
        above, others = np.zeros(len(candidate)), np.zeros(len(control))
        for ours, theirs in groups:
            left, right = candidate.log_ms[ours] - shift, control.log_ms[theirs]
            bound = _quantile(np.concatenate((left, right)), quantile)
            above[ours], others[theirs] = _above(left, bound), _above(right, bound)
        difference = float(above.mean() - others.mean())
        if sign == 0:
            return difference > 0
        return sign * difference > clusters.half(above, others, alpha)

    # The share above falls as the shift grows: each end is where a condition begins to hold or ceases to.
    low = _last_true(lambda shift: beyond(shift, 1))
    high = -_last_true(lambda shift: beyond(-shift, -1))
    value = _last_true(lambda shift: beyond(shift, 0))
    return Interval(math.exp(value), math.exp(low), math.exp(high) if high < math.inf else math.inf)


class _Clusters:
    """Blocks of time and users of two sides, for the spread of a difference of two means."""

    def __init__(self, candidate: Columns, control: Columns, seconds: float) -> None:
        self._count = max(1, min(BLOCKS, int(seconds / SHORTEST_BLOCK_SECONDS)))
        self._blocks = [_block(side, seconds, self._count) for side in (candidate, control)]
        self._users = [np.unique(side.user, return_inverse=True)[1] for side in (candidate, control)]

    def half(self, ours: Numbers, theirs: Numbers, alpha: float) -> float:
        """Half of the interval of mean(ours) - mean(theirs)."""
        deviations = [(each - each.mean()) / len(each) for each in (ours, theirs)]
        in_blocks = [
            np.bincount(block, weights, self._count) for block, weights in zip(self._blocks, deviations, strict=True)
        ]
        used = int(np.count_nonzero(np.bincount(np.concatenate(self._blocks), minlength=self._count)))
        paired = in_blocks[0] - in_blocks[1]
        halves = [_student(float(paired @ paired), used, used - 1, alpha)]
        of_users = [np.bincount(user, weights) for user, weights in zip(self._users, deviations, strict=True)]
        if min(map(len, of_users)) > 1:
            variance = sum(float(each @ each) * len(each) / (len(each) - 1) for each in of_users)
            halves.append(_t(alpha, sum(map(len, of_users)) - 2) * math.sqrt(variance))
        return max(halves)


def _student(squares: float, n: int, degrees: int, alpha: float) -> float:
    return math.inf if n < 2 else _t(alpha, degrees) * math.sqrt(squares * n / (n - 1))


def _t(alpha: float, degrees: float) -> float:
    return float(special.stdtrit(degrees, 1 - alpha / 2))


def _exact(failed: int, n: int, alpha: float) -> tuple[float, float, float]:
    low = float(special.betaincinv(failed, n - failed + 1, alpha / 2)) if failed else 0.0
    high = float(special.betaincinv(failed + 1, n - failed, 1 - alpha / 2)) if failed < n else 1.0
    return failed / n, low, high


def _block(side: Columns, seconds: float, count: int) -> Codes:
    return np.clip((side.at / max(seconds, 1e-9) * count).astype(np.int64), 0, count - 1)


def _by_operation(candidate: Columns, control: Columns) -> list[tuple[Codes, Codes]]:
    """The places of each operation's requests on both sides; rare operations are one."""
    most = int(max(candidate.operation.max(), control.operation.max())) + 1
    counts = [np.bincount(side.operation, minlength=most) for side in (candidate, control)]
    own = np.flatnonzero(np.minimum(*counts) >= FEWEST_OF_OPERATION)
    groups = [(np.flatnonzero(candidate.operation == code), np.flatnonzero(control.operation == code)) for code in own]
    rest = [np.flatnonzero(~np.isin(side.operation, own)) for side in (candidate, control)]
    return [*groups, (rest[0], rest[1])] if min(map(len, rest)) else groups


def _marked(n: int, places: Sequence[Codes]) -> Marks:
    marks = np.zeros(n, dtype=np.bool_)
    for each in places:
        marks[each] = True
    return marks


def _quantile(values: Numbers, quantile: float) -> float:
    at = min(len(values) - 1, math.ceil(quantile * len(values)) - 1)
    return float(np.partition(values, at)[at])


def _above(values: Numbers, bound: float) -> Numbers:
    # Times are rounded, so many may be equal to the bound.
    above: Numbers = (values > bound) + 0.5 * (values == bound)
    return above


def _last_true(holds: Callable[[float], bool]) -> float:
    """Where a condition that holds up to somewhere ceases to; -inf where it never holds."""
    low, high = -_FURTHEST, _FURTHEST
    if not holds(low):
        return -math.inf
    if holds(high):
        return math.inf
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return (low + high) / 2
