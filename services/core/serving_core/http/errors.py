"""What the API answers when it cannot do what was asked: one base error, mapped to HTTP at one place an adapter."""

from serving_core.http import messages


class ApiError(Exception):
    """A refusal that the contract names: status, message, and detail where there is more to say."""

    status = 500
    message = messages.INTERNAL_ERROR

    def __init__(self, message: str | None = None, *, detail: str | None = None) -> None:
        self.message = message or self.message
        self.detail = detail
        self.headers: dict[str, str] = {}
        super().__init__(self.message)

    def body(self) -> dict[str, str | None]:
        """The JSON object that a client gets."""
        return {"error": self.message, "detail": self.detail}


class InvalidRequestError(ApiError):
    """400: the request can be read and is wrong; the message says what is wrong."""

    status = 400

    def __init__(self, message: str, *, detail: str | None = None) -> None:
        super().__init__(message, detail=detail)


class UnauthorizedError(ApiError):
    """401: no token, or one that does not hold."""

    status = 401

    def __init__(self, message: str, *, detail: str | None = None) -> None:
        super().__init__(message, detail=detail)
        self.headers["WWW-Authenticate"] = "Bearer"


class ForbiddenError(ApiError):
    """403: a page of another origin that CORS_ORIGINS does not name wants a WebSocket."""

    status = 403
    message = messages.ORIGIN_NOT_ALLOWED


class NotFoundError(ApiError):
    """404: no such path."""

    status = 404
    message = messages.NOT_FOUND


class MethodNotAllowedError(ApiError):
    """405: the path is there, but not for this method."""

    status = 405
    message = messages.METHOD_NOT_ALLOWED

    def __init__(self, allowed: set[str]) -> None:
        super().__init__()
        self.headers["Allow"] = ", ".join(sorted(allowed))


class BodyTooLargeError(ApiError):
    """413: more bytes than MAX_BODY_BYTES."""

    status = 413
    message = messages.BODY_TOO_LARGE


class UnsupportedContentTypeError(ApiError):
    """415: the body is not announced as JSON."""

    status = 415
    message = messages.WRONG_CONTENT_TYPE


class TooManyRequestsError(ApiError):
    """429: the caller's share of the window is used up."""

    status = 429
    message = messages.TOO_MANY_REQUESTS

    def __init__(self, *, limit: str, quota: int, window_seconds: int, remaining: int, reset_seconds: int) -> None:
        """Say of a limit, by its name, how much a window allows, what is left of it, and when the next one opens.

        Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
        """
        super().__init__()
        self.retry_after_seconds = reset_seconds
        self.headers["Retry-After"] = str(reset_seconds)
        self.headers["RateLimit-Policy"] = f'"{limit}";q={quota};w={window_seconds}'
        self.headers["RateLimit"] = f'"{limit}";r={remaining};t={reset_seconds}'


class UnavailableError(ApiError):
    """503: starting, draining, or without its model or cache."""

    status = 503
    message = messages.UNAVAILABLE
