"""The books of a comparison: what was sent, and the differences grouped by their cause."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request
from serving_lab.parity import result
from serving_lab.parity.cases import Case, Steps
from serving_lab.parity.judgement.declarations import Declaration
from serving_lab.parity.judgement.difference import Difference, without_tokens
from serving_lab.parity.reporting import shell
from serving_lab.wire.message import Answer, Exchange, RawRequest

Signature = tuple[str, ...]
_CONFIDENCE = 0.95
_SHOWN_BODY_CHARACTERS = 2000


@dataclass(frozen=True)
class Sighting:
    """A difference where it was seen."""

    sequence: Steps
    step: int
    primary: Exchange
    candidate: Exchange

    @property
    def case(self) -> Case:
        """The request whose answers differ."""
        return self.sequence[self.step]

    @property
    def effort(self) -> tuple[bool, int]:
        """What it takes to see it: whether more than a client library, and how many bytes."""
        steps = self.sequence[: self.step + 1]
        return any(isinstance(case.request, RawRequest) for case in steps), sum(_size(case.request) for case in steps)


@dataclass
class _Cause:
    difference: Difference
    smallest: Sighting
    operations: Counter[str] = field(default_factory=Counter)
    relative: float | None = None
    repeated: int = 0
    reproduced: int = 0


class Ledger:
    """Counts every request and keeps every cause."""

    def __init__(self, intended: tuple[Declaration, ...], secrets: Mapping[str, str]) -> None:
        self._intended = intended
        self._secrets = secrets
        self._tried: Counter[int] = Counter()
        self._occurred: Counter[int] = Counter()
        self._sources: Counter[str] = Counter()
        self._compared: Counter[str] = Counter()
        self._differing: Counter[str] = Counter()
        self._causes: dict[Signature, _Cause] = {}
        self._unsteady: dict[Signature, _Cause] = {}

    @property
    def different(self) -> bool:
        """Whether there is any undeclared difference."""
        return bool(self._causes)

    @property
    def unsteady(self) -> bool:
        """Whether the primary differs from itself in more than values."""
        return bool(self._unsteady)

    @property
    def causes(self) -> int:
        """How many there are."""
        return len(self._causes)

    def count(self, case: Case, operation: str, *, differing: bool) -> None:
        """Note that a request was compared."""
        self._sources[case.source] += 1
        self._compared[operation] += 1
        self._differing[operation] += differing
        for index, declaration in enumerate(self._intended):
            self._tried[index] += declaration.covers(operation)

    def declared(self, operation: str, difference: Difference) -> bool:
        """Whether the difference is intended; notes that it occurred."""
        for index, declaration in enumerate(self._intended):
            if declaration.declares(operation, difference):
                self._occurred[index] += 1
                return True
        return False

    def intends(self, operation: str, difference: Difference) -> bool:
        """Whether the difference is declared; for requests that are not counted."""
        return any(declaration.declares(operation, difference) for declaration in self._intended)

    def knows(self, difference: Difference) -> bool:
        """Whether the cause was seen before."""
        return difference.signature in self._causes or difference.signature in self._unsteady

    def blames(self, difference: Difference) -> bool:
        """Whether the candidate is to blame for it: neither declared nor the primary's own."""
        return difference.signature in self._causes

    def add(self, operation: str, difference: Difference, sighting: Sighting) -> None:
        """Note a difference: of a cause that is known, or a new one."""
        book = self._unsteady if difference.signature in self._unsteady else self._causes
        cause = book.setdefault(difference.signature, _Cause(difference, sighting))
        cause.operations[operation] += 1
        cause.relative = max(cause.relative or 0.0, difference.relative) if difference.relative else cause.relative
        self.offer(difference, sighting)

    def add_unsteady(self, operation: str, difference: Difference, sighting: Sighting) -> None:
        """Note something in which the primary differs from itself: nothing can be said about the candidate there."""
        cause = self._unsteady.setdefault(difference.signature, _Cause(difference, sighting))
        cause.operations[operation] += 1

    def offer(self, difference: Difference, sighting: Sighting) -> None:
        """Keep the sighting as its cause's example where it is the smallest."""
        cause = self._causes.get(difference.signature) or self._unsteady.get(difference.signature)
        if cause and sighting.effort <= cause.smallest.effort:
            cause.difference, cause.smallest = difference, sighting

    def repeated(self, difference: Difference, times: int, reproduced: int) -> None:
        """Note how often a cause showed again."""
        cause = self._causes[difference.signature]
        cause.repeated, cause.reproduced = times, reproduced

    def sources(self) -> dict[str, int]:
        """Return how many requests of each source were compared."""
        return dict(self._sources)

    def listed(self, primary: Endpoint, candidate: Endpoint) -> list[result.CauseRecord]:
        """Return the causes, the most frequent first."""
        return self._listed(self._causes, primary, candidate)

    def listed_unsteady(self, primary: Endpoint, candidate: Endpoint) -> list[result.CauseRecord]:
        """Return in what the primary differs from itself."""
        return self._listed(self._unsteady, primary, candidate)

    def listed_intended(self) -> list[result.Intended]:
        """Return the declarations with their counts."""
        return [
            result.Intended(
                reason=declaration.reason,
                request=declaration.request,
                kind=declaration.kind,
                where=declaration.where,
                count=self._occurred[index],
                tried=self._tried[index],
            )
            for index, declaration in enumerate(self._intended)
        ]

    def listed_operations(self) -> list[result.Sent]:
        """Return what was sent to each operation."""
        return [
            result.Sent(
                request=operation,
                count=count,
                differing=self._differing[operation],
                detectable_rate=detectable_rate(count),
            )
            for operation, count in sorted(self._compared.items(), key=lambda item: item[0].split(" ", 1)[::-1])
        ]

    def _listed(
        self, book: dict[Signature, _Cause], primary: Endpoint, candidate: Endpoint
    ) -> list[result.CauseRecord]:
        ordered = sorted(book.values(), key=lambda cause: (-cause.operations.total(), cause.difference.signature))
        return [self._cause(cause, primary, candidate) for cause in ordered]

    def _cause(self, cause: _Cause, primary: Endpoint, candidate: Endpoint) -> result.CauseRecord:
        difference, seen = cause.difference, cause.smallest
        return result.CauseRecord(
            kind=difference.kind,
            where=difference.where,
            primary=difference.primary,
            candidate=difference.candidate,
            operations=dict(cause.operations.most_common()),
            count=cause.operations.total(),
            compared=sum(self._compared[operation] for operation in cause.operations),
            relative=cause.relative,
            repeated=cause.repeated,
            reproduced=cause.reproduced,
            follows=list(difference.follows),
            example=result.Example(
                case=seen.case.name,
                primary_command=self._commands(seen, primary),
                candidate_command=self._commands(seen, candidate),
                primary_answer=_text(seen.primary),
                candidate_answer=_text(seen.candidate),
            ),
        )

    def _commands(self, seen: Sighting, endpoint: Endpoint) -> str:
        return shell.commands(seen.sequence[: seen.step + 1], endpoint.url, endpoint.host, self._secrets)


def detectable_rate(compared: int) -> float:
    """Return the smallest share of differing requests that would have shown at least once with 95% probability.

    The chance that a difference of share p stays unseen in n requests is (1 - p)**n; this is the p at which it is 5%
    (for large n about 3/n, the "rule of three").
    """
    return 1 - (1 - _CONFIDENCE) ** (1 / compared) if compared else 1.0


def _size(request: Request | RawRequest) -> int:
    return len(request.content) if isinstance(request, RawRequest) else len(request.encode(""))


def _text(exchange: Exchange) -> str:
    return "\n\n".join([*(_answer(answer) for answer in exchange.answers), f"({exchange.ending})"])


def _answer(answer: Answer) -> str:
    body = answer.body[: 4 * _SHOWN_BODY_CHARACTERS].decode("utf-8", "backslashreplace")
    cut = "…" if len(body) > _SHOWN_BODY_CHARACTERS else ""
    head = [str(answer.status), *(f"{name}: {value}" for name, value in answer.headers)]
    return without_tokens("\n".join([*head, "", body[:_SHOWN_BODY_CHARACTERS] + cut]))
