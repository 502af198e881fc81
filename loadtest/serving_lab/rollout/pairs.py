"""Mirrored requests: what primary and candidate answered to each is judged by parity's judgement, grouped by cause."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from serving_lab.gateway.config import CHECK_HOST
from serving_lab.parity.judgement.difference import Difference, Signature
from serving_lab.parity.judgement.judge import ExchangePair, Judging, judge
from serving_lab.recordings.tap_file import Side, Tapped
from serving_lab.rollout.live_noise import LiveNoise
from serving_lab.rollout.naming import Naming
from serving_lab.rollout.result import CauseRecord, MirrorRecord
from serving_lab.text.phrases import counted
from serving_lab.wire.message import Exchange

FEWEST_SIGHTINGS = 2
"""How often a difference must show before it is a cause: once, it may be an accident."""
FEWEST_LESSONS = 5
"""Second answers of the primary to an operation, before a difference there is the candidate's."""

_TOO_MANY_REQUESTS, _SUCCESS = 429, 2
_OF_A_CHECK = "host", CHECK_HOST
_MOST_CAUSES = 500
_KEPT = 50
"""Pairs of a cause that are judged again when more noise is known."""


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
    """

    def __init__(self, judging: Judging, naming: Naming) -> None:
        self._judging = judging
        self._naming = naming
        self._noise = LiveNoise(judging.rules)
        self._causes: dict[tuple[str, Signature], _Cause] = {}
        self._compared: Counter[str] = Counter()
        self._succeeded: set[str] = set()
        self._seen: set[str] = set()
        self._declared = 0
        self._known = 0

    @property
    def compared(self) -> int:
        """How many requests were answered by both and compared."""
        return self._compared.total()

    @property
    def causes(self) -> tuple[str, ...]:
        """The undeclared differences that are proven, each in a few words."""
        return tuple(_words(cause) for cause in self._causes.values() if self._proven(cause))

    @property
    def suspicions(self) -> tuple[str, ...]:
        """Those that are not proven: seen too rarely, or where the primary itself was seen too rarely."""
        return tuple(_words(cause) for cause in self._causes.values() if not self._proven(cause))

    def add(self, tapped: Tapped) -> None:
        """Judge one exchange, or learn from it; the gateway's own checks are none."""
        if any((name.lower(), value) == _OF_A_CHECK for name, value in tapped.request.headers):
            return
        operation = self._naming(tapped.request.method, tapped.request.target)
        self._seen.add(operation)
        if tapped.primary.status // 100 == _SUCCESS:
            self._succeeded.add(operation)
        answered = datetime.fromtimestamp(tapped.at + tapped.primary.seconds, UTC)
        primary = _exchange(tapped.primary, answered)
        if tapped.again is not None and not _limited(tapped.primary, tapped.again):
            later = datetime.fromtimestamp(tapped.at + tapped.again.seconds, UTC)
            self._noise.learn(operation, primary, _exchange(tapped.again, later), (answered, later))
        if tapped.candidate is None or _limited(tapped.primary, tapped.candidate):
            return
        self._compared[operation] += 1
        pair = ExchangePair(tapped.request.request, primary, _exchange(tapped.candidate, answered), answered)
        self._judge(pair, operation)

    def settle(self) -> None:
        """Judge again what differs, if more is known of the noise since."""
        if self._noise.changes == self._known:
            return
        self._known = self._noise.changes
        doubted, self._causes = self._causes, {}
        for cause in doubted.values():
            kept = len(cause.pairs)
            for pair in cause.pairs:
                self._judge(pair, cause.operation)
            for again in self._causes.values():
                if again.operation == cause.operation and again.difference.signature == cause.difference.signature:
                    again.count += cause.count - kept

    def record(self) -> MirrorRecord:
        """What was compared, for the result."""
        return MirrorRecord(
            compared=dict(self._compared),
            declared=self._declared,
            causes=[
                CauseRecord(
                    operation=cause.operation,
                    what=f"{cause.difference.kind}: {cause.difference.where}",
                    count=cause.count,
                    primary=cause.difference.primary,
                    candidate=cause.difference.candidate,
                )
                for cause in self._causes.values()
            ],
            never_succeeded=sorted(self._seen - self._succeeded),
            never_mirrored=sorted(self._seen - self._compared.keys()),
        )

    def _judge(self, pair: ExchangePair, operation: str) -> None:
        known = replace(self._judging, operations=self._naming.operations, noise=self._noise.noise)
        judgement = judge(pair, known)
        # The forms that this primary's answer added to the noise are known from now on.
        self._noise.noise = judgement.noise
        self._declared += bool(judgement.declared) and not judgement.undeclared
        for difference in {each.signature: each for each in judgement.undeclared}.values():
            key = operation, difference.signature
            if key not in self._causes and len(self._causes) >= _MOST_CAUSES:
                continue
            cause = self._causes.setdefault(key, _Cause(operation, difference))
            cause.count += 1
            if len(cause.pairs) < _KEPT:
                cause.pairs.append(pair)

    def _proven(self, cause: _Cause) -> bool:
        return (
            cause.count >= FEWEST_SIGHTINGS
            and self._noise.lessons[cause.operation] >= FEWEST_LESSONS
            and not self._noise.varies(cause.operation, cause.difference.where)
        )


def _words(cause: _Cause) -> str:
    difference = cause.difference
    sides = f"{difference.primary or 'nothing'} became {difference.candidate or 'nothing'}"
    return f"{cause.operation} {difference.kind} {difference.where}: {sides} ({counted(cause.count, 'request')})"


def _exchange(side: Side, answered: datetime) -> Exchange:
    return replace(side.exchange, answered=answered)


def _limited(first: Side, other: Side) -> bool:
    return (first.status == _TOO_MANY_REQUESTS) is not (other.status == _TOO_MANY_REQUESTS)
