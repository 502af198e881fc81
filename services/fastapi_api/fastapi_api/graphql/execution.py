"""From a query to the JSON of its answer, with the contract's errors."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import strawberry
from graphql import ExecutionResult, GraphQLError, OperationDefinitionNode
from serving_core.http.errors import ApiError, TooManyRequestsError
from strawberry.extensions import SchemaExtension
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.types import ExecutionContext

from fastapi_api.graphql.context import Context
from fastapi_api.graphql.schemas import GraphQLRequest

_logger = logging.getLogger(__name__)
_CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    429: "TOO_MANY_REQUESTS",
    500: "INTERNAL_SERVER_ERROR",
    503: "SERVICE_UNAVAILABLE",
}


_OPERATION_NOT_NAMED = "Must provide operation name if query contains multiple operations."


class Schema(strawberry.Schema):
    """A schema that logs only errors of the service; strawberry would also log those of its clients."""

    def process_errors(
        self,
        errors: list[GraphQLError],
        execution_context: ExecutionContext | None = None,  # noqa: ARG002
    ) -> None:
        """Log each error whose text the client does not receive."""
        for error in errors:
            refusal = _refusal(error)
            if refusal and refusal.status == ApiError.status:
                _logger.error("request failed", exc_info=error.original_error)


class NamedOperation(SchemaExtension):
    """Refuses to choose among several operations (GraphQL, 6.1); strawberry would execute the first one."""

    def on_execute(self) -> Iterator[None]:
        """Give the error of graphql-core, which strawberry hides by naming an operation itself."""
        context = self.execution_context
        if context.graphql_document and context._provided_operation_name is None:
            operations = [
                definition
                for definition in context.graphql_document.definitions
                if isinstance(definition, OperationDefinitionNode)
            ]
            if len(operations) > 1:
                context.result = ExecutionResult(None, [GraphQLError(_OPERATION_NOT_NAMED)])
        yield


async def answer(schema: strawberry.Schema, request: GraphQLRequest, context: Context) -> bytes:
    """Execute a query; returns the result as JSON.

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
    # Every field may be null, so None means that nothing was executed; then `data` must be absent.
    data = {} if result.data is None else {"data": result.data}
    errors = {"errors": [_described(error) for error in result.errors]} if result.errors else {}
    return _json(data | errors)


def _json(value: dict[str, Any]) -> bytes:
    """In ASCII: what a client sent may contain lone surrogates, which UTF-8 cannot encode."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()


def _described(error: GraphQLError) -> dict[str, Any]:
    """An error as the client receives it; errors of GraphQL itself stay unchanged."""
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
    """The contract's error for an error; None if it is one of GraphQL itself."""
    match error.original_error:
        case None | GraphQLError():
            return None
        case ApiError() as refusal:
            return refusal
        case _:
            return ApiError()
