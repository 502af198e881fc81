"""Whether both services are still in the same state: what differs later may follow from that alone."""

from dataclasses import dataclass

from serving_lab.api.request import Request
from serving_lab.parity.cases import Case
from serving_lab.parity.judgement.judge import ExchangePair, Judgement
from serving_lab.wire.message import Exchange

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "QUERY"})
_FIRST_SUCCESS, _LAST_SUCCESS = 200, 299


@dataclass(frozen=True)
class Origin:
    """A request that both services took differently."""

    operation: str
    one_sided: bool
    """Whether one accepted it and the other did not."""

    def may_change(self, operation: str) -> bool:
        """Whether it may change what another operation answers: one path leads to the other."""
        ours, theirs = (tuple(label.partition(" ")[2].strip("/").split("/")) for label in (self.operation, operation))
        shared = min(len(ours), len(theirs))
        return operation != self.operation and ours[:shared] == theirs[:shared] != ("",)


class Divergence:
    """Watches requests that change something for those that both services take differently."""

    def __init__(self) -> None:
        self.origin: Origin | None = None
        """What made the states differ first; None while nothing has."""

    def reset(self) -> None:
        """Note that both are in the same state again."""
        self.origin = None

    def note(self, case: Case, pair: ExchangePair, judgement: Judgement) -> None:
        """Note what both did with a request."""
        origin = _origin(case, pair, judgement)
        if origin and (self.origin is None or (origin.one_sided and not self.origin.one_sided)):
            self.origin = origin


def _origin(case: Case, pair: ExchangePair, judgement: Judgement) -> Origin | None:
    if not isinstance(case.request, Request) or case.request.method in _SAFE:
        return None
    accepted = [_accepted(exchange) for exchange in (pair.primary, pair.candidate)]
    differs = judgement.undeclared or judgement.declared
    return Origin(judgement.operation, accepted[0] is not accepted[1]) if any(accepted) and differs else None


def _accepted(exchange: Exchange) -> bool:
    return any(_FIRST_SUCCESS <= answer.status <= _LAST_SUCCESS for answer in exchange.answers[:1])
