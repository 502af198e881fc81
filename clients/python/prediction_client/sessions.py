"""HTTP clients that repeat requests and raise errors: the generated functions see right answers only."""

from typing import Any

import httpx
import tenacity

from prediction_client.errors import ApiError, NoAnswerError
from prediction_client.retries import Retries


class Session(httpx.Client):
    """For blocking calls."""

    def __init__(self, retries: Retries, **options: Any) -> None:  # noqa: ANN401 - httpx's own
        super().__init__(**options)
        self._retries = retries

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        """Send a request until it is answered, as often as it may be.

        Raises:
            ApiError: the service refused.
            NoAnswerError: there was no answer.
        """
        try:
            return tenacity.Retrying(**self._retries.policy(request))(self._send_once, request, **options)
        except httpx.RequestError as error:
            raise _no_answer(request, error) from error

    def _send_once(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        return _checked(super().send(request, **options))


class AsyncSession(httpx.AsyncClient):
    """For calls that are awaited."""

    def __init__(self, retries: Retries, **options: Any) -> None:  # noqa: ANN401 - httpx's own
        super().__init__(**options)
        self._retries = retries

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        """Send a request until it is answered, as often as it may be.

        Raises:
            ApiError: the service refused.
            NoAnswerError: there was no answer.
        """
        try:
            return await tenacity.AsyncRetrying(**self._retries.policy(request))(self._send_once, request, **options)
        except httpx.RequestError as error:
            raise _no_answer(request, error) from error

    async def _send_once(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        return _checked(await super().send(request, **options))


def _checked(response: httpx.Response) -> httpx.Response:
    if not response.is_success:
        raise ApiError.of(response)
    return response


def _no_answer(request: httpx.Request, error: httpx.RequestError) -> NoAnswerError:
    why = f"none in time ({type(error).__name__})" if isinstance(error, httpx.TimeoutException) else str(error)
    return NoAnswerError(f"no answer from {request.url}: {why or type(error).__name__}")
