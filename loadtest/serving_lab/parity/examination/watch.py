"""Watches how a part that is noise varies on both sides: what one shows often, and the other never, is a difference."""

from collections import Counter
from dataclasses import dataclass, field

from serving_lab.parity.judgement.difference import DifferenceKind, shown
from serving_lab.parity.judgement.forms import Exact, form_of
from serving_lab.parity.judgement.sifting import NoisyValue

_LIKELY = 0.002
"""Chance alone may let something look like a difference this often."""
_SUSPICIOUS, _CERTAIN = 4, 16
"""Answers in which one side shows what the other does not, and never the other way round: to look again, to believe."""
_SCALE = 300
"""A number so many times larger in each answer is in another unit: from seconds to milliseconds it is 1,000 times."""
_FEWEST_VALUES = 5
"""A part that did not vary in fewer answers than this is not called constant."""
_FEWEST_DECREASES = 2
"""What hardly ever decreases counts, or tells since when a service runs: that says nothing about its unit."""
_ROUNDED = 9
"""Digits; more are not rounded, and their number is chance."""


@dataclass(frozen=True)
class Oddity:
    """What one side shows often and the other never."""

    kind: DifferenceKind
    primary: str
    candidate: str


@dataclass
class Watch:
    """The values that a part had on both sides, where they differed; or in what the structure there differed."""

    of_structure: bool = False
    compared: int = 0
    primary_values: Counter[int] = field(default_factory=Counter)
    """By hash: the only question is which are the same."""
    candidate_values: Counter[int] = field(default_factory=Counter)
    _primary_shown: str = ""
    _candidate_shown: str = ""
    _times: bool = False
    _alone: tuple[Counter[str], Counter[str]] = field(default_factory=lambda: (Counter(), Counter()))
    """How often each side alone had each feature."""
    _by_far: Counter[str] = field(default_factory=Counter)
    """How often each side's number was by far the larger."""
    _last: list[float] = field(default_factory=list)
    _decreases: list[int] = field(default_factory=lambda: [0, 0])

    def add(self, value: NoisyValue) -> None:
        """Note one more pair."""
        self.compared += 1
        hashes = hash(str(value.primary)), hash(str(value.candidate))
        fresh = hashes[0] not in self.primary_values and hashes[1] not in self.candidate_values
        self.primary_values[hashes[0]] += 1
        self.candidate_values[hashes[1]] += 1
        self._primary_shown, self._candidate_shown = _shown(value.primary), _shown(value.candidate)
        self._times = form_of(value.primary).time is not None
        if not (fresh or self.of_structure):
            return  # A value that stays for a while says once what it has to say.
        features = _features_of_structure if self.of_structure else _features
        ours, theirs = features(value.primary), features(value.candidate)
        self._alone[0].update(ours - theirs)
        self._alone[1].update(theirs - ours)
        amounts = _amount(value.primary), _amount(value.candidate)
        if amounts[0] is not None and amounts[1] is not None:
            self._compare_amounts(amounts[0], amounts[1])

    @property
    def is_open(self) -> bool:
        """Whether more values would tell more."""
        if not self.of_structure and len(self.candidate_values) < 2:
            return True
        return any(_SUSPICIOUS <= count < _CERTAIN for count in self._one_sided().values())

    def oddity(self) -> Oddity | None:
        """What one side shows often and the other never; None where there is nothing of the kind."""
        if not self.of_structure and self._is_constant:
            sides = f"varies, as {self._primary_shown}", f"always {self._candidate_shown}"
            return Oddity(DifferenceKind.CONSTANT, *sides)
        if self._is_by_far:
            apart = f"such as {self._candidate_shown}, always more than {_SCALE} times apart"
            return Oddity(DifferenceKind.FORM, f"such as {self._primary_shown}", apart)
        for (side, feature), count in self._one_sided().items():
            if count >= _CERTAIN:
                kind = DifferenceKind.CONSTANT if self.of_structure else DifferenceKind.FORM
                told = f"sometimes {feature}", f"never {feature}"
                return Oddity(kind, *(told if side == 0 else told[::-1]))
        return None

    def _one_sided(self) -> dict[tuple[int, str], int]:
        """Each feature that one side alone had and the other never, with how often."""
        return {
            (side, feature): count
            for side, counts in enumerate(self._alone)
            for feature, count in counts.items()
            if not self._alone[1 - side][feature]
        }

    @property
    def _is_constant(self) -> bool:
        """Whether the candidate never varied, where the primary would not have stayed the same by chance."""
        if len(self.candidate_values) != 1 or len(self.primary_values) == 1 or self.compared < _FEWEST_VALUES:
            return False
        most = max(self.primary_values.values()) / self.compared
        return self._times or most ** (self.compared - 1) <= _LIKELY

    @property
    def _is_by_far(self) -> bool:
        """Whether one side's numbers are in another unit."""
        most = max(self._by_far["ours"], self._by_far["theirs"])
        return most == self.compared >= _CERTAIN and min(self._decreases) >= _FEWEST_DECREASES

    def _compare_amounts(self, primary: float, candidate: float) -> None:
        amounts = primary, candidate
        smaller, larger = sorted(map(abs, amounts))
        self._by_far["neither" if larger < _SCALE * smaller else "ours" if abs(primary) == larger else "theirs"] += 1
        for side, (before, now) in enumerate(zip(self._last, amounts, strict=False)):
            self._decreases[side] += now < before
        self._last = [*amounts]


def _features_of_structure(value: object) -> frozenset[str]:
    match value:
        case int():
            return frozenset({"empty" if value == 0 else "with items"})
        case Exact():
            return frozenset({str(value)})
    return frozenset() if value is None else frozenset({"there"})


def _features(value: object) -> frozenset[str]:
    """What a value has that others of its kind may lack."""
    form = form_of(value)
    found = {f"with {each}" for each in form.characters}
    if not form.characters and form.kind != "NoneType":
        found.add(form.kind)
    found |= {f"with more than {digits} digits after the point" for digits in range(min(form.digits, _ROUNDED))}
    if _amount(value):
        found.add("other than zero")
    return frozenset(found)


def _amount(value: object) -> float | None:
    """The value as a number; None where it is none."""
    if isinstance(value, bool | Exact):
        return None
    try:
        return float(value.replace(",", "") if isinstance(value, str) else value)  # type: ignore[arg-type]
    except (ValueError, TypeError, OverflowError):
        return None


def _shown(value: object) -> str:
    return "nothing" if value is None else shown(value)
