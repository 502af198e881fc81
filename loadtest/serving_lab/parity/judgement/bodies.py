"""The bodies of two answers compared by what they are: metrics, JSON, or any other text."""

from serving_lab.api import json_path
from serving_lab.parity.judgement import exposition, json_body
from serving_lab.parity.judgement.difference import Difference, DifferenceKind, shown
from serving_lab.parity.judgement.headers import content_type
from serving_lab.parity.judgement.rules import Rules
from serving_lab.wire.message import Answer


def differences(primary: Answer, candidate: Answer, rules: Rules) -> list[Difference]:
    """What differs in the bodies."""
    if primary.body == candidate.body:
        return []
    if exposition.is_exposition(content_type(primary)) and exposition.is_exposition(content_type(candidate)):
        return _expositions(primary.body, candidate.body)
    try:
        return list(json_body.differences(json_body.parse(primary.body), json_body.parse(candidate.body), rules))
    except (ValueError, RecursionError):  # one of them is not JSON, or nested too deeply to be compared as JSON
        return [_texts(primary.body, candidate.body)]


def value_paths(answer: Answer) -> list[str]:
    """The JSON path of each value, each once, with `[*]` for any index; `body` where it is not JSON."""
    try:
        return list(dict.fromkeys(json_path.places(json_body.parse(answer.body))))
    except (ValueError, RecursionError):
        return ["body"]


def _texts(primary: bytes, candidate: bytes) -> Difference:
    left, right = (body.decode("utf-8", "backslashreplace") for body in (primary, candidate))
    shown_left, shown_right = (shown(text) if text else "nothing" for text in (left, right))
    return Difference(DifferenceKind.BODY, "body", shown_left, shown_right, values=(left, right))


def _expositions(primary: bytes, candidate: bytes) -> list[Difference]:
    try:
        return list(exposition.differences(primary.decode(), candidate.decode()))
    except ValueError as error:
        return [Difference(DifferenceKind.BODY, "body", None, shown(f"not an exposition: {error}"))]
