"""JSON bodies: decoded, converted to the type that a handler declares, and refused with the contract's messages."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request
from litestar.datastructures import State
from serving_core.http import messages
from serving_core.http.errors import InvalidRequestError
from serving_core.http.rules import decode_object

_MISSING = {"features": messages.MISSING_FEATURES, "samples": messages.MISSING_SAMPLES}
_NOT_A_LIST = {"features": messages.FEATURES_NOT_A_LIST, "samples": messages.SAMPLES_NOT_A_LIST}


class ApiRequest(Request[str, None, State]):
    """A request whose `user` is the one of its token, and whose JSON is decoded as the contract says."""

    async def json(self) -> Any:  # noqa: ANN401 - what the handler declares
        """The body as the type of the handler's `data`, decoded once.

        It is converted here because Litestar converts leniently: it takes "1.5" for 1.5.

        Raises:
            InvalidRequestError: it is not a JSON object, or not of that type.
        """
        if not isinstance(self._json, msgspec.Struct):
            declared = self.route_handler.parsed_data_field
            assert declared  # noqa: S101 - only handlers that declare `data` have their JSON read
            self._json = _convert(decode_object(await self.body()), declared.annotation)
        return self._json


def _convert(body: Mapping[str, object], to: type[msgspec.Struct]) -> msgspec.Struct:
    # Without unknown fields, whose names msgspec refuses where they have lone surrogates.
    known = {name: body[name] for name in to.__struct_fields__ if name in body}
    try:
        return msgspec.convert(known, to)
    except msgspec.ValidationError as error:
        raise InvalidRequestError(_message(str(error))) from None


def _message(fault: str) -> str:
    """The contract's message for msgspec's, such as "Expected `float`, got `str` - at `$.features[3]`"."""
    what, _, path = fault.partition(" - at ")
    wrong_length, wrong_type = " of length " in what, ", got " in what
    match re.findall(r"\w+", path) or re.findall(r"`(\w+)`", what):
        case ["username" | "password"]:
            return messages.MISSING_CREDENTIALS
        case [field] if not path:
            return _MISSING[field]
        case ["features"] if wrong_length:
            return messages.WRONG_NUMBER_OF_FEATURES
        case ["samples"] if wrong_length:
            return messages.NO_SAMPLES if ">=" in what else messages.TOO_MANY_SAMPLES
        case [field]:
            return _NOT_A_LIST[field]
        case ["samples", i]:
            return messages.wrong_length_of_sample(int(i)) if wrong_length else messages.sample_not_a_list(int(i))
        case ["features", i]:
            return messages.not_a_number(int(i)) if wrong_type else messages.out_of_range(int(i))
        case ["samples", i, j]:
            describe = messages.not_a_number if wrong_type else messages.out_of_range
            return describe(int(j), sample=int(i))
        case _:
            raise AssertionError(f"no message for {fault!r}")
