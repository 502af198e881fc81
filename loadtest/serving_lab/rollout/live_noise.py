"""What varies by itself in a primary's answers, learned from live traffic: some requests were answered by it twice."""

from collections import Counter
from datetime import datetime

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


class LiveNoise:
    """Noise of the primary while it grows."""

    def __init__(self, rules: Rules) -> None:
        self.noise = Noise()
        self._rules = rules
        self._present: Counter[Field] = Counter()
        self._varied: Counter[Field] = Counter()
        self.lessons: Counter[str] = Counter()
        """Second answers, by operation."""
        self.changes = 0
        """How often more became known: what was judged before may be noise."""

    def learn(self, operation: str, first: Exchange, again: Exchange, moments: tuple[datetime, datetime]) -> None:
        """Compare two answers of the primary to one request."""
        self.lessons[operation] += 1
        for where in value_paths(first):
            self._present[field_of(operation, first, where)] += 1
        for difference in own_differences(first, again, self._rules):
            if not may_be_noise(difference.kind):
                continue
            place = field_of(operation, first, difference.where)
            self._varied[place] += 1
            present, varied = max(1, self._present[place]), self._varied[place]
            primary = (difference.values or (None,))[0]
            tells_time = difference.kind in VALUE_KINDS and (
                form_of(primary).time is not None or (isinstance(primary, str) and tokens.has_time(primary))
            )
            if tells_time or (varied >= _OFTEN and varied >= _SHARE * present):
                self._add(place, difference, moments)
                if place.is_header:
                    self._add(place.in_all, difference, moments)

    def varies(self, operation: str, where: str) -> bool:
        """Whether the primary was ever seen to differ from itself at this place, noise or not."""
        return any(place.where == where and place.request.startswith(operation) for place in self._varied)

    def _add(self, place: Field, difference: Difference, moments: tuple[datetime, datetime]) -> None:
        before = self.noise
        self.noise = before.with_difference(place, difference, moments)
        self.changes += self.noise is not before
