"""The schemas of requests and responses, for validation and for the documentation of the API."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf
from pydantic_core import PydanticCustomError
from serving_core.bounds import FEATURES, HIGHEST, LOWEST, MAX_QUERY_CHARACTERS, MAX_SAMPLES
from serving_core.http import messages

WRONG_LENGTH = "wrong_length"

_EXAMPLE_ROW = [59.0, 2.0, 32.1, 101.0, 157.0, 93.2, 38.0, 4.0, 4.8598, 87.0]


def _check_length(expected: str, shortest: int, longest: int) -> BeforeValidator:
    """Check the length before the items, so that the first error in order is reported."""

    def check(value: Any) -> Any:  # noqa: ANN401 - any JSON value
        if isinstance(value, list) and not shortest <= len(value) <= longest:
            raise PydanticCustomError(WRONG_LENGTH, expected)
        return value

    return BeforeValidator(check)


Feature = Annotated[float, Field(ge=LOWEST, le=HIGHEST)]
Row = Annotated[
    list[Feature],
    Field(min_length=FEATURES, max_length=FEATURES),
    _check_length("expected ten", FEATURES, FEATURES),
]


class RequestBody(BaseModel):
    """A request body. JSON values are not converted: neither a string nor a boolean is a number."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class LoginRequest(RequestBody):
    """Credentials."""

    # Not `str`, which refuses lone surrogates, which JSON may contain: such a name is just a wrong one.
    username: InstanceOf[str] = Field(description="As set by API_USERNAME.", examples=["lab"])
    password: InstanceOf[str] = Field(description="As set by API_PASSWORD.", examples=["secret"])


class PredictRequest(RequestBody):
    """One row."""

    features: Row = Field(
        description="Ten numbers in the order of `feature_names` in /model-info, unscaled.", examples=[_EXAMPLE_ROW]
    )


class BatchPredictRequest(RequestBody):
    """Up to a hundred rows."""

    samples: Annotated[
        list[Row], Field(min_length=1, max_length=MAX_SAMPLES), _check_length("one to a hundred", 1, MAX_SAMPLES)
    ] = Field(description="Rows of ten numbers each.", examples=[[_EXAMPLE_ROW, _EXAMPLE_ROW]])


class GraphQLRequest(RequestBody):
    """A GraphQL query."""

    query: str = Field(
        min_length=1,
        max_length=MAX_QUERY_CHARACTERS,
        description="A document with one operation, or several of which operationName names one.",
        examples=["{ modelInfo { version featureNames } }"],
    )
    # Not `dict`, for the same reason.
    variables: InstanceOf[dict[str, Any]] | None = Field(None, description="By name.", examples=[{}])
    operationName: str | None = Field(None, examples=[None])  # noqa: N815 - GraphQL's own name


class ErrorResponse(BaseModel):
    """The form of every error."""

    error: str = Field(description="What is wrong.", examples=[messages.WRONG_NUMBER_OF_FEATURES])
    detail: str | None = Field(description="Details, if there are any.", examples=[None])


class HealthResponse(BaseModel):
    """The process answers requests."""

    status: str = Field(examples=[messages.HEALTHY])
    timestamp: str = Field(description="UTC, ISO 8601.", examples=["2026-01-31T12:00:00.000000+00:00"])
    uptime_seconds: float = Field(description="Since the service started.", examples=[12.5])


class ReadyResponse(BaseModel):
    """The service is ready for requests."""

    status: str = Field(examples=[messages.READY])
    model_version: str = Field(examples=["1.0.0"])


class LoginResponse(BaseModel):
    """A token."""

    token: str = Field(description="A JWT for the Authorization header.")
    token_type: str = Field(examples=[messages.TOKEN_TYPE])
    expires_in: int = Field(description="Seconds.", examples=[86400])


class PredictResponse(BaseModel):
    """One predicted row."""

    prediction: float = Field(description="Disease progression one year after baseline.", examples=[210.4])
    cached: bool = Field(description="Whether the prediction was in the cache.", examples=[False])
    model_version: str = Field(examples=["1.0.0"])


class BatchPredictResponse(BaseModel):
    """Predicted rows, in the order of the request."""

    predictions: list[float] = Field(examples=[[210.4, 210.4]])
    count: int = Field(examples=[2])
    model_version: str = Field(examples=["1.0.0"])
    inference_ms: float = Field(description="Milliseconds that the model took.", examples=[0.08])


class ModelInfoResponse(BaseModel):
    """The origin and the quality of the model."""

    model_config = ConfigDict(from_attributes=True)

    version: str = Field(examples=["1.0.0"])
    model_type: str = Field(examples=["random_forest"])
    input_features: int = Field(examples=[FEATURES])
    feature_names: list[str] = Field(examples=[["age", "sex", "bmi"]])
    dataset: str
    training_date: str = Field(examples=["2026-01-31"])
    metrics: dict[str, float] = Field(description="Measured on rows that were not used for training.")
    format: str = Field(examples=["onnx"])
    sha256: str = Field(description="Of the model's graph.")


class GraphQLResponse(BaseModel):
    """The data of a query, its errors, or both."""

    data: dict[str, Any] | None = Field(None, description="Missing if nothing could be executed.")
    errors: list[dict[str, Any]] | None = Field(
        None, description="Each with its message, and with the status that another endpoint would have in extensions."
    )


class CacheStatsResponse(BaseModel):
    """Size and counts of the cache, for the whole service since its start."""

    model_config = ConfigDict(from_attributes=True)

    backend: str = Field(examples=["memory"])
    entries: int
    max_entries: int
    hits: int
    misses: int
    evictions: int
    hit_rate: float = Field(description="Hits divided by lookups; 0 without lookups.")


class CacheClearResponse(BaseModel):
    """The number of predictions that were removed."""

    cleared: int
