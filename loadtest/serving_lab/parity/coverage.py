"""What a comparison reached: the statuses of each operation, and which operations never let anybody in."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from serving_lab.api.request import Request
from serving_lab.parity.cases import Case, Source
from serving_lab.text.phrases import counted
from serving_lab.wire.message import Exchange

_FIRST_SUCCESS, _LAST_SUCCESS, _FIRST_ERROR = 200, 299, 400
_NOT_MEANT = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})
"""What a service answers that has no such operation."""
_WRITTEN = frozenset({Source.CORPUS, Source.SEQUENCE, Source.RECORDED})
_WARNED = 20


@dataclass
class Reached:
    """What one operation answered."""

    primary: Counter[int] = field(default_factory=Counter)
    candidate: Counter[int] = field(default_factory=Counter)
    sources: set[Source] = field(default_factory=set)
    requests: int = 0
    limited: Counter[str] = field(default_factory=Counter)
    """Requests that one side alone refused as one too many, by that side: they are not compared."""
    limited_alike: int = 0
    """Requests that both sides refused as one too many."""
    cut: int = 0
    """Answers that did not end in time, or are very large: their beginnings were compared."""

    @property
    def succeeded(self) -> bool:
        """Whether the primary ever answered 2xx."""
        return any(_FIRST_SUCCESS <= status <= _LAST_SUCCESS for status in self.primary)

    @property
    def is_new(self) -> bool:
        """Whether the candidate alone has it: that is a difference, and told as one."""
        return self.primary.keys() <= _NOT_MEANT and self.primary != self.candidate


class Coverage:
    """The statuses of all operations."""

    def __init__(self) -> None:
        self.operations: dict[str, Reached] = {}

    def note(self, operation: str, case: Case, primary: Exchange, candidate: Exchange) -> None:
        """Note what both sides answered."""
        reached = self.operations.setdefault(operation, Reached())
        reached.requests += 1
        for counted_here, exchange in ((reached.primary, primary), (reached.candidate, candidate)):
            counted_here.update(answer.status for answer in exchange.answers[:1])
            reached.cut += any(answer.cut for answer in exchange.answers)
        if one_is_limited(primary, candidate):
            reached.limited["primary" if _is_limited(primary) else "candidate"] += 1
        else:
            reached.limited_alike += _is_limited(primary)
        if isinstance(case.request, Request):
            reached.sources.add(case.source)

    def unsuccessful(self, documented: Collection[str]) -> list[str]:
        """The operations that the primary never answered with 2xx; what is only tried out does not count.

        Args:
            documented: the operations of the OpenAPI document; empty where there is none.
        """
        some = any(reached.succeeded for reached in self.operations.values())
        return sorted(
            operation
            for operation, reached in self.operations.items()
            if not reached.succeeded
            and not reached.is_new
            and (operation in documented or _is_meant(reached, some=some))
        )

    @property
    def never_compared(self) -> list[str]:
        """The operations of which one side refused every request as one too many."""
        return [name for name, reached in self.operations.items() if reached.limited.total() == reached.requests]

    @property
    def nobody_let_in(self) -> bool:
        """Whether nothing but errors came back."""
        statuses = {status for reached in self.operations.values() for status in reached.primary}
        return bool(statuses) and min(statuses) >= _FIRST_ERROR

    def warnings(self, documented: Collection[str]) -> Iterator[str]:
        """What a reader must know before believing that the rest is the same."""
        without = self.unsuccessful(documented)
        for operation in without[:_WARNED]:
            told = statuses_in_words(self.operations[operation].primary)
            yield f"{operation} never answered 2xx ({told}): what it answers when all is right was not compared"
        if len(without) > _WARNED:
            yield f"nor did {counted(len(without) - _WARNED, 'operation')} more answer 2xx"
        for operation, reached in self.operations.items():
            for side, number in reached.limited.items():
                yield (
                    f"{operation}: {counted(number, 'request')} not compared, because only the {side} answered 429 "
                    "(too many requests): is its limit meant? Raise it for a comparison"
                )
            if reached.limited_alike:
                yield (
                    f"{operation}: both answered 429 (too many requests) to {counted(reached.limited_alike, 'request')}"
                    ", and only that was compared"
                )
            if reached.cut:
                yield (
                    f"{operation}: {counted(reached.cut, 'answer')} did not end in time, or "
                    f"{'was' if reached.cut == 1 else 'were'} very large: only the beginning was compared"
                )


def one_is_limited(first: Exchange, other: Exchange) -> bool:
    """Whether one of two answers alone says 429: that tells how often the service was asked, not what it answers."""
    return _is_limited(first) is not _is_limited(other)


def statuses_in_words(statuses: Mapping[int, int]) -> str:
    """How often each status came, the most frequent first: `401 in 12 requests, 404 in 3`."""
    ordered = sorted(statuses.items(), key=lambda item: (-item[1], item[0]))
    if not ordered:
        return "no answer"
    (first, count), *others = ordered
    words = [f"{first} in {counted(count, 'request')}", *(f"{status} in {number:,}" for status, number in others)]
    return ", ".join(words)


def _is_limited(exchange: Exchange) -> bool:
    return any(answer.status == HTTPStatus.TOO_MANY_REQUESTS for answer in exchange.answers)


def _is_meant(reached: Reached, *, some: bool) -> bool:
    """Whether somebody meant an operation to succeed that no document names, as far as can be told."""
    if not reached.sources & _WRITTEN:
        return False
    return Source.RECORDED in reached.sources or not (some and reached.primary.keys() <= _NOT_MEANT)
