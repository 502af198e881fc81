"""The dependencies of endpoints, as types."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from serving_core.http.rules import check_content_type, decode_object
from serving_core.service import Service
from starlette.requests import HTTPConnection

from fastapi_api.headers import combined
from fastapi_api.schemas import BatchPredictRequest, GraphQLRequest, LoginRequest, PredictRequest, RequestBody
from fastapi_api.validation import validate


def service_of(connection: HTTPConnection) -> Service:
    """The service of the application. Endpoints call it: resolving a dependency costs more than the model."""
    service: Service = connection.app.state.service
    return service


class TokenBearer(HTTPBearer):
    """Documents the token like FastAPI's own scheme and checks it according to the contract."""

    async def __call__(self, request: Request) -> str:  # type: ignore[override] # the user instead of the raw token
        """The user of the request's token."""
        return service_of(request).authenticate(combined(request.headers, "Authorization"))


def _json_body(model: type[RequestBody]) -> Callable[[Request], Awaitable[RequestBody]]:
    """A dependency that reads the body; FastAPI would parse a declared body before it checks the token."""

    async def read(request: Request) -> RequestBody:
        check_content_type(request.headers.get("Content-Type"))
        return validate(model, decode_object(await request.body()))

    return read


def documented_body(model: type[RequestBody]) -> dict[str, Any]:
    """The part of an operation's OpenAPI that FastAPI would generate from a declared body."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": model.model_json_schema()}}}}


CurrentUser = Annotated[str, Security(TokenBearer(description="From /login."))]
LoginBody = Annotated[LoginRequest, Depends(_json_body(LoginRequest))]
PredictBody = Annotated[PredictRequest, Depends(_json_body(PredictRequest))]
BatchPredictBody = Annotated[BatchPredictRequest, Depends(_json_body(BatchPredictRequest))]
GraphQLBody = Annotated[GraphQLRequest, Depends(_json_body(GraphQLRequest))]
