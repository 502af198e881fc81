"""Harm that an overall share hides: failures of one operation, of WebSockets, of one user.

Numbers of failures are compared given their sum, which then is binomial (Przyborowski and Wilenski, Biometrika 31,
1940).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from serving_lab.rollout.requests import Codes, Columns, Marks

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
    """What each bucket of users met on the primary until now."""

    requests: Codes
    failed: Codes


def harmed(candidate: Columns, control: Columns, past: Past, operations: Sequence[str], alpha: float) -> Iterator[Harm]:
    """The groups that the candidate surely harms.

    Operations and WebSockets are judged by how many users failed, so that one user whose requests fail everywhere is
    not the candidate's fault. A user is judged by what became of the same requests before, on the primary.

    Args:
        candidate: Its requests.
        control: Those of the control slice in the same time.
        past: What each user met on the primary.
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
    users = np.unique(candidate.user[candidate.failed])
    each = alpha / max(1, len(operations) + 1 + candidate.users)
    for name, ours, theirs in groups:
        yield from _of_group(name, candidate.where(ours), control.where(theirs), each)
    for user in users:
        yield from _of_user(int(user), candidate, control, past, each)


def _of_group(name: str, candidate: Columns, control: Columns, alpha: float) -> Iterator[Harm]:
    failing, others = (len(np.unique(side.user[side.failed])) for side in (candidate, control))
    if failing < FEWEST_FAILURES or not len(control):
        return
    if _surprise(failing, candidate.users, others, control.users) < alpha:
        failed, other = int(candidate.failed.sum()), int(control.failed.sum())
        yield Harm(name, failed, len(candidate), other, len(control), "beside it")


def _of_user(user: int, candidate: Columns, control: Columns, past: Past, alpha: float) -> Iterator[Harm]:
    own = candidate.where(candidate.user == user)
    failed = int(own.failed.sum())
    if failed < FEWEST_FAILURES:
        return
    before, failed_before = int(past.requests[user]), int(past.failed[user])
    against = "before"
    if before < FEWEST_FAILURES:
        before, failed_before, against = len(control), int(control.failed.sum()), "of others"
    if before and _surprise(failed, len(own), failed_before, before) < alpha:
        yield Harm(f"the users of bucket {user}", failed, len(own), failed_before, before, against)


def _surprise(failed: int, n: int, others: int, of: int) -> float:
    """Probability that so many of all failures fall to one of two groups, if both fail equally often."""
    return float(special.bdtrc(failed - 1, failed + others, n / (n + of)))
