"""The errors of the API: one base class, which each adapter maps to an HTTP response in one place."""

from serving_core.http import messages


class ApiError(Exception):
    """An error response of the contract: status, message and, if there is more to say, a detail."""

    status = 500
    message = messages.INTERNAL_ERROR

    def __init__(self, message: str | None = None, *, detail: str | None = None) -> None:
        self.message = message or self.message
        self.detail = detail
        self.headers: dict[str, str] = {}
        super().__init__(self.message)

    def body(self) -> dict[str, str | None]:
        """The JSON object that the client receives."""
        return {"error": self.message, "detail": self.detail}


class InvalidRequestError(ApiError):
    """400: the request can be read and is wrong; the message says what is wrong."""

    status = 400

    def __init__(self, message: str, *, detail: str | None = None) -> None:
        super().__init__(message, detail=detail)


class UnauthorizedError(ApiError):
    """401: no token, or an invalid one."""

    status = 401

    def __init__(self, message: str, *, detail: str | None = None) -> None:
        super().__init__(message, detail=detail)
        self.headers["WWW-Authenticate"] = "Bearer"


class ForbiddenError(ApiError):
    """403: a page whose origin is not in CORS_ORIGINS tries to open a WebSocket."""

    status = 403
    message = messages.ORIGIN_NOT_ALLOWED


class NotFoundError(ApiError):
    """404: no such path."""

    status = 404
    message = messages.NOT_FOUND


class MethodNotAllowedError(ApiError):
    """405: the path exists, but not for this method."""

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
    """415: the Content-Type of the body is not JSON."""

    status = 415
    message = messages.WRONG_CONTENT_TYPE


class TooManyRequestsError(ApiError):
    """429: the caller has used up its requests of this window."""

    status = 429
    message = messages.TOO_MANY_REQUESTS

    def __init__(self, *, limit: str, quota: int, window_seconds: int, remaining: int, reset_seconds: int) -> None:
        """Describe the limit: its name, the quota of a window, what remains of it, and when the next window opens.

        Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
        """
        super().__init__()
        self.retry_after_seconds = reset_seconds
        self.headers["Retry-After"] = str(reset_seconds)
        self.headers["RateLimit-Policy"] = f'"{limit}";q={quota};w={window_seconds}'
        self.headers["RateLimit"] = f'"{limit}";r={remaining};t={reset_seconds}'


class UnavailableError(ApiError):
    """503: the service is starting, draining, or cannot reach its model or cache."""

    status = 503
    message = messages.UNAVAILABLE
