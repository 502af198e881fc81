"""The headers of two answers compared."""

from collections.abc import Iterator

from serving_lab.parity.judgement.difference import Difference, DifferenceKind, shown
from serving_lab.parity.judgement.forms import Exact
from serving_lab.wire.message import Answer

# How a body is cut into messages, and whether the connection stays: compared by what became of it.
_FRAMING = frozenset({"connection", "keep-alive", "transfer-encoding", "content-type"})
# A list in any order.
_LISTS = frozenset(
    {"allow", "vary", "access-control-allow-headers", "access-control-allow-methods", "access-control-expose-headers"}
)


def differences(primary: Answer, candidate: Answer) -> Iterator[Difference]:
    """What differs in the headers, the content type first."""
    types = content_type(primary), content_type(candidate)
    if types[0] != types[1]:
        exact = (Exact(types[0]), Exact(types[1])) if types[0] and types[1] else None
        yield Difference(DifferenceKind.CONTENT_TYPE, "header content-type", *types, values=exact)
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


def content_type(answer: Answer) -> str | None:
    """The content type in lower case, its parameters sorted; None where there is none."""
    value = answer.header("content-type")
    if value is None:
        return None
    media_type, *parameters = (part.strip().lower() for part in value.split(";"))
    return "; ".join([media_type, *sorted(parameters)])


def _value(name: str, value: str) -> str | frozenset[str]:
    return frozenset(part.strip().lower() for part in value.split(",")) if name in _LISTS else value
