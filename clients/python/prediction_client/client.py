"""The client for blocking calls."""

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from prediction_client.bodies import Row, batches, graphql_request, json_row
from prediction_client.errors import (
    ApiError,
    PredictionClientError,
    SignInError,
    UnexpectedAnswerError,
    reading_answer,
    right,
)
from prediction_client.generated.api.operations import cache_clear, cache_stats, health, metrics, ready
from prediction_client.generated.api.predictions import batch_predict, graphql, login, model_info, predict
from prediction_client.generated.client import AuthenticatedClient
from prediction_client.generated.models import (
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
from prediction_client.retries import Retries
from prediction_client.sessions import Session
from prediction_client.sign_in import SignIn

_DEFAULT_RETRIES = Retries()


class PredictionClient:
    """The prediction API. Threads may share one client.

    Every method raises:
        ApiError: the service refused; SignInError if it refused to sign in.
        NoAnswerError: there was no answer.
        UnexpectedAnswerError: something else answers at this address.
    """

    def __init__(
        self,
        base_url: str,
        *,
        username: str | None = None,
        password: str | None = None,
        timeout: float | httpx.Timeout = 30.0,
        retries: Retries = _DEFAULT_RETRIES,
        **options: Any,  # noqa: ANN401 - httpx's own
    ) -> None:
        """Nothing is sent before the first call.

        Args:
            base_url: of the service, such as `http://localhost:8000`.
            username: of the user who asks; only calls that need a token need it.
            password: of the user.
            timeout: seconds for connecting, and for each wait for bytes, of one attempt.
            retries: when a call is repeated.
            options: further arguments of `httpx.Client`, such as `verify`, `proxy` or `headers`.
        """
        options = {"base_url": base_url, "timeout": timeout, "verify": httpx.create_ssl_context()} | options
        self._credentials = LoginRequest(username, password) if username is not None and password is not None else None
        self._anyone = _generated_client(base_url, Session(retries, **options))
        self._user = _generated_client(base_url, Session(retries, auth=SignIn(self._log_in), **options))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._anyone.get_httpx_client().close()
        self._user.get_httpx_client().close()

    def predict(self, features: Row) -> PredictionResponse:
        """Predict one row."""
        body = PredictionRequest(json_row(features))
        with reading_answer():
            return right(predict.sync(client=self._user, body=body))

    def batch_predict(self, samples: Iterable[Row]) -> BatchPredictionResponse:
        """Predict the rows of one request: as many as the API allows."""
        return self._batch_predict([json_row(row) for row in samples])

    def predict_many(self, rows: Iterable[Row]) -> list[float]:
        """Predict any number of rows, in as few requests as the API allows; the order is kept.

        Args:
            rows: a list, an array, or an iterator, which is read batch by batch.
        """
        predictions: list[float] = []
        for batch in batches(rows):
            try:
                predictions += self._batch_predict(batch).predictions
            except PredictionClientError as error:
                error.add_note(f"in the batch that begins with row {len(predictions)}")
                raise
        return predictions

    def model_info(self) -> ModelInfo:
        """The origin and the quality of the model."""
        with reading_answer():
            return right(model_info.sync(client=self._anyone))

    def health(self) -> HealthResponse:
        """Whether the process answers."""
        with reading_answer():
            return right(health.sync(client=self._anyone))

    def ready(self) -> ReadyResponse:
        """Whether the service is ready for requests; an `ApiError` with status 503 if not, at once."""
        with reading_answer():
            return right(ready.sync(client=self._anyone))

    def cache_stats(self) -> CacheStats:
        """Size and counts of the cache, for the whole service."""
        with reading_answer():
            return right(cache_stats.sync(client=self._user))

    def cache_clear(self) -> CacheClearResponse:
        """Remove all cached predictions."""
        with reading_answer():
            return right(cache_clear.sync(client=self._user))

    def metrics(self) -> str:
        """The metrics of the service in the Prometheus text format."""
        with reading_answer():
            return right(metrics.sync(client=self._anyone))

    def graphql(
        self, query: str, variables: Mapping[str, Any] | None = None, *, operation_name: str | None = None
    ) -> dict[str, Any]:
        """Answer a GraphQL query, where the service speaks GraphQL; with the user's token if there is one.

        Returns:
            `data`, `errors`, or both, as GraphQL has them.
        """
        body = graphql_request(query, variables, operation_name)
        client = self._user if self._credentials else self._anyone
        with reading_answer():
            return right(graphql.sync(client=client, body=body)).to_dict()

    def _batch_predict(self, samples: list[list[float]]) -> BatchPredictionResponse:
        body = BatchPredictionRequest(samples)
        with reading_answer():
            answer = right(batch_predict.sync(client=self._user, body=body))
        if len(answer.predictions) != len(samples):
            raise UnexpectedAnswerError(f"the answer does not have a prediction for each of {len(samples)} rows")
        return answer

    def _log_in(self) -> LoginResponse:
        if self._credentials is None:
            raise PredictionClientError("this call needs a token: give the client a username and a password")
        try:
            with reading_answer():
                return right(login.sync(client=self._anyone, body=self._credentials))
        except ApiError as error:
            raise SignInError(*error.args) from None


def _generated_client(base_url: str, session: Session) -> AuthenticatedClient:
    # All that it does with its token is put it into a session of its own, which this one replaces.
    return AuthenticatedClient(base_url, token="").set_httpx_client(session)
