"""What a comparison learns about noise: which fields vary, in which forms, and whether both sides' vary alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from serving_lab.parity.cases import Steps
from serving_lab.parity.examination.watch import Watch
from serving_lab.parity.judgement.difference import Difference, shown
from serving_lab.parity.judgement.judge import Judgement
from serving_lab.parity.judgement.noise import Answered, Field, Noise, Variation, Way

_WAYS = frozenset(map(str, Way))


@dataclass(frozen=True)
class NoisyField:
    """A field in which the primary differs from itself."""

    field: Field
    variation: Variation
    shown: str
    """A value of it."""
    example: Steps
    """Requests whose last answer has it."""
    late: bool = False
    """Whether it was found while comparing, not while learning."""


@dataclass(frozen=True)
class Learned:
    """The noise of both sides, for several comparisons of the same services."""

    fields: tuple[NoisyField, ...] = ()
    candidate: Noise = field(default_factory=Noise)


@dataclass
class _Known:
    example: Steps
    late: bool
    shown: str = ""
    watches: dict[str, Watch] = field(default_factory=dict)
    """By what stands before a part, or by the way in which the structure varies."""


class NoiseBook:
    """The noise of one comparison while it grows."""

    def __init__(self, learned: Learned | None = None) -> None:
        learned = learned or Learned()
        self._known = {each.field: _Known(each.example, each.late, each.shown) for each in learned.fields}
        self.noise = Noise.of_fields({each.field: each.variation for each in learned.fields})
        """The primary's."""
        self.candidate_noise = learned.candidate

    def learn(
        self,
        place: Field,
        difference: Difference,
        example: Steps,
        answered: Answered = (None, None),
        *,
        late: bool = False,
    ) -> None:
        """Note that the primary differs from itself in this field."""
        self.noise = self.noise.with_difference(place, difference, answered)
        known = self._known.setdefault(place, _Known(example, late))
        if difference.candidate is not None:
            known.shown = shown(difference.values[1] if difference.values else difference.candidate)

    def learn_of_candidate(self, place: Field, difference: Difference, answered: Answered = (None, None)) -> None:
        """Note that the candidate differs from itself in this field."""
        self.candidate_noise = self.candidate_noise.with_difference(place, difference, answered)

    def observe(self, judgement: Judgement) -> None:
        """Note which values noisy fields had."""
        self.noise = judgement.noise
        for value in judgement.values:
            known = self._known.get(value.field.in_all) or self._known.get(value.field)
            if known:
                if value.before not in known.watches:
                    known.watches[value.before] = Watch(of_structure=value.before in _WAYS)
                known.watches[value.before].add(value)

    def unvaried(self) -> list[Steps]:
        """A request for each noisy field of which more values would tell more."""
        watched = (known for place, known in self._known.items() if place.anywhere or place.in_all not in self._known)
        open_ones = (known for known in watched if not known.watches or any(map(_is_open, known.watches.values())))
        return list(dict.fromkeys(known.example for known in open_ones))

    def oddities(self) -> Iterator[tuple[Field, Steps, Difference]]:
        """The fields that one side varies in another way than the other, each with a request that has it."""
        for place, known in self._known.items():
            for before, watch in known.watches.items():
                if oddity := watch.oddity():
                    behind = f" after {shown(before)}" if before and not watch.of_structure else ""
                    sides = oddity.primary + behind, oddity.candidate + behind
                    yield place, known.example, Difference(oddity.kind, place.where, *sides)
                    break

    def learned(self) -> Learned:
        """All that is known."""
        return Learned(tuple(self.fields()), self.candidate_noise)

    def fields(self) -> Sequence[NoisyField]:
        """All noisy fields, in the order in which they were found."""
        return [
            NoisyField(place, self.noise.fields[place], known.shown, known.example, known.late)
            for place, known in self._known.items()
        ]


def _is_open(watch: Watch) -> bool:
    return watch.is_open
