"""The bodies of two answers compared by what they are: metrics, JSON, or any other text."""

import json
from dataclasses import replace

from serving_lab.parity.judgement import exposition, json_body
from serving_lab.parity.judgement.difference import Difference, DifferenceKind, shown
from serving_lab.parity.judgement.headers import content_type
from serving_lab.parity.judgement.rules import Rules
from serving_lab.wire.message import Answer

_BETWEEN = (b"\r\n\r\n", b"\n\n", b"\n")
"""What stands between the parts of a stream: events, or lines."""
_ENCODINGS = {"utf-8-sig": "UTF-8 with a byte-order mark"}


def differences(primary: Answer, candidate: Answer, rules: Rules) -> list[Difference]:
    """What differs in the bodies."""
    if primary.cut or candidate.cut:
        primary, candidate = _beginnings(primary, candidate)
    if primary.body == candidate.body:
        return []
    if exposition.is_exposition(content_type(primary)) and exposition.is_exposition(content_type(candidate)):
        return _expositions(primary, candidate)
    try:
        documents = json_body.parse(primary.body), json_body.parse(candidate.body)
        return [*_encodings(primary.body, candidate.body), *json_body.differences(*documents, rules)]
    except (ValueError, RecursionError):  # one of them is not JSON, or nested too deeply to be compared as JSON
        return [_texts(primary.body, candidate.body)]


def value_paths(answer: Answer) -> list[str]:
    """The JSON path of each value, each once, with `[*]` for any index; `body` where it is not JSON."""
    try:
        return list(dict.fromkeys(json_body.places(json_body.parse(answer.body))))
    except (ValueError, RecursionError):
        return ["body"]


def _beginnings(primary: Answer, candidate: Answer) -> tuple[Answer, Answer]:
    """As much of both as both have; of events and lines whole ones alone."""
    between = next((each for each in _BETWEEN if each in primary.body and each in candidate.body), None)
    if between is None:
        length = min(len(primary.body), len(candidate.body))
        return replace(primary, body=primary.body[:length]), replace(candidate, body=candidate.body[:length])
    parts = [answer.body.split(between)[:-1] for answer in (primary, candidate)]
    number = min(map(len, parts))
    left, right = (between.join(each[:number]) for each in parts)
    return replace(primary, body=left), replace(candidate, body=right)


def _encodings(primary: bytes, candidate: bytes) -> list[Difference]:
    left, right = map(json.detect_encoding, (primary, candidate))
    if left == right:
        return []
    sides = (_ENCODINGS.get(encoding, encoding.upper()) for encoding in (left, right))
    return [Difference(DifferenceKind.ENCODING, "body", next(sides), next(sides))]


def _texts(primary: bytes, candidate: bytes) -> Difference:
    sides = [shown(body.decode("utf-8", "backslashreplace")) if body else "nothing" for body in (primary, candidate)]
    # A byte that is no text is one character that no form has: its escape would be taken for an identifier.
    left, right = (body.decode("utf-8", "surrogateescape") for body in (primary, candidate))
    return Difference(DifferenceKind.BODY, "body", sides[0], sides[1], values=(left, right))


def _expositions(primary: Answer, candidate: Answer) -> list[Difference]:
    left, wrong = _families(primary, content_type(primary))
    right, other_wrong = _families(candidate, content_type(candidate))
    if left is None and right is None:  # wrong on both, perhaps in the same way: the rest is compared all the same
        (left, _), (right, _) = _families(primary, None), _families(candidate, None)
        if left is None or right is None:
            return [_texts(primary.body, candidate.body)]
    if left is not None and right is not None:
        return list(exposition.differences(left, right))
    sides = (shown(fault or "an exposition") for fault in (wrong, other_wrong))
    return [Difference(DifferenceKind.BODY, "body", next(sides), next(sides))]


def _families(answer: Answer, said: str | None) -> tuple[exposition.Families | None, str]:
    """What the body has, read as what it is said to be; or None, and why it is no exposition."""
    try:
        return exposition.families(answer.body.decode(), said), ""
    except (ValueError, KeyError, IndexError, AttributeError, TypeError) as error:  # its parser checks little
        return None, f"not an exposition: {error or type(error).__name__}"
