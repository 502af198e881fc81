"""What requests and responses look like: checked, and shown in the API's documentation."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf
from pydantic_core import PydanticCustomError
from serving_core.bounds import FEATURES, HIGHEST, LOWEST, MAX_QUERY_CHARACTERS, MAX_SAMPLES
from serving_core.http import messages

WRONG_LENGTH = "wrong_length"

_EXAMPLE_ROW = [59.0, 2.0, 32.1, 101.0, 157.0, 93.2, 38.0, 4.0, 4.8598, 87.0]


def _check_length(expected: str, shortest: int, longest: int) -> BeforeValidator:
    """Look at the length before the items: the first fault in order is the one reported."""

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
    """JSON values are taken as they are: a string is no number, and neither is a boolean."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class LoginRequest(RequestBody):
    """Credentials."""

    # Not `str`, which refuses lone surrogates that JSON may carry: such a name is merely a wrong one.
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
    # Not `dict`, which refuses lone surrogates that JSON may carry, as InstanceOf[str] above.
    variables: InstanceOf[dict[str, Any]] | None = Field(None, description="By name.", examples=[{}])
    operationName: str | None = Field(None, examples=[None])  # noqa: N815 - GraphQL's own name


class ErrorResponse(BaseModel):
    """Every error has this form."""

    error: str = Field(description="What is wrong.", examples=[messages.WRONG_NUMBER_OF_FEATURES])
    detail: str | None = Field(description="More, where there is more to say.", examples=[None])


class HealthResponse(BaseModel):
    """The process answers."""

    status: str = Field(examples=[messages.HEALTHY])
    timestamp: str = Field(description="UTC, ISO 8601.", examples=["2026-01-31T12:00:00.000000+00:00"])
    uptime_seconds: float = Field(description="Since the service started.", examples=[12.5])


class ReadyResponse(BaseModel):
    """Requests should be sent here."""

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
    cached: bool = Field(description="Whether the cache had it.", examples=[False])
    model_version: str = Field(examples=["1.0.0"])


class BatchPredictResponse(BaseModel):
    """Predicted rows, in the order of the request."""

    predictions: list[float] = Field(examples=[[210.4, 210.4]])
    count: int = Field(examples=[2])
    model_version: str = Field(examples=["1.0.0"])
    inference_ms: float = Field(description="Milliseconds that the model took.", examples=[0.08])


class ModelInfoResponse(BaseModel):
    """Where the model comes from and how good it is."""

    model_config = ConfigDict(from_attributes=True)

    version: str = Field(examples=["1.0.0"])
    model_type: str = Field(examples=["random_forest"])
    input_features: int = Field(examples=[FEATURES])
    feature_names: list[str] = Field(examples=[["age", "sex", "bmi"]])
    dataset: str
    training_date: str = Field(examples=["2026-01-31"])
    metrics: dict[str, float] = Field(description="On rows that the model never saw.")
    format: str = Field(examples=["onnx"])
    sha256: str = Field(description="Of the model's graph.")


class GraphQLResponse(BaseModel):
    """What a query found, what went wrong with it, or both."""

    data: dict[str, Any] | None = Field(None, description="Missing where nothing could be executed.")
    errors: list[dict[str, Any]] | None = Field(
        None, description="Each with its message, and with the status that another endpoint would have in extensions."
    )


class CacheStatsResponse(BaseModel):
    """What the cache of the whole service did since the service started."""

    model_config = ConfigDict(from_attributes=True)

    backend: str = Field(examples=["memory"])
    entries: int
    max_entries: int
    hits: int
    misses: int
    evictions: int
    hit_rate: float = Field(description="Hits over look-ups; 0 where nothing was looked up.")


class CacheClearResponse(BaseModel):
    """How many predictions were forgotten."""

    cleared: int
