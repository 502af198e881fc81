"""What a planted difference is, and the words that most of them are made of."""

import json
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from fnmatch import fnmatchcase
from functools import reduce
from http import HTTPStatus

from serving_lab.parity.judgement.difference import DifferenceKind
from serving_lab.parity.result import CauseRecord

from parity.mutants.http import Answer, Json, Request
from parity.mutants.proxy import Mutation, Rewrite

Change = Callable[[Answer], Answer]
Plant = Callable[[], Mutation]
"""Makes a mutation; what it remembers is its own."""


@dataclass(frozen=True)
class Planted:
    """What is changed between a service and who compares it."""

    name: str
    plant: Plant = lambda: lambda _, answer: answer
    rewrite: Rewrite = lambda sent: sent
    both: Plant | None = None
    """What the primary does in its place: for behaviour that our services do not have."""
    predictions: int = 0
    """How many recorded predictions it takes to show it, where the corpus does not."""


@dataclass(frozen=True)
class Mutant(Planted):
    """A difference, and how it must be named."""

    _: KW_ONLY
    kind: DifferenceKind
    where: str
    operation: str | None
    """One of those that show it; None where chance decides."""
    round: int
    """It is planted together with the others of this number: none of them hides it, or is named as it is."""
    told: str | None = None
    """What the candidate is told to say there, where others of the round differ in the same kind and place."""
    consequences: frozenset[tuple[DifferenceKind, str]] = frozenset()
    """What else differs because of it."""

    def names(self, cause: CauseRecord) -> bool:
        """Whether this is the cause that it must be named as."""
        return (cause.kind, cause.where) == (self.kind, self.where) and self.told in {None, cause.candidate}


class Disguise(Planted):
    """No difference to a client."""


def together(planted: Sequence[Planted]) -> Planted:
    """All of them in one, each after the one before it."""
    rewrites = [each.rewrite for each in planted]
    return Planted(
        "together",
        _in_turn([each.plant for each in planted]),
        lambda sent: reduce(lambda changed, rewrite: rewrite(changed), rewrites, sent),
        _in_turn(both) if (both := [each.both for each in planted if each.both]) else None,
        max(each.predictions for each in planted),
    )


def _in_turn(plants: Sequence[Plant]) -> Plant:
    def plant() -> Mutation:
        mutations = [each() for each in plants]

        def mutation(request: Request, answer: Answer) -> Answer | None:
            for each in mutations:
                changed = each(request, answer)
                if changed is None:
                    return None
                answer = changed
            return answer

        return mutation

    return plant


def on(operation: str, status: int, *changes: Change) -> Plant:
    """Change the answers of this status to these operations (`*` stands for any characters)."""

    def mutation(request: Request, answer: Answer) -> Answer:
        if fnmatchcase(request.operation, operation) and answer.status == status:
            for change in changes:
                answer = change(answer)
        return answer

    return lambda: mutation


def where(applies: Callable[[Request], bool], change: Callable[[Answer], Answer | None]) -> Plant:
    """Change the answers to these requests, whatever they say."""
    return lambda: lambda request, answer: change(answer) if applies(request) else answer


def status(code: int) -> Change:
    """Answer with another status and the same body."""
    return lambda answer: replace(answer, status=code, reason=HTTPStatus(code).phrase)


def refusal(code: int, message: str) -> Change:
    """Answer with an error instead."""
    return lambda answer: status(code)(answer.with_json({"error": message, "detail": None}))


def header(name: str, value: str) -> Change:
    """Set a header."""
    return lambda answer: answer.with_header(name, value)


def no_header(name: str) -> Change:
    """Leave a header out."""
    return lambda answer: answer.without_header(name)


def body(content: bytes) -> Change:
    """Send another body."""
    return lambda answer: answer.with_body(content)


def text(old: str, new: str) -> Change:
    """Write something else in the body."""
    return lambda answer: answer.with_body(answer.body.replace(old.encode(), new.encode()))


def fields(**values: Json) -> Change:
    """Set fields of the document, whether it has them or not."""
    return lambda answer: answer.with_json(answer.json() | values)


def no_field(name: str) -> Change:
    """Leave a field out of the document."""
    return lambda answer: answer.with_json({key: value for key, value in answer.json().items() if key != name})


def field(name: str, change: Callable[[Json], Json]) -> Change:
    """Make another value of a field that the document has."""
    return lambda answer: answer.with_json(answer.json() | {name: change(answer.json()[name])})


def spelled(write: Callable[[Json], str]) -> Change:
    """Write the same document in another way."""
    return lambda answer: answer if answer.json() is None else answer.with_body(write(answer.json()).encode())


def pretty(document: Json) -> str:
    """JSON over several lines, with other spaces and another order of keys."""
    keys = sorted(document, reverse=True) if isinstance(document, dict) else []
    return json.dumps({key: document[key] for key in keys} if keys else document, indent=3) + "\n"
