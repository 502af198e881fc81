"""Harm that an overall share hides: failures of one operation, of WebSockets, of one user.

Failures are compared by Fisher's exact test, one-sided (Journal of the Royal Statistical Society 98, 1935).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from serving_lab.rollout.requests import Codes, Columns, Marks, Numbers

FEWEST_FAILURES = 5
"""Failed requests of a user, or users of an operation, below which nothing is concluded."""


@dataclass(frozen=True)
class Harm:
    """A group that fails with the candidate and not without it."""

    group: str
    failed: int
    requests: int
    other_failed: int
    other_requests: int
    against: str
    """What it is compared with."""

    def __str__(self) -> str:
        return (
            f"{self.group}: {self.failed:,} of {self.requests:,} requests failed with the candidate, "
            f"{self.other_failed:,} of {self.other_requests:,} {self.against}"
        )


@dataclass(frozen=True)
class Past:
    """What each bucket of users met on one side until now, in all stages."""

    requests: Codes
    failed: Codes


def harmed(
    candidate: Columns, control: Columns, past: Past, met: Past, operations: Sequence[str], alpha: float
) -> Iterator[Harm]:
    """The groups that the candidate surely harms.

    Operations and WebSockets are judged by how many users failed, so that one user whose requests fail everywhere is
    not the candidate's fault. A user is judged by what became of the same requests before, on the primary.

    Args:
        candidate: Its requests.
        control: Those of the control slice in the same time.
        past: What each user met on the primary.
        met: What each user met on the candidate.
        operations: The names by their numbers.
        alpha: Probability with which any group is taken for harmed that is not.
    """
    groups: list[tuple[str, Marks, Marks]] = [
        (name, candidate.operation == code, control.operation == code)
        for code, name in enumerate(operations)
        if candidate.failed[candidate.operation == code].any()
    ]
    if candidate.failed[candidate.websocket].any():
        groups.append(("WebSockets", candidate.websocket, control.websocket))
    users = np.flatnonzero(met.failed >= FEWEST_FAILURES)
    each = alpha / max(1, len(operations) + 1 + int(np.count_nonzero(met.requests)))
    for name, ours, theirs in groups:
        yield from _of_group(name, candidate.where(ours), control.where(theirs), each)
    for user in users:
        yield from _of_user(int(user), control, past, met, each)


def _of_group(name: str, candidate: Columns, control: Columns, alpha: float) -> Iterator[Harm]:
    failing, others = (len(np.unique(side.user[side.failed])) for side in (candidate, control))
    if failing < FEWEST_FAILURES or not len(control):
        return
    if _surprise(failing, candidate.users, others, control.users) < alpha:
        failed, other = int(candidate.failed.sum()), int(control.failed.sum())
        yield Harm(name, failed, len(candidate), other, len(control), "beside it")


def _of_user(user: int, control: Columns, past: Past, met: Past, alpha: float) -> Iterator[Harm]:
    own, failed = int(met.requests[user]), int(met.failed[user])
    at_once = len(control), int(control.failed.sum()), "beside it"
    before = int(past.requests[user]), int(past.failed[user]), "before"
    # What fails for everybody at the moment fails for this user too, and was not so before.
    known = [each for each in (before, at_once) if each[0] >= FEWEST_FAILURES]
    if known and all(_surprise(failed, own, others, of) < alpha for of, others, _ in known):
        of, others, against = known[0]
        yield Harm(f"the users of bucket {user}", failed, own, others, of, against)


def _surprise(failed: int, n: int, others: int, of: int) -> float:
    """Probability that at least so many of all failures fall to one of two groups, if both fail equally often."""
    failures = failed + others
    possible = np.arange(failed, min(n, failures) + 1)
    logs = _log_ways(n, possible) + _log_ways(of, failures - possible) - _log_ways(n + of, np.asarray([failures]))
    return float(np.exp(logs).sum())


def _log_ways(n: int, k: Codes) -> Numbers:
    ways: Numbers = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return ways
