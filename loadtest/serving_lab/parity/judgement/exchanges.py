"""Two exchanges compared: all that a client could notice, except what HTTP leaves to each connection."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from serving_lab.parity.judgement import bodies, headers
from serving_lab.parity.judgement.difference import Difference, DifferenceKind
from serving_lab.parity.judgement.forms import Exact
from serving_lab.parity.judgement.rules import Rules
from serving_lab.wire.message import Answer, Ending, Exchange

_MANY_FOLLOWS = 8


def differences(primary: Exchange, candidate: Exchange, rules: Rules) -> Iterator[Difference]:
    """Everything in which two exchanges differ, noise included."""
    if len(primary.answers) != len(candidate.answers):
        yield Difference(DifferenceKind.NO_ANSWER, "connection", _counted(primary), _counted(candidate))
    elif primary.ending is not candidate.ending:
        kind = _kind_of_endings(primary, candidate)
        endings = primary.ending, candidate.ending
        yield Difference(kind, "connection", *endings, values=(Exact(endings[0]), Exact(endings[1])))
    for left, right in zip(primary.answers, candidate.answers, strict=False):
        yield from _answers(left, right, rules)


def fold(found: Sequence[Difference]) -> list[Difference]:
    """The differences that matter for themselves; one that only follows from another is told with it.

    Another status brings another body and other headers along, and so does a page where JSON was expected.
    """
    leading = next((d for d in found if d.kind in {DifferenceKind.NO_ANSWER, DifferenceKind.STATUS}), None)
    if leading is None and any(d.kind is DifferenceKind.BODY for d in found):
        leading = next((d for d in found if d.kind is DifferenceKind.CONTENT_TYPE), None)
    if leading is None:
        return list(found)
    follows = dict.fromkeys(f"{d.kind}: {d.where}" for d in found if d is not leading)
    return [_with_follows(leading, tuple(follows)[:_MANY_FOLLOWS])]


def value_paths(exchange: Exchange) -> Iterator[str]:
    """Where the values are in which two such exchanges could differ, each header or JSON path once."""
    yield from ("connection", "status")
    if exchange.answers:
        answer = exchange.answers[0]
        yield from dict.fromkeys(f"header {name}" for name, _ in answer.headers)
        yield from bodies.value_paths(answer)


def _kind_of_endings(primary: Exchange, candidate: Exchange) -> DifferenceKind:
    if Ending.SURPLUS in {primary.ending, candidate.ending}:
        return DifferenceKind.FRAMING
    return DifferenceKind.CONNECTION if primary.answers else DifferenceKind.NO_ANSWER


def _with_follows(leading: Difference, follows: tuple[str, ...]) -> Difference:
    return replace(leading, relative=None, follows=follows)


def _counted(exchange: Exchange) -> str:
    number = len(exchange.answers)
    return f"{number or 'no'} answer{'s' if number != 1 else ''}, {exchange.ending}"


def _answers(primary: Answer, candidate: Answer, rules: Rules) -> Iterator[Difference]:
    if primary.status != candidate.status:
        statuses = Exact(primary.status), Exact(candidate.status)
        yield Difference(DifferenceKind.STATUS, "status", str(primary.status), str(candidate.status), values=statuses)
    yield from headers.differences(primary, candidate)
    yield from bodies.differences(primary, candidate, rules)
