"""The data of requests and responses."""

from typing import Annotated

from msgspec import Meta, Struct
from serving_core.bounds import FEATURES, HIGHEST, LOWEST, MAX_SAMPLES

Feature = Annotated[float, Meta(ge=LOWEST, le=HIGHEST)]
Row = Annotated[list[Feature], Meta(min_length=FEATURES, max_length=FEATURES)]


class LoginRequest(Struct, frozen=True):
    """Credentials."""

    username: str
    password: str


class PredictRequest(Struct, frozen=True):
    """One row."""

    features: Row


class BatchPredictRequest(Struct, frozen=True):
    """Up to a hundred rows."""

    samples: Annotated[list[Row], Meta(min_length=1, max_length=MAX_SAMPLES)]


class HealthResponse(Struct, frozen=True):
    """The process answers."""

    status: str
    timestamp: str
    uptime_seconds: float


class ReadyResponse(Struct, frozen=True):
    """Requests should be sent here."""

    status: str
    model_version: str


class LoginResponse(Struct, frozen=True):
    """A token."""

    token: str
    token_type: str
    expires_in: int


class PredictResponse(Struct, frozen=True):
    """One predicted row."""

    prediction: float
    cached: bool
    model_version: str


class BatchPredictResponse(Struct, frozen=True):
    """Predicted rows, in the order of the request."""

    predictions: list[float]
    count: int
    model_version: str
    inference_ms: float


class CacheClearResponse(Struct, frozen=True):
    """How many predictions were forgotten."""

    cleared: int
