"""From a query to the JSON of its answer, errors in the contract's words."""

import json
import logging
from typing import Any

import strawberry
from graphql import GraphQLError
from serving_core.http.errors import ApiError, TooManyRequestsError
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.types import ExecutionContext

from fastapi_api.graphql.context import Context
from fastapi_api.schemas import GraphQLRequest

_logger = logging.getLogger(__name__)
_CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    429: "TOO_MANY_REQUESTS",
    500: "INTERNAL_SERVER_ERROR",
    503: "SERVICE_UNAVAILABLE",
}


class Schema(strawberry.Schema):
    """A schema that logs what is an error of the service; strawberry's logs those of its clients too."""

    def process_errors(
        self,
        errors: list[GraphQLError],
        execution_context: ExecutionContext | None = None,  # noqa: ARG002
    ) -> None:
        """Log each error that a client is not told of."""
        for error in errors:
            refusal = _refusal(error)
            if refusal and refusal.status == ApiError.status:
                _logger.error("request failed", exc_info=error.original_error)


async def answer(schema: strawberry.Schema, request: GraphQLRequest, context: Context) -> bytes:
    """Execute a query; its result as JSON.

    Source: https://graphql.github.io/graphql-over-http/draft/
    """
    try:
        result = await schema.execute(
            request.query,
            variable_values=request.variables,
            operation_name=request.operationName,
            context_value=context,
        )
    except CannotGetOperationTypeError as error:
        return _json({"errors": [{"message": error.as_http_error_reason()}]})
    # Every field may be null, so that no data at all means that nothing was executed; then there must be none.
    data = {} if result.data is None else {"data": result.data}
    errors = {"errors": [_described(error) for error in result.errors]} if result.errors else {}
    return _json(data | errors)


def _json(value: dict[str, Any]) -> bytes:
    """In ASCII: what a client sent and is told again may hold half a character, which UTF-8 cannot."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()


def _described(error: GraphQLError) -> dict[str, Any]:
    """An error as a client gets it; GraphQL's own are as they are."""
    described: dict[str, Any] = {**error.formatted}
    refusal = _refusal(error)
    if refusal is None:
        return described
    described["message"] = refusal.message
    described["extensions"] = {"code": _CODES[refusal.status], "status": refusal.status, **refusal.body()}
    if isinstance(refusal, TooManyRequestsError):
        described["extensions"]["retry_after"] = refusal.retry_after_seconds
    return described


def _refusal(error: GraphQLError) -> ApiError | None:
    """What the contract calls the error, where it is none of GraphQL's own."""
    match error.original_error:
        case None | GraphQLError():
            return None
        case ApiError() as refusal:
            return refusal
        case _:
            return ApiError()
