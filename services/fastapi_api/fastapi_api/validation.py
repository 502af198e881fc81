"""Validation by Pydantic, answered with the contract's messages."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from serving_core.http import messages
from serving_core.http.errors import InvalidRequestError

from fastapi_api.schemas import WRONG_LENGTH, RequestBody

Body = TypeVar("Body", bound=RequestBody)

_MISSING = {
    "features": messages.MISSING_FEATURES,
    "samples": messages.MISSING_SAMPLES,
    "query": messages.MISSING_QUERY,
}
_WRONG_TYPE = {
    "features": messages.FEATURES_NOT_A_LIST,
    "samples": messages.SAMPLES_NOT_A_LIST,
    "query": messages.QUERY_NOT_A_STRING,
    "variables": messages.VARIABLES_NOT_AN_OBJECT,
    "operationName": messages.OPERATION_NAME_NOT_A_STRING,
}


def validate(model: type[Body], body: Mapping[str, object]) -> Body:
    """The body as a model.

    Raises:
        InvalidRequestError: with the contract's message for the first error in order.
    """
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise InvalidRequestError(_message(error.errors(include_url=False)[0])) from None


def _message(fault: ErrorDetails) -> str:
    """The contract's message for one of Pydantic's errors."""
    kind = fault["type"]
    match fault["loc"]:
        case ("username" | "password",):
            return messages.MISSING_CREDENTIALS
        case (str(field),) if kind in {"missing", "string_too_short"}:
            return _MISSING[field]
        case ("query",) if kind == "string_too_long":
            return messages.QUERY_TOO_LONG
        case ("features",) if kind == WRONG_LENGTH:
            return messages.WRONG_NUMBER_OF_FEATURES
        case ("samples",) if kind == WRONG_LENGTH:
            return messages.TOO_MANY_SAMPLES if fault["input"] else messages.NO_SAMPLES
        case (str(field),):
            return _WRONG_TYPE[field]
        case ("samples", int(i)):
            return messages.wrong_length_of_sample(i) if kind == WRONG_LENGTH else messages.sample_not_a_list(i)
        case ("features", int(i)):
            return messages.not_a_number(i) if kind == "float_type" else messages.out_of_range(i)
        case ("samples", int(i), int(j)):
            return messages.not_a_number(j, sample=i) if kind == "float_type" else messages.out_of_range(j, sample=i)
        case place:
            raise AssertionError(f"no message for an error at {place}")
