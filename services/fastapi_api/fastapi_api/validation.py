"""Pydantic's errors in the words of the contract."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from pydantic import ValidationError
from serving_core.http import messages
from serving_core.http.errors import InvalidRequestError

from fastapi_api.schemas import WRONG_LENGTH, LoginRequest, RequestBody

Body = TypeVar("Body", bound=RequestBody)

# By the type of an error; each says it of a place.
_MESSAGES: dict[str, Callable[..., str]] = {
    "missing": messages.missing,
    "list_type": messages.not_a_list,
    "too_short": messages.empty,
    "too_long": messages.too_many,
    WRONG_LENGTH: messages.wrong_length,
    "float_type": messages.not_a_number,
    "greater_than_equal": messages.out_of_range,
    "less_than_equal": messages.out_of_range,
}
_MESSAGES_OF_QUERIES: dict[str, Callable[..., str]] = {
    "string_type": messages.not_a_string,
    "string_unicode": messages.not_a_string,
    "string_too_short": messages.missing,
    "string_too_long": messages.too_long,
    "is_instance_of": messages.not_an_object,
}


def message_of(kind: str, *place: str | int) -> str:
    """The contract's message for an error of this type at this place in the body."""
    if place[0] in LoginRequest.model_fields:
        return messages.MISSING_CREDENTIALS
    return (_MESSAGES.get(kind) or _MESSAGES_OF_QUERIES[kind])(*place)


def validate(model: type[Body], body: Mapping[str, object]) -> Body:
    """The body as a model, where FastAPI does not validate it.

    Raises:
        InvalidRequestError: with the contract's message for the first error in order.
    """
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidRequestError(message_of(first["type"], *first["loc"])) from None
