"""The schemas of requests and responses, for validation and for the documentation of the API."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf
from pydantic_core import PydanticCustomError
from serving_core.bounds import FEATURES, HIGHEST, LOWEST, MAX_SAMPLES
from serving_core.http import messages

WRONG_LENGTH = "wrong_length"

_EXAMPLE_ROW = [59.0, 2.0, 32.1, 101.0, 157.0, 93.2, 38.0, 4.0, 4.8598, 87.0]
_EXAMPLE_VERSION = "1.0.0"


def _check_length(row: object) -> object:
    """Check the length of a row before its items; Pydantic checks in the reverse order whether a list is too short."""
    if isinstance(row, list) and len(row) != FEATURES:
        raise PydanticCustomError(WRONG_LENGTH, "expected ten")
    return row


Feature = Annotated[float, Field(ge=LOWEST, le=HIGHEST)]
Row = Annotated[list[Feature], Field(min_length=FEATURES, max_length=FEATURES), BeforeValidator(_check_length)]


class RequestBody(BaseModel):
    """A request body. JSON values are not converted: neither a string nor a boolean is a number."""

    model_config = ConfigDict(strict=True, frozen=True)


class LoginRequest(RequestBody):
    """Credentials."""

    # Not `str`, which refuses lone surrogates, which JSON may contain: such a name is just a wrong one.
    username: InstanceOf[str] = Field(description="As set by API_USERNAME.", examples=["lab"])
    password: InstanceOf[str] = Field(description="As set by API_PASSWORD.", examples=["secret"])


class PredictionRequest(RequestBody):
    """One row."""

    features: Row = Field(description="Ten numbers, unscaled, as /model-info names them.", examples=[_EXAMPLE_ROW])


class BatchPredictionRequest(RequestBody):
    """Up to a hundred rows."""

    samples: list[Row] = Field(
        min_length=1, max_length=MAX_SAMPLES, description="Rows of ten numbers each.", examples=[[_EXAMPLE_ROW] * 2]
    )


class ErrorResponse(BaseModel):
    """The form of every error."""

    error: str = Field(description="What is wrong.", examples=[messages.wrong_length("features")])
    detail: str | None = Field(description="Details, if there are any.", examples=[None])


class HealthResponse(BaseModel):
    """The process answers requests."""

    status: str = Field(description="Always the same.", examples=[messages.HEALTHY])
    timestamp: str = Field(description="UTC, ISO 8601.", examples=["2026-01-31T12:00:00.000000+00:00"])
    uptime_seconds: float = Field(description="Since the service started.", examples=[12.5])


class ReadyResponse(BaseModel):
    """The service is ready for requests."""

    status: str = Field(description="Always the same.", examples=[messages.READY])
    model_version: str = Field(description="Of the model that predicts.", examples=[_EXAMPLE_VERSION])


class LoginResponse(BaseModel):
    """A token."""

    token: str = Field(description="A JWT for the Authorization header.", examples=["eyJhbGciOiJIUzI1NiJ9.e30.c2ln"])
    token_type: str = Field(description="The scheme of the Authorization header.", examples=[messages.TOKEN_TYPE])
    expires_in: int = Field(description="Seconds.", examples=[86400])


class PredictionResponse(BaseModel):
    """One predicted row."""

    prediction: float = Field(description="Disease progression one year after baseline.", examples=[210.4])
    cached: bool = Field(description="Whether the prediction was in the cache.", examples=[False])
    model_version: str = Field(description="Of the model that predicted.", examples=[_EXAMPLE_VERSION])


class BatchPredictionResponse(BaseModel):
    """Predicted rows, in the order of the request."""

    predictions: list[float] = Field(description="One for each row.", examples=[[210.4, 210.4]])
    count: int = Field(description="Number of rows.", examples=[2])
    model_version: str = Field(description="Of the model that predicted.", examples=[_EXAMPLE_VERSION])
    inference_ms: float = Field(description="Milliseconds that the model took.", examples=[0.08])


class ModelInfo(BaseModel):
    """The origin and the quality of the model."""

    model_config = ConfigDict(from_attributes=True)

    version: str = Field(description="Of the model.", examples=[_EXAMPLE_VERSION])
    model_type: str = Field(description="The kind of estimator.", examples=["random_forest"])
    input_features: int = Field(description="Numbers in a row.", examples=[FEATURES])
    feature_names: list[str] = Field(description="In the order of a row.", examples=[["age", "sex", "bmi"]])
    dataset: str = Field(description="What the model was trained on.", examples=["scikit-learn diabetes"])
    training_date: str = Field(description="ISO 8601.", examples=["2026-01-31"])
    metrics: dict[str, float] = Field(
        description="Measured on rows that were not used for training.", examples=[{"r2": 0.45}]
    )
    format: str = Field(description="Of the model's graph.", examples=["onnx"])
    sha256: str = Field(description="Of the model's graph.", examples=["ab" * 32])


class CacheStats(BaseModel):
    """Size and counts of the cache, for the whole service since its start."""

    model_config = ConfigDict(from_attributes=True)

    backend: str = Field(description="Where the cache is: `memory` or `redis`.", examples=["memory"])
    entries: int = Field(description="Predictions in the cache.", examples=[120])
    max_entries: int = Field(description="As set by CACHE_MAX_ENTRIES.", examples=[10_000])
    hits: int = Field(description="Rows that were in the cache.", examples=[80])
    misses: int = Field(description="Rows that were not.", examples=[120])
    evictions: int = Field(description="Predictions removed because the cache was full.", examples=[0])
    hit_rate: float = Field(description="Hits divided by lookups; 0 without lookups.", examples=[0.4])


class CacheClearResponse(BaseModel):
    """The number of predictions that were removed."""

    cleared: int = Field(description="Predictions that were in the cache.", examples=[120])
