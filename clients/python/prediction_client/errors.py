"""What can go wrong with a call, as exceptions."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Self, TypeVar

import httpx

from prediction_client.generated.models import ErrorResponse

Answer = TypeVar("Answer")
_SHAPE_ERRORS = (AttributeError, KeyError, TypeError, ValueError)


class PredictionClientError(Exception):
    """Any error of this client."""


class NoAnswerError(PredictionClientError):
    """There was no answer: no connection, or none that lasted, or the time was up."""


class UnexpectedAnswerError(PredictionClientError):
    """The answer is not one of this API: something else answers at this address."""


class ApiError(PredictionClientError):
    """The service refused.

    Attributes:
        status: of HTTP.
        message: in the words of the API, or those of HTTP if something before the service answered.
        detail: more about it, if there is more.
        request_id: under which the service has it in its log.
        retry_after: seconds until the service wants to be asked again, if it says so.
    """

    def __init__(
        self,
        status: int,
        message: str,
        detail: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(status, message, detail, request_id, retry_after)
        self.status = status
        self.message = message
        self.detail = detail
        self.request_id = request_id
        self.retry_after = retry_after

    def __str__(self) -> str:
        what = f"{self.message} ({self.detail})" if self.detail else self.message
        return f"{self.status} {what}" + (f", request {self.request_id}" if self.request_id else "")

    @classmethod
    def of(cls, response: httpx.Response) -> Self:
        """The error that an answer is."""
        try:
            body = ErrorResponse.from_dict(response.json())
            message, detail = body.error, body.detail
        except _SHAPE_ERRORS:
            message, detail = _phrase(response.status_code), None
        request_id = response.headers.get("X-Request-ID")
        return cls(response.status_code, message, detail, request_id, _retry_after(response.headers))


class SignInError(ApiError):
    """The service refused to sign the user in."""


@contextmanager
def reading_answer() -> Iterator[None]:
    """Around a generated function: what it raises about the shape of an answer becomes an error of this client."""
    try:
        yield
    except UnicodeEncodeError:
        raise  # about the request
    except _SHAPE_ERRORS as error:
        raise UnexpectedAnswerError(f"the answer is not one of this API: {type(error).__name__}: {error}") from error


def right(answer: Answer | ErrorResponse | None) -> Answer:
    """The answer, which is no error: those are raised before it is read."""
    if answer is None or isinstance(answer, ErrorResponse):
        raise UnexpectedAnswerError(f"the answer is not one of this API: {answer}")
    return answer


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "unknown status"


def _retry_after(headers: httpx.Headers) -> float | None:
    """Seconds; a date counts from the date of the answer, because clocks may disagree."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    until = _date(value)
    return max((until - (_date(headers.get("Date", "")) or datetime.now(UTC))).total_seconds(), 0.0) if until else None


def _date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
