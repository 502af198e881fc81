"""The endpoints."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import Blueprint, Response, g, jsonify, request
from flask.typing import ResponseReturnValue
from msgspec import to_builtins
from serving_core.http import messages
from serving_core.http.rules import check_content_type, decode_object
from serving_core.runtime.metrics import CONTENT_TYPE
from serving_core.service import timestamp

from flask_api.context import current_service
from flask_api.guard import BODY
from flask_api.validation import parse_credentials, parse_features, parse_samples

P = ParamSpec("P")
blueprint = Blueprint("api", __name__)


def token_required(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Allow only requests with a valid token, and remember the user."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        g.user = current_service().authenticate(request.environ.get("HTTP_AUTHORIZATION"))
        return view(*args, **kwargs)

    return guarded


def json_body() -> dict[str, object]:
    """The JSON object in the body of the request."""
    check_content_type(request.environ.get("CONTENT_TYPE"))
    return decode_object(request.environ[BODY])


@blueprint.get("/health")
def health() -> ResponseReturnValue:
    """Whether the process answers."""
    return jsonify(
        status=messages.HEALTHY, timestamp=timestamp(), uptime_seconds=current_service().lifecycle.uptime_seconds
    )


@blueprint.get("/ready")
def ready() -> ResponseReturnValue:
    """Whether the service is ready for requests."""
    service = current_service()
    service.check_ready()
    return jsonify(status=messages.READY, model_version=service.model.version)


@blueprint.post("/login")
def login() -> ResponseReturnValue:
    """Exchange credentials for a token."""
    service = current_service()
    username, password = parse_credentials(json_body())
    token = service.log_in(username, password)
    return jsonify(token=token, token_type=messages.TOKEN_TYPE, expires_in=service.tokens.lifetime_seconds)


@blueprint.post("/predict")
@token_required
def predict() -> ResponseReturnValue:
    """Predict one row."""
    service = current_service()
    features = parse_features(json_body())
    prediction = service.predict(features, user=g.user)
    return jsonify(prediction=prediction.value, cached=prediction.cached, model_version=service.model.version)


@blueprint.post("/batch-predict")
@token_required
def batch_predict() -> ResponseReturnValue:
    """Predict up to a hundred rows."""
    service = current_service()
    samples = parse_samples(json_body())
    batch = service.predict_batch(samples, user=g.user)
    return jsonify(
        predictions=batch.values,
        count=len(batch.values),
        model_version=service.model.version,
        inference_ms=batch.inference_seconds * 1000,
    )


@blueprint.get("/model-info")
def model_info() -> ResponseReturnValue:
    """The origin and the quality of the model."""
    return jsonify(to_builtins(current_service().model))


@blueprint.get("/cache/stats")
@token_required
def cache_stats() -> ResponseReturnValue:
    """Size and counts of the cache since the service started."""
    return jsonify(to_builtins(current_service().cache.stats()))


@blueprint.post("/cache/clear")
@token_required
def cache_clear() -> ResponseReturnValue:
    """Remove all cached predictions."""
    return jsonify(cleared=current_service().cache.clear())


@blueprint.get("/metrics")
def metrics() -> Response:
    """The metrics of the whole service."""
    return Response(current_service().metrics.exposition(), content_type=CONTENT_TYPE)
