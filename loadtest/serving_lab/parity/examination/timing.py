"""Which differences may come from the moment of sending alone."""

from serving_lab.api.request import Request
from serving_lab.parity.judgement.difference import Difference, DifferenceKind
from serving_lab.parity.judgement.forms import form_of
from serving_lab.parity.judgement.noise import VALUE_KINDS
from serving_lab.wire.message import RawRequest

_EPOCH_SECONDS = 1e9


def rests_on_waiting(difference: Difference, request: Request | RawRequest) -> bool:
    """Whether it depends on how long a service was waited for: one that is slow for a moment shows it too, but once."""
    kinds = {DifferenceKind.NO_ANSWER, DifferenceKind.CONNECTION}
    return isinstance(request, RawRequest) and difference.kind in kinds


def may_tell_time(difference: Difference) -> bool:
    """Whether the values may be times, or made from one: those with whole seconds are steady for up to a second."""
    primary = difference.values[0] if difference.values else None
    epoch = isinstance(primary, int | float) and primary >= _EPOCH_SECONDS
    return difference.kind in VALUE_KINDS and (epoch or form_of(primary).time is not None)
