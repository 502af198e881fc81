"""Client of the prediction API: `PredictionClient` for blocking calls, `AsyncPredictionClient` to be awaited."""

from prediction_client.async_client import AsyncPredictionClient
from prediction_client.client import PredictionClient
from prediction_client.errors import (
    ApiError,
    NoAnswerError,
    PredictionClientError,
    SignInError,
    UnexpectedAnswerError,
)
from prediction_client.generated.limits import MAX_ROWS
from prediction_client.retries import Retries

__all__ = [
    "MAX_ROWS",
    "ApiError",
    "AsyncPredictionClient",
    "NoAnswerError",
    "PredictionClient",
    "PredictionClientError",
    "Retries",
    "SignInError",
    "UnexpectedAnswerError",
]
