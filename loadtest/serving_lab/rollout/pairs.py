"""Mirrored requests: what primary and candidate answered to each is judged by parity's judgement, grouped by cause."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from serving_lab.gateway.config import CHECK_HOST
from serving_lab.parity.judgement.difference import Difference, Signature
from serving_lab.parity.judgement.judge import ExchangePair, Judgement, Judging, judge
from serving_lab.recordings.tap_file import Side, Tapped
from serving_lab.rollout.live_noise import LiveNoise
from serving_lab.rollout.naming import Naming
from serving_lab.rollout.result import CauseRecord, MirrorRecord
from serving_lab.text.phrases import counted
from serving_lab.wire.message import Exchange

FEWEST_SIGHTINGS = 2
"""How often a difference must show before it is a cause: once, it may be an accident."""
FEWEST_LESSONS, FEWEST_SECONDS = 10, 3.0
"""Second answers of the primary to an operation, and how long it was watched, before a difference is a cause."""

_TOO_MANY_REQUESTS, _SUCCESS = 429, 2
_OF_A_CHECK = "host", CHECK_HOST
_MOST_CAUSES = 500
_KEPT = 50
"""Pairs of a cause that are judged again when more noise is known."""


class Moves(Protocol):
    """Judges values that are meant to differ, such as predictions of another model: how far they may is its affair."""

    def add(self, operation: str, asked: bytes, primary: bytes, candidate: bytes) -> None:
        """Take the bodies of a request and of both answers, which succeeded."""

    @property
    def causes(self) -> tuple[str, ...]:
        """Why they have moved too far."""

    @property
    def missing(self) -> str:
        """What it takes to tell; empty: nothing."""

    @property
    def found(self) -> tuple[str, ...]:
        """How far they have moved, in words."""


@dataclass
class _Cause:
    operation: str
    difference: Difference
    count: int = 0
    pairs: list[ExchangePair] = field(default_factory=list)


class Pairs:
    """All pairs of a rollout so far.

    Args:
        judging: Rules and declarations; what it knows of noise is taken from live traffic instead.
        naming: Names the operations.
        moves: Judges what is meant to differ; None: nothing is.
    """

    def __init__(self, judging: Judging, naming: Naming, moves: Moves | None = None) -> None:
        self._moves = moves
        self._judging = judging
        self._naming = naming
        self._noise = LiveNoise(judging.rules)
        self._causes: dict[tuple[str, Signature], _Cause] = {}
        self._compared: Counter[str] = Counter()
        self._succeeded: set[str] = set()
        self._first: dict[str, float] = {}
        self._last: dict[str, float] = {}
        self._declared = 0
        self._known = 0

    @property
    def compared(self) -> int:
        """How many requests were answered by both and compared."""
        return self._compared.total()

    @property
    def causes(self) -> tuple[str, ...]:
        """The undeclared differences that are proven, each in a few words."""
        self.settle()
        moved = self._moves.causes if self._moves else ()
        return (*moved, *(_words(cause) for cause in self._causes.values() if self._proven(cause)))

    @property
    def suspicions(self) -> tuple[str, ...]:
        """Those that are not proven: seen too rarely, or where the primary itself was seen too rarely."""
        doubted = (each for each in self._causes.values() if not self._proven(each) and not self._unsteady(each))
        return tuple(map(_words, doubted))

    @property
    def missing(self) -> str:
        """What it takes to tell how far values moved that are meant to; empty: nothing."""
        return self._moves.missing if self._moves else ""

    def add(self, tapped: Tapped) -> None:
        """Judge one exchange, or learn from it; the gateway's own checks are none."""
        if any((name.lower(), value) == _OF_A_CHECK for name, value in tapped.request.headers):
            return
        operation = self._naming(tapped.request.method, tapped.request.target)
        if tapped.primary.status // 100 == _SUCCESS:
            self._succeeded.add(operation)
        answered = datetime.fromtimestamp(tapped.at + tapped.primary.seconds, UTC)
        primary = _exchange(tapped.primary, answered)
        if tapped.again is not None and not _limited(tapped.primary, tapped.again):
            later = datetime.fromtimestamp(tapped.at + tapped.again.seconds, UTC)
            self._noise.learn_again(operation, (primary, answered), (_exchange(tapped.again, later), later))
        self._noise.learn_later(operation, tapped.request.request, (primary, answered))
        self._first.setdefault(operation, tapped.at)
        self._last[operation] = tapped.at
        if tapped.candidate is None or _limited(tapped.primary, tapped.candidate):
            return
        self._compared[operation] += 1
        pair = ExchangePair(tapped.request.request, primary, _exchange(tapped.candidate, answered), answered)
        self._judge(pair, operation)
        if self._moves and tapped.primary.status // 100 == tapped.candidate.status // 100 == _SUCCESS:
            self._moves.add(operation, tapped.request.body, tapped.primary.body, tapped.candidate.body)

    def settle(self) -> None:
        """Judge again what differs, if more is known of the noise since."""
        if self._noise.changes == self._known:
            return
        self._known = self._noise.changes
        for key, cause in list(self._causes.items()):
            still: list[ExchangePair] = []
            for pair in cause.pairs:
                found = {each.signature: each for each in self._judged(pair).undeclared}
                if key[1] in found:
                    still.append(pair)
                    continue
                for each in found.values():
                    # At the same place another difference may be left: the value has not the form of the noise.
                    if each.where == cause.difference.where:
                        self._note(cause.operation, each, pair)
            cause.count -= len(cause.pairs) - len(still)
            cause.pairs = still
            if not still:
                del self._causes[key]

    def record(self) -> MirrorRecord:
        """What was compared, for the result."""
        return MirrorRecord(
            compared=dict(self._compared),
            declared=self._declared,
            moves=list(self._moves.found) if self._moves else [],
            causes=[
                CauseRecord(
                    proven=self._proven(cause),
                    unsteady=self._unsteady(cause),
                    operation=cause.operation,
                    what=f"{cause.difference.kind}: {cause.difference.where}",
                    count=cause.count,
                    primary=cause.difference.primary,
                    candidate=cause.difference.candidate,
                )
                for cause in self._causes.values()
            ],
            never_succeeded=sorted(self._first.keys() - self._succeeded),
            never_mirrored=sorted(self._first.keys() - self._compared.keys()),
        )

    def _judge(self, pair: ExchangePair, operation: str) -> None:
        judgement = self._judged(pair)
        self._declared += bool(judgement.declared) and not judgement.undeclared
        for difference in {each.signature: each for each in judgement.undeclared}.values():
            self._note(operation, difference, pair)

    def _judged(self, pair: ExchangePair) -> Judgement:
        known = replace(self._judging, operations=self._naming.operations, noise=self._noise.noise)
        judgement = judge(pair, known)
        # The forms that this primary's answer added to the noise are known from now on.
        self._noise.noise = judgement.noise
        return judgement

    def _note(self, operation: str, difference: Difference, pair: ExchangePair) -> None:
        key = operation, difference.signature
        if key not in self._causes and len(self._causes) >= _MOST_CAUSES:
            return
        cause = self._causes.setdefault(key, _Cause(operation, difference))
        cause.count += 1
        if len(cause.pairs) < _KEPT:
            cause.pairs.append(pair)

    def _proven(self, cause: _Cause) -> bool:
        return (
            cause.count >= FEWEST_SIGHTINGS
            and self._noise.lessons[cause.operation] >= FEWEST_LESSONS
            and self._last[cause.operation] - self._first[cause.operation] >= FEWEST_SECONDS
            and not self._unsteady(cause)
        )

    def _unsteady(self, cause: _Cause) -> bool:
        """Whether the primary differs from itself there, if too rarely for noise: nothing is said of the candidate."""
        return self._noise.varies(cause.operation, cause.difference.where)


def _words(cause: _Cause) -> str:
    difference = cause.difference
    sides = f"{difference.primary or 'nothing'} became {difference.candidate or 'nothing'}"
    return f"{cause.operation} {difference.kind} {difference.where}: {sides} ({counted(cause.count, 'request')})"


def _exchange(side: Side, answered: datetime) -> Exchange:
    return replace(side.exchange, answered=answered)


def _limited(first: Side, other: Side) -> bool:
    return (first.status == _TOO_MANY_REQUESTS) is not (other.status == _TOO_MANY_REQUESTS)
