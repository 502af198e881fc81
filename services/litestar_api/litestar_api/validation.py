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

from litestar_api.schemas import LoginRequest


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
    except UnicodeEncodeError:
        # It refuses texts with lone surrogates where a number should be, before it says that they are none.
        return _convert({name: _encodable(value) for name, value in known.items()}, to)
    except msgspec.ValidationError as error:
        raise InvalidRequestError(_message(str(error))) from None


def _encodable(value: object) -> object:
    """The value with question marks for lone surrogates in texts, also in those of lists."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    return list(map(_encodable, value)) if isinstance(value, list) else value


def _message(fault: str) -> str:
    """The contract's message for msgspec's, such as "Expected `float`, got `str` - at `$.features[3]`"."""
    what, _, path = fault.partition(" - at ")
    field, *indices = re.findall(r"\w+", path) or re.findall(r"`(\w+)`", what)
    place = (field, *map(int, indices))
    if field in LoginRequest.__struct_fields__:
        return messages.MISSING_CREDENTIALS
    if not path:
        return messages.missing(field)
    if " of length " in what and place == ("samples",):
        return messages.empty(field) if ">=" in what else messages.too_many(field)
    if " of length " in what:
        return messages.wrong_length(*place)
    if "`array`, got " in what:
        return messages.not_a_list(*place)
    return messages.not_a_number(*place) if ", got " in what else messages.out_of_range(*place)
