"""Two exchanges compared: all that a client could notice, but for what HTTP leaves to each connection."""

from collections.abc import Iterator

from serving_lab.api import json_path
from serving_lab.parity.judgement import exposition, json_body
from serving_lab.parity.judgement.difference import Difference, DifferenceKind, shown
from serving_lab.parity.judgement.rules import Rules
from serving_lab.wire.message import Answer, Exchange

# How a body is cut into messages, and whether the connection stays: compared by what became of it.
_FRAMING = frozenset({"connection", "keep-alive", "transfer-encoding", "content-type"})
# A list in any order.
_LISTS = frozenset(
    {"allow", "vary", "access-control-allow-headers", "access-control-allow-methods", "access-control-expose-headers"}
)
_MANY_FOLLOWS = 8


def differences(primary: Exchange, candidate: Exchange, rules: Rules) -> Iterator[Difference]:
    """Yield what differs between two exchanges."""
    if len(primary.answers) != len(candidate.answers):
        yield Difference(DifferenceKind.NO_ANSWER, "connection", _counted(primary), _counted(candidate))
    elif primary.ending is not candidate.ending:
        kind = DifferenceKind.CONNECTION if primary.answers else DifferenceKind.NO_ANSWER
        yield Difference(kind, "connection", primary.ending, candidate.ending)
    for left, right in zip(primary.answers, candidate.answers, strict=False):
        yield from _answers(left, right, rules)


def fold(found: list[Difference]) -> list[Difference]:
    """Return the differences that matter for themselves; what only follows from one of them is told with it.

    Another status brings another body and other headers along, and so does a page where JSON was expected.
    """
    leading = next((d for d in found if d.kind in {DifferenceKind.NO_ANSWER, DifferenceKind.STATUS}), None)
    if leading is None and any(d.kind is DifferenceKind.BODY for d in found):
        leading = next((d for d in found if d.kind is DifferenceKind.CONTENT_TYPE), None)
    if leading is None:
        return found
    follows = dict.fromkeys(f"{d.kind}: {d.where}" for d in found if d is not leading)
    return [_with_follows(leading, tuple(follows)[:_MANY_FOLLOWS])]


def places(exchange: Exchange) -> Iterator[str]:
    """Yield where the values are that two such exchanges could differ in, each place once."""
    if exchange.answers:
        answer = exchange.answers[0]
        yield from dict.fromkeys(f"header {name}" for name, _ in answer.headers)
        try:
            yield from dict.fromkeys(json_path.places(json_body.parse(answer.body)))
        except (ValueError, RecursionError):
            yield "body"


def _with_follows(leading: Difference, follows: tuple[str, ...]) -> Difference:
    return Difference(leading.kind, leading.where, leading.primary, leading.candidate, follows=follows)


def _counted(exchange: Exchange) -> str:
    number = len(exchange.answers)
    return f"{number or 'no'} answer{'s' if number != 1 else ''}, {exchange.ending}"


def _answers(primary: Answer, candidate: Answer, rules: Rules) -> Iterator[Difference]:
    if primary.status != candidate.status:
        yield Difference(DifferenceKind.STATUS, "status", str(primary.status), str(candidate.status))
    types = _content_type(primary), _content_type(candidate)
    if types[0] != types[1]:
        yield Difference(DifferenceKind.CONTENT_TYPE, "header content-type", *types)
    yield from _headers(primary, candidate)
    yield from _bodies(primary, candidate, rules)


def _content_type(answer: Answer) -> str | None:
    value = answer.header("content-type")
    if value is None:
        return None
    media_type, *parameters = (part.strip().lower() for part in value.split(";"))
    return "; ".join([media_type, *sorted(parameters)])


def _headers(primary: Answer, candidate: Answer) -> Iterator[Difference]:
    names = dict.fromkeys(name for answer in (primary, candidate) for name, _ in answer.headers)
    chunked = any(answer.header("transfer-encoding") for answer in (primary, candidate))
    for name in names:
        if name in _FRAMING or (name == "content-length" and chunked):
            continue
        where = f"header {name}"
        values = primary.header(name), candidate.header(name)
        match values:
            case str() as left, None:
                yield Difference(DifferenceKind.HEADER_MISSING, where, shown(left), None)
            case None, str() as right:
                yield Difference(DifferenceKind.HEADER_EXTRA, where, None, shown(right))
            case str() as left, str() as right if name != "content-length" and _value(name, left) != _value(
                name, right
            ):
                yield Difference(DifferenceKind.HEADER_VALUE, where, shown(left), shown(right), values=values)


def _value(name: str, value: str) -> str | frozenset[str]:
    return frozenset(part.strip().lower() for part in value.split(",")) if name in _LISTS else value


def _bodies(primary: Answer, candidate: Answer, rules: Rules) -> Iterator[Difference]:
    if primary.body == candidate.body:
        return
    if exposition.is_exposition(_content_type(primary)) and exposition.is_exposition(_content_type(candidate)):
        yield from _expositions(primary, candidate)
        return
    try:
        left, right = json_body.parse(primary.body), json_body.parse(candidate.body)
    except (ValueError, RecursionError):
        left, right = (answer.body.decode("utf-8", "backslashreplace") for answer in (primary, candidate))
        shown_left, shown_right = (shown(text) if text else "nothing" for text in (left, right))
        yield Difference(DifferenceKind.BODY, "body", shown_left, shown_right, values=(left, right))
    else:
        yield from json_body.differences(left, right, rules)


def _expositions(primary: Answer, candidate: Answer) -> Iterator[Difference]:
    try:
        yield from exposition.differences(primary.body.decode(), candidate.body.decode())
    except ValueError as error:
        yield Difference(DifferenceKind.BODY, "body", None, shown(f"no exposition: {error}"))
