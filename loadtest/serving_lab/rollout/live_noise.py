"""What varies by itself in a primary's answers, learned from live traffic.

Some requests were sent to it twice, one right after the other. And clients ask the same again some time later: what has
changed by then, such as clocks and counters, is of no request's making either.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable
from datetime import datetime

from serving_lab.api.request import Request
from serving_lab.parity.judgement.difference import Difference
from serving_lab.parity.judgement.exchanges import value_paths
from serving_lab.parity.judgement.forms import form_of
from serving_lab.parity.judgement.judge import field_of, own_differences
from serving_lab.parity.judgement.noise import VALUE_KINDS, Field, Noise, may_be_noise
from serving_lab.parity.judgement.rules import Rules
from serving_lab.text import tokens
from serving_lab.wire.message import Exchange

_SHARE, _OFTEN = 0.05, 3
"""What varies is noise if it does so often, and in this share of the second answers. `lab parity` asks for more, but it
prepares both services: here a cache may be warm, so that a field changes with few requests."""
_LATER_SECONDS = 1.1
"""Clocks with whole seconds differ from then on."""
_REMEMBERED = 500

Answered = tuple[Exchange, datetime]


class LiveNoise:
    """Noise of the primary while it grows."""

    def __init__(self, rules: Rules) -> None:
        self.noise = Noise()
        self._rules = rules
        self._present: Counter[Field] = Counter()
        self._varied: Counter[Field] = Counter()
        self._earlier: OrderedDict[object, Answered] = OrderedDict()
        """The last answer to each request, and to each operation."""
        self.lessons: Counter[str] = Counter()
        """Second answers, by operation."""
        self.changes = 0
        """How often more became known: what was judged before may be noise."""

    def learn_again(self, operation: str, first: Answered, again: Answered) -> None:
        """Compare two answers of the primary to one request that was sent twice."""
        self.lessons[operation] += 1
        self._compare(operation, first, again, self._own(first, again))

    def learn_later(self, operation: str, request: Request, answered: Answered) -> None:
        """Compare an answer with an earlier one: to the same request, or in what tells the time, to another."""
        if earlier := self._earlier_one(request, answered):
            self._compare(operation, earlier, answered, self._own(earlier, answered))
        if earlier := self._earlier_one(operation, answered):
            times = (each for each in self._own(earlier, answered) if _tells_time(each))
            self._compare(operation, earlier, answered, times)

    def varies(self, operation: str, where: str) -> bool:
        """Whether the primary was ever seen to differ from itself at this place, noise or not."""
        return any(place.where == where and place.request.startswith(operation) for place in self._varied)

    def _earlier_one(self, key: object, answered: Answered) -> Answered | None:
        """The answer under this key, if it is long enough ago; then this one takes its place."""
        earlier = self._earlier.get(key)
        if earlier is not None and (answered[1] - earlier[1]).total_seconds() < _LATER_SECONDS:
            return None
        self._earlier[key] = answered
        self._earlier.move_to_end(key)
        if len(self._earlier) > _REMEMBERED:
            self._earlier.popitem(last=False)
        return earlier

    def _own(self, first: Answered, other: Answered) -> list[Difference]:
        return [each for each in own_differences(first[0], other[0], self._rules) if may_be_noise(each.kind)]

    def _compare(self, operation: str, first: Answered, other: Answered, differences: Iterable[Difference]) -> None:
        for where in value_paths(first[0]):
            self._present[field_of(operation, first[0], where)] += 1
        for difference in differences:
            place = field_of(operation, first[0], difference.where)
            self._varied[place] += 1
            varied = self._varied[place]
            often = varied >= _OFTEN and varied >= _SHARE * self._present[place]
            if often or _tells_time(difference):
                self._add(place, difference, (first[1], other[1]))
                if place.is_header:
                    self._add(place.in_all, difference, (first[1], other[1]))

    def _add(self, place: Field, difference: Difference, moments: tuple[datetime, datetime]) -> None:
        before = self.noise
        self.noise = before.with_difference(place, difference, moments)
        self.changes += self.noise is not before


def _tells_time(difference: Difference) -> bool:
    if difference.kind not in VALUE_KINDS or difference.values is None:
        return False
    primary = difference.values[0]
    return form_of(primary).time is not None or (isinstance(primary, str) and tokens.has_time(primary))
