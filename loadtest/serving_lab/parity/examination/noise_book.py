"""What a comparison learns about noise: which fields vary, in which forms, and whether they vary on the candidate."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from serving_lab.parity.cases import Steps
from serving_lab.parity.judgement.difference import Difference, DifferenceKind, shown, without_tokens
from serving_lab.parity.judgement.judge import Judgement
from serving_lab.parity.judgement.noise import Field, Noise

_FEWEST_VALUES = 5
"""A field that did not vary in fewer answers than this is not called constant."""


@dataclass(frozen=True)
class NoisyField:
    """A field in which the primary differs from itself."""

    field: Field
    forms: frozenset[str]
    """In words, such as `UUID`."""
    shown: str
    """A value of it."""
    example: Steps
    """Requests whose last answer has it."""
    late: bool = False
    """Whether it was found while comparing, not while learning."""


@dataclass
class _Known:
    example: Steps
    late: bool
    shown: str = ""
    compared: int = 0
    primary_values: set[int] = field(default_factory=set)
    """Hashes: the only question is whether it varies."""
    candidate_values: set[int] = field(default_factory=set)
    candidate_shown: str = ""


class NoiseBook:
    """The noise of one comparison while it grows."""

    def __init__(self, learned: Iterable[NoisyField] = ()) -> None:
        self._known: dict[Field, _Known] = {}
        forms = {}
        for noisy in learned:
            self._known[noisy.field] = _Known(noisy.example, noisy.late, noisy.shown)
            forms[noisy.field] = noisy.forms
        self.noise = Noise(forms)
        """What the judgement needs of it."""

    def learn(self, noisy: Field, difference: Difference, example: Steps, *, late: bool = False) -> None:
        """Note that the primary differs from itself in this field."""
        known = self._known.setdefault(noisy, _Known(example, late))
        values = difference.values or ()
        self.noise = self.noise.with_values(noisy, *values)
        for value in values:
            known.shown = without_tokens(shown(value))

    def observe(self, judgement: Judgement) -> None:
        """Note which values noisy fields had."""
        self.noise = judgement.noise
        for value in judgement.values:
            known = self._known[value.field]
            known.compared += 1
            known.primary_values.add(hash(value.primary))
            known.candidate_values.add(hash(value.candidate))
            known.candidate_shown = without_tokens(shown(value.candidate))

    def unvaried(self) -> list[Steps]:
        """A request for each noisy field that did not vary on the candidate so far."""
        return list(dict.fromkeys(known.example for known in self._known.values() if len(known.candidate_values) < 2))

    def constants(self) -> Iterator[tuple[Field, Steps, Difference]]:
        """The fields that vary on the primary and never did on the candidate, each with a request that has it."""
        for noisy, known in self._known.items():
            steady = len(known.candidate_values) == 1 < len(known.primary_values)
            if steady and known.compared >= _FEWEST_VALUES:
                sides = f"varies, as {known.shown}", f"always {known.candidate_shown}"
                yield noisy, known.example, Difference(DifferenceKind.CONSTANT, noisy.where, *sides)

    def fields(self) -> Sequence[NoisyField]:
        """All noisy fields, in the order in which they were found."""
        return [
            NoisyField(noisy, self.noise.forms[noisy], known.shown, known.example, known.late)
            for noisy, known in self._known.items()
        ]
