"""When a request is sent again, and after how long."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import tenacity

from prediction_client.errors import ApiError, SignInError

# Sent twice, they do what they do sent once. /cache/clear is not among them: the second answer would say 0.
_SAFE_POSTS = ("/predict", "/batch-predict", "/graphql", "/login")
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout)
_BROKEN = (httpx.NetworkError, httpx.RemoteProtocolError)


@dataclass(frozen=True)
class Retries:
    """How often and how long a call may be repeated; `Retries(attempts=1)` never repeats one.

    Repeated are the statuses 429 and 503 (except of /ready, whose answer that is), and failed connections. A connection
    that breaks after the request was sent counts only if the request may be sent twice. The wait is Retry-After if the
    service says it, otherwise random and longer each time.

    Attributes:
        attempts: how often a request is sent at most.
        seconds: after which no attempt begins. A call whose next wait would end later fails at once.
        first_wait: upper bound of the first random wait, in seconds; it doubles with each attempt.
        longest_wait: upper bound of each random wait, in seconds.
    """

    attempts: int = 5
    seconds: float = 60.0
    first_wait: float = 0.5
    longest_wait: float = 10.0

    def policy(self, request: httpx.Request) -> dict[str, Any]:
        """The arguments of tenacity for a request."""
        random = tenacity.wait_random_exponential(multiplier=self.first_wait, max=self.longest_wait)
        return {
            "retry": tenacity.retry_if_exception(partial(_may_repeat, request)),
            "wait": partial(_wait, random),
            "stop": tenacity.stop_any(
                tenacity.stop_after_attempt(self.attempts), tenacity.stop_before_delay(self.seconds)
            ),
            "reraise": True,
        }


def _may_repeat(request: httpx.Request, error: BaseException) -> bool:
    match error:
        case SignInError():
            return False  # has been repeated already
        case ApiError(status=429):
            return True
        case ApiError(status=503):
            return not request.url.path.endswith("/ready")
        case _ if isinstance(error, _NOT_SENT):
            return True
        case _ if isinstance(error, _BROKEN):
            return request.method in {"GET", "HEAD"} or request.url.path.endswith(_SAFE_POSTS)
    return False


def _wait(random: tenacity.wait.wait_base, state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, ApiError) and error.retry_after is not None:
        return error.retry_after
    return random(state)
