"""From valid requests to answers, for REST, GraphQL and WebSocket."""

from serving_core.service import BATCH_PREDICT, PREDICT, Service

from fastapi_api.calls import call
from fastapi_api.schemas import BatchPredictionRequest, BatchPredictionResponse, PredictionRequest, PredictionResponse


async def predict_row(
    service: Service, request: PredictionRequest, *, user: str, handler: str = PREDICT
) -> PredictionResponse:
    """Predict one row, from the cache if it is there."""
    prediction = await call(service, service.predict, request.features, user=user, handler=handler)
    return PredictionResponse(
        prediction=prediction.value, cached=prediction.cached, model_version=service.model.version
    )


def predict_rows(
    service: Service, request: BatchPredictionRequest, *, user: str, handler: str = BATCH_PREDICT
) -> BatchPredictionResponse:
    """Predict each row as it would be predicted alone; without the cache, so there is nothing to wait for."""
    batch = service.predict_batch(request.samples, user=user, handler=handler)
    return BatchPredictionResponse(
        predictions=batch.values,
        count=len(batch.values),
        model_version=service.model.version,
        inference_ms=batch.inference_seconds * 1000,
    )
