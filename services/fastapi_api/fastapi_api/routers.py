"""The endpoints, by subject."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from serving_core.http import messages
from serving_core.runtime.metrics import CONTENT_TYPE
from serving_core.service import timestamp

from fastapi_api.calls import call
from fastapi_api.dependencies import (
    BatchPredictBody,
    CurrentUser,
    GraphQLBody,
    LoginBody,
    PredictBody,
    TokenBearer,
    documented_body,
    service_of,
)
from fastapi_api.graphql.context import Context
from fastapi_api.graphql.execution import answer
from fastapi_api.guard import GuardedRoute
from fastapi_api.predicting import predict_row, predict_rows
from fastapi_api.schemas import (
    BatchPredictRequest,
    BatchPredictResponse,
    CacheClearResponse,
    CacheStatsResponse,
    ErrorResponse,
    GraphQLRequest,
    GraphQLResponse,
    HealthResponse,
    LoginRequest,
    LoginResponse,
    ModelInfoResponse,
    PredictRequest,
    PredictResponse,
    ReadyResponse,
)

_DESCRIPTIONS = {
    400: "The request can be read and is wrong.",
    401: "No token, or an invalid one.",
    413: "More bytes than MAX_BODY_BYTES.",
    415: "The Content-Type is not application/json.",
    429: "The client has used up its requests; Retry-After says when to try again.",
    503: "Starting, draining, or without model or cache.",
}


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documentation of the errors of an endpoint, with those of every endpoint."""
    return {status: {"model": ErrorResponse, "description": _DESCRIPTIONS[status]} for status in (*statuses, 413, 429)}


def _json(answer: BaseModel) -> Response:
    """Serialize an answer; FastAPI would validate it once more."""
    return Response(answer.model_dump_json(), media_type="application/json")


predictions = APIRouter(tags=["predictions"], route_class=GuardedRoute)
operations = APIRouter(tags=["operations"], route_class=GuardedRoute)


@predictions.post(
    "/predict",
    response_model=PredictResponse,
    responses=_errors(400, 401, 415),
    openapi_extra=documented_body(PredictRequest),
)
async def predict(request: Request, user: CurrentUser, body: PredictBody) -> Response:
    """Predict one row, from the cache if it is there."""
    return _json(await predict_row(service_of(request), body, user=user))


@predictions.post(
    "/batch-predict",
    response_model=BatchPredictResponse,
    responses=_errors(400, 401, 415),
    openapi_extra=documented_body(BatchPredictRequest),
)
async def batch_predict(request: Request, user: CurrentUser, body: BatchPredictBody) -> Response:
    """Predict up to a hundred rows, each as it would be predicted alone; without the cache."""
    return _json(predict_rows(service_of(request), body, user=user))


@predictions.get("/model-info", response_model=ModelInfoResponse, responses=_errors())
async def model_info(request: Request) -> Response:
    """The origin and the quality of the model."""
    service = service_of(request)
    return _json(ModelInfoResponse.model_validate(service.model))


@predictions.post(
    "/graphql",
    response_model=GraphQLResponse,
    responses=_errors(400, 415),
    openapi_extra=documented_body(GraphQLRequest) | {"security": [{}, {TokenBearer.__name__: []}]},
)
async def graphql(request: Request, body: GraphQLBody) -> Response:
    """Answer a GraphQL query: predict and batchPredict, which need a token, and modelInfo."""
    context = Context(service_of(request), request)
    return Response(await answer(request.app.state.graphql, body, context), media_type="application/json")


@predictions.post(
    "/login",
    response_model=LoginResponse,
    responses=_errors(400, 401, 415),
    openapi_extra=documented_body(LoginRequest),
)
async def login(request: Request, body: LoginBody) -> Response:
    """Exchange credentials for a token."""
    service = service_of(request)
    token = service.log_in(body.username, body.password)
    return _json(LoginResponse(token=token, token_type=messages.TOKEN_TYPE, expires_in=service.tokens.lifetime_seconds))


@operations.get("/health", response_model=HealthResponse, responses=_errors())
async def health(request: Request) -> Response:
    """Whether the process answers."""
    service = service_of(request)
    return _json(
        HealthResponse(status=messages.HEALTHY, timestamp=timestamp(), uptime_seconds=service.lifecycle.uptime_seconds)
    )


@operations.get("/ready", response_model=ReadyResponse, responses=_errors(503))
async def ready(request: Request) -> Response:
    """Whether the service is ready for requests."""
    service = service_of(request)
    service.check_ready()
    return _json(ReadyResponse(status=messages.READY, model_version=service.model.version))


@operations.get("/cache/stats", response_model=CacheStatsResponse, responses=_errors(401))
async def cache_stats(request: Request, user: CurrentUser) -> Response:  # noqa: ARG001 - a token is required
    """Size and counts of the cache, for the whole service since its start."""
    service = service_of(request)
    return _json(CacheStatsResponse.model_validate(await call(service, service.cache.stats)))


@operations.post("/cache/clear", response_model=CacheClearResponse, responses=_errors(401))
async def cache_clear(request: Request, user: CurrentUser) -> Response:  # noqa: ARG001 - a token is required
    """Remove all cached predictions."""
    service = service_of(request)
    return _json(CacheClearResponse(cleared=await call(service, service.cache.clear)))


@operations.get("/metrics", response_class=Response, responses=_errors())
def metrics(request: Request) -> Response:
    """The metrics of the whole service in the Prometheus text format; on a thread, because it reads files."""
    service = service_of(request)
    return Response(service.metrics.exposition(), headers={"Content-Type": CONTENT_TYPE})
