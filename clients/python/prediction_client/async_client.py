"""The client for calls that are awaited."""

import asyncio
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
from prediction_client.generated.limits import MAX_ROWS
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
from prediction_client.sessions import AsyncSession
from prediction_client.sign_in import AsyncSignIn

_DEFAULT_RETRIES = Retries()


class AsyncPredictionClient:
    """The prediction API, awaited. The tasks of one event loop may share one client.

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
            options: further arguments of `httpx.AsyncClient`, such as `verify`, `proxy` or `headers`.
        """
        options = {"base_url": base_url, "timeout": timeout, "verify": httpx.create_ssl_context()} | options
        self._credentials = LoginRequest(username, password) if username is not None and password is not None else None
        self._anyone = _generated_client(base_url, AsyncSession(retries, **options))
        self._user = _generated_client(base_url, AsyncSession(retries, auth=AsyncSignIn(self._log_in), **options))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._anyone.get_async_httpx_client().aclose()
        await self._user.get_async_httpx_client().aclose()

    async def predict(self, features: Row) -> PredictionResponse:
        """Predict one row."""
        body = PredictionRequest(json_row(features))
        with reading_answer():
            return right(await predict.asyncio(client=self._user, body=body))

    async def batch_predict(self, samples: Iterable[Row]) -> BatchPredictionResponse:
        """Predict the rows of one request: as many as the API allows."""
        return await self._batch_predict([json_row(row) for row in samples])

    async def predict_many(self, rows: Iterable[Row], *, concurrency: int = 4) -> list[float]:
        """Predict any number of rows, in as few requests as the API allows; the order is kept.

        Args:
            rows: a list, an array, or an iterator, which is read batch by batch.
            concurrency: how many requests are on their way at the same time, at most.
        """
        if concurrency < 1:
            raise ValueError("concurrency must be at least 1")
        remaining = enumerate(batches(rows))
        predictions: dict[int, list[float]] = {}

        async def work() -> None:
            for number, batch in remaining:
                try:
                    predictions[number] = (await self._batch_predict(batch)).predictions
                except PredictionClientError as error:
                    error.add_note(f"in the batch that begins with row {number * MAX_ROWS}")
                    raise

        workers = [asyncio.create_task(work()) for _ in range(concurrency)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        return [prediction for number in sorted(predictions) for prediction in predictions[number]]

    async def model_info(self) -> ModelInfo:
        """The origin and the quality of the model."""
        with reading_answer():
            return right(await model_info.asyncio(client=self._anyone))

    async def health(self) -> HealthResponse:
        """Whether the process answers."""
        with reading_answer():
            return right(await health.asyncio(client=self._anyone))

    async def ready(self) -> ReadyResponse:
        """Whether the service is ready for requests; an `ApiError` with status 503 if not, at once."""
        with reading_answer():
            return right(await ready.asyncio(client=self._anyone))

    async def cache_stats(self) -> CacheStats:
        """Size and counts of the cache, for the whole service."""
        with reading_answer():
            return right(await cache_stats.asyncio(client=self._user))

    async def cache_clear(self) -> CacheClearResponse:
        """Remove all cached predictions."""
        with reading_answer():
            return right(await cache_clear.asyncio(client=self._user))

    async def metrics(self) -> str:
        """The metrics of the service in the Prometheus text format."""
        with reading_answer():
            return right(await metrics.asyncio(client=self._anyone))

    async def graphql(
        self, query: str, variables: Mapping[str, Any] | None = None, *, operation_name: str | None = None
    ) -> dict[str, Any]:
        """Answer a GraphQL query, where the service speaks GraphQL; with the user's token if there is one.

        Returns:
            `data`, `errors`, or both, as GraphQL has them.
        """
        body = graphql_request(query, variables, operation_name)
        client = self._user if self._credentials else self._anyone
        with reading_answer():
            return right(await graphql.asyncio(client=client, body=body)).to_dict()

    async def _batch_predict(self, samples: list[list[float]]) -> BatchPredictionResponse:
        body = BatchPredictionRequest(samples)
        with reading_answer():
            answer = right(await batch_predict.asyncio(client=self._user, body=body))
        if len(answer.predictions) != len(samples):
            raise UnexpectedAnswerError(f"the answer does not have a prediction for each of {len(samples)} rows")
        return answer

    async def _log_in(self) -> LoginResponse:
        if self._credentials is None:
            raise PredictionClientError("this call needs a token: give the client a username and a password")
        try:
            with reading_answer():
                return right(await login.asyncio(client=self._anyone, body=self._credentials))
        except ApiError as error:
            raise SignInError(*error.args) from None


def _generated_client(base_url: str, session: AsyncSession) -> AuthenticatedClient:
    # All that it does with its token is put it into a session of its own, which this one replaces.
    return AuthenticatedClient(base_url, token="").set_async_httpx_client(session)
