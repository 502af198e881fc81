"""The ledger of a comparison: what was sent, and the differences grouped by their cause."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from serving_lab.api.request import Request
from serving_lab.parity.cases import Case, Source, Steps
from serving_lab.parity.coverage import Coverage
from serving_lab.parity.judgement.declarations import Declaration
from serving_lab.parity.judgement.difference import Difference, Signature
from serving_lab.parity.judgement.judge import Judgement
from serving_lab.parity.judgement.noise import Field
from serving_lab.wire.message import Exchange, RawRequest

_CONFIDENCE = 0.95
_NAMED = frozenset({Source.CORPUS, Source.SEQUENCE})
"""Where the requests are from that a person wrote and named."""


@dataclass(frozen=True)
class Sighting:
    """A difference where it was seen."""

    steps: Steps
    """What was sent; the answers to the last step differ."""
    primary: Exchange
    candidate: Exchange

    @property
    def case(self) -> Case:
        """The request whose answers differ."""
        return self.steps[-1]

    @property
    def effort(self) -> tuple[bool, bool, int]:
        """What it takes to see it: more than a client library, a request that nobody has named, and how many bytes."""
        requests = [case.request for case in self.steps]
        raw = any(isinstance(request, RawRequest) for request in requests)
        return raw, self.case.source not in _NAMED, sum(map(_size, requests))


@dataclass(frozen=True)
class Consequence:
    """That a difference follows from an earlier one, which left the services in different states."""

    operation: str
    """Of the request that both took differently."""
    proven: bool
    """Whether the difference did not show once both were in the same state again."""


@dataclass
class Cause:
    """Differences that are one: same operation, same kind, same place, same values except for the numbers in them."""

    operation: str
    difference: Difference
    smallest: Sighting
    """The smallest request that showed it."""
    count: int = 0
    """How many requests showed it."""
    varies: bool = False
    """Whether the two values were not the same in all requests that showed it."""
    relative: float | None = None
    """For numbers: the largest distance, as a share of the larger number."""
    repeated: int = 0
    """How often its request was sent again."""
    reproduced: int = 0
    """How often that showed the difference again."""
    consequence: Consequence | None = None
    """What it follows from, where it does."""


@dataclass(frozen=True)
class Fold:
    """One difference at all operations that show it, for reading."""

    causes: tuple[Cause, ...]
    """One of each operation, the most frequent first."""

    @property
    def count(self) -> int:
        """How many requests showed it."""
        return sum(cause.count for cause in self.causes)

    @property
    def consequence(self) -> Consequence | None:
        """What it follows from, where it does so at all operations."""
        return self.causes[0].consequence if all(cause.consequence for cause in self.causes) else None


class Ledger:
    """Counts every request and keeps every cause."""

    def __init__(self, declarations: tuple[Declaration, ...] = ()) -> None:
        self.declarations = declarations
        self.tried: Counter[Declaration] = Counter()
        """Requests within the scope of each declaration."""
        self.occurred: Counter[Declaration] = Counter()
        """How often each declared difference occurred."""
        self.sources: Counter[str] = Counter()
        """Requests compared, by where they came from."""
        self.compared: Counter[str] = Counter()
        """Requests compared of each operation."""
        self.differing: Counter[str] = Counter()
        """Requests of each operation that showed an undeclared difference."""
        self.coverage = Coverage()
        self._causes: dict[_Key, Cause] = {}
        self._unsteady: dict[_Key, Cause] = {}

    @property
    def causes(self) -> list[Fold]:
        """Undeclared differences for which the candidate is to blame, the most frequent first, consequences last."""
        return _folded(self._causes)

    @property
    def cause_count(self) -> int:
        """How many such differences there are, each counted once however many operations show it."""
        return len({signature for _, signature in self._causes})

    @property
    def unsteady(self) -> list[Fold]:
        """In what the primary differs from itself, other than in noise: nothing can be said about the candidate."""
        return _folded(self._unsteady)

    def differs_at(self, place: Field) -> bool:
        """Whether a difference is known at this place: what varies there says no more."""
        return any(
            cause.difference.where == place.where and (place.anywhere or place.request.startswith(f"{operation} "))
            for (operation, _), cause in self._causes.items()
        )

    def operations_with(self, difference: Difference) -> int:
        """How many operations have shown the same difference."""
        return sum(signature == difference.signature for _, signature in self._causes)

    @property
    def requests(self) -> int:
        """How many requests were compared."""
        return self.sources.total()

    def book_declared(self, declarations: Iterable[Declaration]) -> None:
        """Note that what these intend occurred."""
        self.occurred.update(declarations)

    def count(self, case: Case, judgement: Judgement) -> None:
        """Note that a request was compared."""
        operation = judgement.operation
        self.sources[case.source] += 1
        self.compared[operation] += 1
        self.differing[operation] += any((operation, d.signature) in self._causes for d in judgement.undeclared)
        self.tried.update(declaration for declaration in self.declarations if declaration.covers(operation))

    def knows(self, operation: str, difference: Difference) -> bool:
        """Whether the cause was seen before."""
        key = operation, difference.signature
        return key in self._causes or key in self._unsteady

    def add(self, operation: str, difference: Difference, sighting: Sighting) -> None:
        """Note a difference: of a cause that is known, or a new one."""
        key = operation, difference.signature
        book = self._unsteady if key in self._unsteady else self._causes
        cause = book.setdefault(key, Cause(operation, difference, sighting))
        cause.count += 1
        cause.relative = max(cause.relative or 0.0, difference.relative) if difference.relative else cause.relative
        self.offer(operation, difference, sighting)

    def add_unsteady(self, operation: str, difference: Difference, sighting: Sighting) -> None:
        """Note something in which the primary differs from itself."""
        key = operation, difference.signature
        self._unsteady.setdefault(key, Cause(operation, difference, sighting)).count += 1

    def offer(self, operation: str, difference: Difference, sighting: Sighting) -> None:
        """Keep the sighting as its cause's example if it is the smallest."""
        key = operation, difference.signature
        cause = self._causes.get(key) or self._unsteady.get(key)
        if cause:
            cause.varies |= cause.difference.sides != difference.sides
        if cause and sighting.effort <= cause.smallest.effort:
            cause.difference, cause.smallest = difference, sighting

    def repeated(self, operation: str, difference: Difference, times: int, reproduced: int) -> None:
        """Note how often a cause showed when its request was sent again."""
        cause = self._causes[operation, difference.signature]
        cause.repeated, cause.reproduced = times, reproduced

    def follows(self, operation: str, difference: Difference, consequence: Consequence) -> None:
        """Note that a cause follows from another one."""
        self._causes[operation, difference.signature].consequence = consequence


def detectable_rate(compared: int) -> float:
    """The smallest share of differing requests that would have shown at least once with 95% probability.

    The chance that a difference of share p stays unseen in n requests is (1 - p)**n; this is the p at which it is 5%
    (for large n about 3/n, the "rule of three").
    """
    return 1 - (1 - _CONFIDENCE) ** (1 / compared) if compared else 1.0


_Key = tuple[str, Signature]


def _folded(causes: Mapping[_Key, Cause]) -> list[Fold]:
    folds: dict[Signature, list[Cause]] = {}
    for (_, signature), cause in sorted(causes.items(), key=lambda item: (-item[1].count, item[0])):
        folds.setdefault(signature, []).append(cause)
    return sorted(
        (Fold(tuple(each)) for each in folds.values()), key=lambda fold: (fold.consequence is not None, -fold.count)
    )


def _size(request: Request | RawRequest) -> int:
    return len(request.content) if isinstance(request, RawRequest) else len(request.encode(""))
