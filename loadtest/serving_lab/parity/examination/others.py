"""Whether somebody else uses a service while it is compared, as far as its metrics show."""

from collections.abc import Iterator, Sequence

from serving_lab.api.request import Request
from serving_lab.errors import LabError
from serving_lab.parity.examination.session import Session
from serving_lab.targets.reading import Reading
from serving_lab.wire import exchange

_METRICS = "/metrics"
_FEW, _SHARE = 10, 0.01
"""Requests more than were sent, and their share of these, that nobody is blamed for: clients repeat what is lost."""


class Others:
    """Counts what services have answered since it was made, and what was sent to them."""

    def __init__(self, sessions: Sequence[Session]) -> None:
        self._before = [(session, _answered(session), session.sent) for session in sessions]

    def warnings(self) -> Iterator[str]:
        """What a reader must know of services that others have used meanwhile."""
        for session, before, _ in self._before:
            now = _answered(session)
            if before is None or now is None:
                continue
            own = sum(each.sent - sent for each, _, sent in self._before if each.endpoint.is_at(session.endpoint))
            strange = now - before - own
            if strange > max(_FEW, _SHARE * own):
                yield (
                    f"others sent about {strange:,.0f} requests to the {session.name} meanwhile, by its metrics: "
                    "what depends on its state, such as counters and caches, may differ because of them"
                )


def _answered(session: Session) -> float | None:
    """How many requests a service has counted; None where it does not say."""
    try:
        answer = exchange.send(session.endpoint, Request("GET", _METRICS))
        return Reading.parse(answer.body.decode()).counters.requests or None
    except (LabError, ValueError):
        return None
