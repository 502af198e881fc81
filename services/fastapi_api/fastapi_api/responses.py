"""What the documentation says of an endpoint beyond its types: headers, errors, and its name in generated clients."""

from typing import Any

from fastapi.routing import APIRoute

from fastapi_api.schemas import ErrorResponse

Responses = dict[int | str, dict[str, Any]]


def _header(description: str, example: str | float, kind: str = "string") -> dict[str, Any]:
    return {"description": description, "schema": {"type": kind, "examples": [example]}}


_EVERY_ANSWER = {
    "X-Request-ID": _header("That of the request, or a new one.", "0f8fad5bd9cb469fa16570867728950e"),
    "X-Process-Time": _header("Seconds.", 0.000412, "number"),
}
_HEADERS = {
    401: {"WWW-Authenticate": _header("The scheme of the Authorization header.", "Bearer")},
    429: {
        "Retry-After": _header("Seconds until the client may try again.", 17, "integer"),
        "RateLimit-Policy": _header("The limit: requests, and seconds.", '"default";q=100;w=60'),
        "RateLimit": _header("What is left: requests, and seconds.", '"default";r=0;t=17'),
    },
}
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


def answers(*errors: int, text: bool = False) -> Responses:
    """The headers of an endpoint's answers, and its errors with those of every endpoint.

    Args:
        errors: the statuses that not every endpoint has.
        text: whether its right answer is plain text.
    """
    described: Responses = {
        status: {
            "model": ErrorResponse,
            "description": _DESCRIPTIONS[status],
            "headers": _EVERY_ANSWER | _HEADERS.get(status, {}),
        }
        for status in (*errors, 413, 429)
    }
    others = {"model": ErrorResponse, "description": _OTHERS, "headers": _EVERY_ANSWER}
    right: dict[str, Any] = {"headers": _EVERY_ANSWER}
    if text:
        right["content"] = {"text/plain": {"schema": {"type": "string"}}}
    return {200: right} | described | {"default": others}


def operation_id(route: APIRoute) -> str:
    """The name of an endpoint as generated clients call it, such as `batchPredict`."""
    first, *others = route.name.split("_")
    return first + "".join(map(str.capitalize, others))
