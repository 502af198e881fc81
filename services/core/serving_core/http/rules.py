"""The contract's rules for requests that hold at every endpoint, on plain values."""

import json
import random
import re
from itertools import accumulate
from typing import NoReturn

from serving_core.bounds import MAX_DEPTH
from serving_core.http import messages
from serving_core.http.errors import InvalidRequestError, UnsupportedContentTypeError

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_SPACE = " \t\n\r"
_STRING = re.compile(r'(?s)"(?:[^"\\]++|\\.)*+"?')  # or what is left of one; without backtracking
_STEP = {"[": 1, "{": 1, "]": -1, "}": -1}


def request_id(offered: str | None) -> str:
    """The request id that the client sent if it is valid, else a new one."""
    return offered if offered and _REQUEST_ID.fullmatch(offered) else f"{random.getrandbits(128):032x}"


def check_content_type(content_type: str | None) -> None:
    """Accept application/json, with or without parameters.

    Raises:
        UnsupportedContentTypeError: the content type is another one or missing.
    """
    if (content_type or "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedContentTypeError


def decode_object(body: bytes) -> dict[str, object]:
    """Decode a JSON object; every number becomes a float, and a number too large for a float becomes infinity.

    Raises:
        InvalidRequestError: no data, malformed JSON, or not an object.
    """
    if not body:
        raise InvalidRequestError(messages.NO_DATA)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequestError(messages.MALFORMED_JSON, detail=f"Not UTF-8 at byte {error.start}") from None
    # Before it is decoded: how deep the decoder gets depends on how deep it was called.
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise InvalidRequestError(messages.MALFORMED_JSON, detail="Nested too deeply")
    try:
        value = _decoder.decode(text)
    except ValueError as error:
        raise InvalidRequestError(messages.MALFORMED_JSON, detail=str(error)) from None
    if not isinstance(value, dict):
        raise InvalidRequestError(messages.NOT_AN_OBJECT)
    if not value:
        raise InvalidRequestError(messages.NO_DATA)
    return value


def _depth(text: str) -> int:
    """How deep arrays and objects are nested, wherever the JSON may be broken."""
    steps = (_STEP.get(character, 0) for character in _STRING.sub("", text))
    return max(accumulate(steps), default=0)


def as_written(body: bytes, field: str) -> str:
    """The literal of a field in a JSON object that `decode_object` has accepted; of repeated fields the last one.

    Unlike a decoded value, the literal of a number keeps all its digits.
    """
    text = body.decode()
    literal = ""
    place = _after_space(text, text.index("{") + 1)
    while text[place] != "}":
        name, place = _decoder.raw_decode(text, place)
        place = _after_space(text, _after_space(text, place) + len(":"))
        _, end = _decoder.raw_decode(text, place)
        if name == field:
            literal = text[place:end]
        place = _after_space(text, end)
        if text[place] == ",":
            place = _after_space(text, place + len(","))
    return literal


def _after_space(text: str, place: int) -> int:
    while text[place] in _SPACE:
        place += 1
    return place


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# Integers become floats too: Python refuses to convert integers of thousands of digits.
_decoder = json.JSONDecoder(parse_int=float, parse_constant=_refuse_constant)
