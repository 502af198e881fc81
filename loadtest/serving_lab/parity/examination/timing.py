"""Which differences may come from the moment of sending alone."""

from serving_lab.api.request import Request
from serving_lab.parity.judgement.difference import Difference, DifferenceKind
from serving_lab.parity.judgement.forms import form_of
from serving_lab.parity.judgement.noise import VALUE_KINDS
from serving_lab.text import tokens
from serving_lab.wire.message import RawRequest


def rests_on_waiting(difference: Difference, request: Request | RawRequest) -> bool:
    """Whether it depends on how long a service was waited for: one that is slow for a moment shows it too, but once."""
    kinds = {DifferenceKind.NO_ANSWER, DifferenceKind.CONNECTION}
    return isinstance(request, RawRequest) and difference.kind in kinds


def may_tell_time(difference: Difference) -> bool:
    """Whether the values may be times, or made from one: those with whole seconds are steady for up to a second."""
    if difference.kind not in VALUE_KINDS or difference.values is None:
        return False
    primary = difference.values[0]
    return form_of(primary).time is not None or (isinstance(primary, str) and tokens.has_time(primary))
