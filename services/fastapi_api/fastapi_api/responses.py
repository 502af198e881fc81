"""What the documentation says of an endpoint beyond its types: its errors, and its name in generated clients."""

from typing import Any

from fastapi.routing import APIRoute

from fastapi_api.schemas import ErrorResponse

Responses = dict[int | str, dict[str, Any]]

_DESCRIPTIONS = {
    400: "The request can be read and is wrong.",
    401: "No token, or an invalid one.",
    413: "More bytes than MAX_BODY_BYTES.",
    415: "The Content-Type is not application/json.",
    429: "The client has used up its requests; Retry-After says when to try again.",
    503: "Starting, draining, or without model or cache.",
}
# With it FastAPI does not document its own 422, which no client ever gets.
_OTHERS = "Any other error, such as 405 or 500."


def errors(*statuses: int) -> Responses:
    """The errors of an endpoint, with those of every endpoint."""
    described: Responses = {
        status: {"model": ErrorResponse, "description": _DESCRIPTIONS[status]} for status in (*statuses, 413, 429)
    }
    return described | {"default": {"model": ErrorResponse, "description": _OTHERS}}


def operation_id(route: APIRoute) -> str:
    """The name of an endpoint as generated clients call it, such as `batchPredict`."""
    first, *others = route.name.split("_")
    return first + "".join(map(str.capitalize, others))
