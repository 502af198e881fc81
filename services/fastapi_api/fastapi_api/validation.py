"""From Pydantic's findings to the contract's messages."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from serving_core.bounds import MAX_SAMPLES
from serving_core.http.errors import InvalidRequestError

from fastapi_api.schemas import MAX_QUERY_CHARACTERS, WRONG_LENGTH, RequestBody

Body = TypeVar("Body", bound=RequestBody)

_EXPECTED = {
    "features": "a list",
    "samples": "a list",
    "query": "a string",
    "variables": "an object",
    "operationName": "a string",
}


def validate(model: type[Body], body: Mapping[str, object]) -> Body:
    """The body as a model.

    Raises:
        InvalidRequestError: with the contract's message for the first fault in order.
    """
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise InvalidRequestError(_message(error.errors(include_url=False)[0])) from None


def _message(fault: ErrorDetails) -> str:
    """The contract's words for a fault at a place."""
    kind, found = fault["type"], fault["input"]
    match fault["loc"]:
        case ("username" | "password",):
            return "Missing credentials"
        case (str(field),):
            if kind in {"missing", "string_too_short"}:
                return f"Missing {field} field"
            if kind == "string_too_long":
                return f"Maximum {MAX_QUERY_CHARACTERS} characters of {field} allowed"
            if kind != WRONG_LENGTH:
                return f"{field[0].upper()}{field[1:]} must be {_EXPECTED[field]}"
            if field == "features":
                return "Expected 10 features"
            return f"Maximum {MAX_SAMPLES} samples allowed" if found else "Samples must not be empty"
        case ("samples", int(i)):
            return f"Sample {i} must have 10 features" if kind == WRONG_LENGTH else f"Sample {i} must be a list"
        case ("samples", int(i), int(j)):
            subject = f"Sample {i} feature {j}"
        case ("features", int(i)):
            subject = f"Feature {i}"
        case place:
            raise AssertionError(f"no message for a fault at {place}")
    return f"{subject} must be a number" if kind == "float_type" else f"{subject} out of valid range [-1000, 1000]"
