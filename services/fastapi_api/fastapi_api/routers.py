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
    400: "The request is understood and wrong.",
    401: "No token, or one that does not hold.",
    413: "More bytes than MAX_BODY_BYTES.",
    415: "Not announced as application/json.",
    429: "The client's share of requests is used up; Retry-After says for how long.",
    503: "Starting, draining, or without model or cache.",
}


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documentation of an endpoint's errors, besides those that any endpoint may answer."""
    return {status: {"model": ErrorResponse, "description": _DESCRIPTIONS[status]} for status in (*statuses, 413, 429)}


def _json(answer: BaseModel) -> Response:
    """Serialise an answer once; FastAPI would validate it again first."""
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
    """Predict one row, from the cache where it is there."""
    return _json(await predict_row(service_of(request), body, user=user))


@predictions.post(
    "/batch-predict",
    response_model=BatchPredictResponse,
    responses=_errors(400, 401, 415),
    openapi_extra=documented_body(BatchPredictRequest),
)
async def batch_predict(request: Request, user: CurrentUser, body: BatchPredictBody) -> Response:
    """Predict up to a hundred rows, each as it would be predicted alone, without the cache."""
    return _json(predict_rows(service_of(request), body, user=user))


@predictions.get("/model-info", response_model=ModelInfoResponse, responses=_errors())
async def model_info(request: Request) -> Response:
    """Where the model comes from and how good it is."""
    service = service_of(request)
    return _json(ModelInfoResponse.model_validate(service.model))


@predictions.post(
    "/graphql",
    response_model=GraphQLResponse,
    responses=_errors(400, 415),
    openapi_extra=documented_body(GraphQLRequest) | {"security": [{}, {TokenBearer.__name__: []}]},
)
async def graphql(request: Request, body: GraphQLBody) -> Response:
    """Answer a GraphQL query: predict and batchPredict, which ask for a token, and modelInfo."""
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
    """Whether the process answers at all."""
    service = service_of(request)
    return _json(
        HealthResponse(status=messages.HEALTHY, timestamp=timestamp(), uptime_seconds=service.lifecycle.uptime_seconds)
    )


@operations.get("/ready", response_model=ReadyResponse, responses=_errors(503))
async def ready(request: Request) -> Response:
    """Whether requests should be sent here."""
    service = service_of(request)
    service.check_ready()
    return _json(ReadyResponse(status=messages.READY, model_version=service.model.version))


@operations.get("/cache/stats", response_model=CacheStatsResponse, responses=_errors(401))
async def cache_stats(request: Request, user: CurrentUser) -> Response:  # noqa: ARG001 - a token is required
    """What the cache of the whole service did since the service started."""
    service = service_of(request)
    return _json(CacheStatsResponse.model_validate(await call(service, service.cache.stats)))


@operations.post("/cache/clear", response_model=CacheClearResponse, responses=_errors(401))
async def cache_clear(request: Request, user: CurrentUser) -> Response:  # noqa: ARG001 - a token is required
    """Forget all cached predictions."""
    service = service_of(request)
    return _json(CacheClearResponse(cleared=await call(service, service.cache.clear)))


@operations.get("/metrics", response_class=Response, responses=_errors())
def metrics(request: Request) -> Response:
    """The whole service's metrics in Prometheus' text format; on a thread, because it reads files."""
    service = service_of(request)
    return Response(service.metrics.exposition(), headers={"Content-Type": CONTENT_TYPE})
