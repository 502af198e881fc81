"""The endpoints, by subject."""

from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK
from model_artifact.metadata import ModelInfo
from serving_core.http import messages
from serving_core.http.rules import check_content_type
from serving_core.runtime.metrics import CONTENT_TYPE
from serving_core.service import Service, timestamp
from serving_core.store.cache import CacheStats

from litestar_api.calls import call
from litestar_api.headers import first
from litestar_api.schemas import (
    BatchPredictRequest,
    BatchPredictResponse,
    CacheClearResponse,
    HealthResponse,
    LoginRequest,
    LoginResponse,
    PredictRequest,
    PredictResponse,
    ReadyResponse,
)
from litestar_api.validation import ApiRequest


async def expect_json(request: Request[Any, Any, Any]) -> None:
    """Refuse a body that is not what the handler's `data` declares, before Litestar looks at it."""
    check_content_type(first(request.scope, b"content-type"))
    await request.json()


class Predictions(Controller):
    """What the model says."""

    @post("/predict", status_code=HTTP_200_OK, before_request=expect_json)
    async def predict(
        self, request: ApiRequest, data: JSONBody[PredictRequest], service: NamedDependency[Service]
    ) -> PredictResponse:
        """Predict one row, from the cache where it is there."""
        prediction = await call(service, service.predict, data.features, user=request.user)
        return PredictResponse(
            prediction=prediction.value, cached=prediction.cached, model_version=service.model.version
        )

    @post("/batch-predict", status_code=HTTP_200_OK, before_request=expect_json)
    async def batch_predict(
        self, request: ApiRequest, data: JSONBody[BatchPredictRequest], service: NamedDependency[Service]
    ) -> BatchPredictResponse:
        """Predict up to a hundred rows without the cache, so that nothing is waited for."""
        batch = service.predict_batch(data.samples, user=request.user)
        return BatchPredictResponse(
            predictions=batch.values,
            count=len(batch.values),
            model_version=service.model.version,
            inference_ms=batch.inference_seconds * 1000,
        )

    @get("/model-info", exclude_from_auth=True)
    async def model_info(self, service: NamedDependency[Service]) -> ModelInfo:
        """Where the model comes from and how good it is."""
        return service.model

    @post("/login", status_code=HTTP_200_OK, before_request=expect_json, exclude_from_auth=True)
    async def login(self, data: JSONBody[LoginRequest], service: NamedDependency[Service]) -> LoginResponse:
        """Exchange credentials for a token."""
        token = service.log_in(data.username, data.password)
        return LoginResponse(token=token, token_type=messages.TOKEN_TYPE, expires_in=service.tokens.lifetime_seconds)


class Operations(Controller):
    """How the service does."""

    @get("/health", exclude_from_auth=True)
    async def health(self, service: NamedDependency[Service]) -> HealthResponse:
        """Whether the process answers at all."""
        return HealthResponse(
            status=messages.HEALTHY, timestamp=timestamp(), uptime_seconds=service.lifecycle.uptime_seconds
        )

    @get("/ready", exclude_from_auth=True)
    async def ready(self, service: NamedDependency[Service]) -> ReadyResponse:
        """Whether requests should be sent here."""
        service.check_ready()
        return ReadyResponse(status=messages.READY, model_version=service.model.version)

    @get("/cache/stats")
    async def cache_stats(self, service: NamedDependency[Service]) -> CacheStats:
        """What the cache of the whole service did since the service started."""
        return await call(service, service.cache.stats)

    @post("/cache/clear", status_code=HTTP_200_OK)
    async def cache_clear(self, service: NamedDependency[Service]) -> CacheClearResponse:
        """Forget all cached predictions."""
        return CacheClearResponse(cleared=await call(service, service.cache.clear))

    @get("/metrics", exclude_from_auth=True, sync_to_thread=True)
    def metrics(self, service: NamedDependency[Service]) -> Response[bytes]:
        """The whole service's metrics in Prometheus' text format; on a thread, because it reads files."""
        return Response(service.metrics.exposition(), headers={"Content-Type": CONTENT_TYPE})
