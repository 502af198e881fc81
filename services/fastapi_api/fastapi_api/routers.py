"""The endpoints, by subject."""

from fastapi import APIRouter, Response
from serving_core.http import messages
from serving_core.runtime.metrics import CONTENT_TYPE
from serving_core.service import timestamp

from fastapi_api.calls import call
from fastapi_api.dependencies import CurrentService, CurrentSession
from fastapi_api.guard import GuardedRoute
from fastapi_api.predicting import predict_row, predict_rows
from fastapi_api.responses import answers, operation_id
from fastapi_api.schemas import (
    BatchPredictionRequest,
    BatchPredictionResponse,
    CacheClearResponse,
    CacheStats,
    HealthResponse,
    LoginRequest,
    LoginResponse,
    ModelInfo,
    PredictionRequest,
    PredictionResponse,
    ReadyResponse,
)

predictions = APIRouter(tags=["predictions"], route_class=GuardedRoute, generate_unique_id_function=operation_id)
operations = APIRouter(tags=["operations"], route_class=GuardedRoute, generate_unique_id_function=operation_id)


@predictions.post("/predict", responses=answers(400, 401, 415))
async def predict(body: PredictionRequest, session: CurrentSession) -> PredictionResponse:
    """Predict one row, from the cache if it is there."""
    return await predict_row(session.service, body, user=session.user)


@predictions.post("/batch-predict", responses=answers(400, 401, 415))
async def batch_predict(body: BatchPredictionRequest, session: CurrentSession) -> BatchPredictionResponse:
    """Predict up to a hundred rows, each as it would be predicted alone; without the cache."""
    return predict_rows(session.service, body, user=session.user)


@predictions.get("/model-info", responses=answers())
async def model_info(service: CurrentService) -> ModelInfo:
    """The origin and the quality of the model."""
    return ModelInfo.model_validate(service.model)


@predictions.post("/login", responses=answers(400, 401, 415))
async def login(body: LoginRequest, service: CurrentService) -> LoginResponse:
    """Exchange credentials for a token."""
    token = service.log_in(body.username, body.password)
    return LoginResponse(token=token, token_type=messages.TOKEN_TYPE, expires_in=service.tokens.lifetime_seconds)


@operations.get("/health", responses=answers())
async def health(service: CurrentService) -> HealthResponse:
    """Whether the process answers."""
    return HealthResponse(
        status=messages.HEALTHY, timestamp=timestamp(), uptime_seconds=service.lifecycle.uptime_seconds
    )


@operations.get("/ready", responses=answers(503))
async def ready(service: CurrentService) -> ReadyResponse:
    """Whether the service is ready for requests."""
    service.check_ready()
    return ReadyResponse(status=messages.READY, model_version=service.model.version)


@operations.get("/cache/stats", responses=answers(401, 503))
async def cache_stats(session: CurrentSession) -> CacheStats:
    """Size and counts of the cache, for the whole service since its start."""
    return CacheStats.model_validate(await call(session.service, session.service.cache.stats))


@operations.post("/cache/clear", responses=answers(401, 503))
async def cache_clear(session: CurrentSession) -> CacheClearResponse:
    """Remove all cached predictions."""
    return CacheClearResponse(cleared=await call(session.service, session.service.cache.clear))


@operations.get("/metrics", response_class=Response, responses=answers(text=True))
def metrics(service: CurrentService) -> Response:
    """The metrics of the whole service in the Prometheus text format."""
    # Not async: it reads files, so it runs on a thread.
    return Response(service.metrics.exposition(), headers={"Content-Type": CONTENT_TYPE})
