"""Tokens: JSON web tokens (JWT) that any of the services issued prove who sends a request."""

import contextlib
import hmac
import time
from functools import lru_cache
from typing import Any, Literal

import jwt

from serving_core.http import messages
from serving_core.http.errors import UnauthorizedError
from serving_core.runtime.settings import Settings

LEEWAY_SECONDS = 5
"""How far the clocks of those who issue tokens and those who check them may disagree."""
_ALGORITHM = "HS256"
_REQUIRED_CLAIMS = ["user", "iat", "exp"]
_REMEMBERED_TOKENS = 1024

FailureReason = Literal["missing", "invalid", "expired", "not_yet_valid", "credentials"]


class AuthenticationError(UnauthorizedError):
    """401, with the reason under which the metrics count it, and a line for the log if an operator should know."""

    def __init__(self, reason: FailureReason, message: str, *, detail: str | None = None, log: str = "") -> None:
        super().__init__(message, detail=detail)
        self.reason: FailureReason = reason
        self.log = log


class Tokens:
    """Issues and checks tokens."""

    def __init__(self, settings: Settings) -> None:
        self._key = settings.secret_key.encode()
        previous = settings.secret_key_previous.encode()
        self._accepted_keys = (self._key, previous) if previous else (self._key,)
        self._username = settings.api_username.encode()
        self._password = settings.api_password.encode()
        self.lifetime_seconds = settings.token_lifetime_seconds
        # Verifying a token costs more than a prediction, so valid tokens are cached; their expiry is checked each time.
        # An invalid token raises, and lru_cache does not keep exceptions.
        self._verified = lru_cache(_REMEMBERED_TOKENS)(self._verify)

    def log_in(self, username: str, password: str) -> str:
        """Exchange credentials for a token.

        Raises:
            AuthenticationError: `Invalid credentials`.
        """
        # Both are compared, in constant time. JSON strings may contain lone surrogates.
        matches = hmac.compare_digest(username.encode("utf-8", "surrogatepass"), self._username) & hmac.compare_digest(
            password.encode("utf-8", "surrogatepass"), self._password
        )
        if not matches:
            raise AuthenticationError("credentials", messages.INVALID_CREDENTIALS)
        return self.issue(username)

    def issue(self, user: str) -> str:
        """A token for a user, valid from now on for the lifetime in the settings."""
        now = int(time.time())
        claims = {"user": user, "iat": now, "exp": now + self.lifetime_seconds}
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def authenticate(self, authorization: str | None) -> str:
        """The user of an Authorization header: `Bearer <jwt>` in any case, or the bare token.

        Raises:
            AuthenticationError: `Token is missing` or `Token is invalid`.
        """
        scheme, _, rest = (authorization or "").strip().partition(" ")
        token = rest.strip() if scheme.lower() == messages.TOKEN_TYPE else f"{scheme} {rest}".strip()
        if not token:
            raise AuthenticationError("missing", messages.TOKEN_MISSING)
        try:
            user, expiry = self._verified(token)
        except jwt.ExpiredSignatureError:
            raise _expired() from None
        except jwt.ImmatureSignatureError:
            raise _not_yet_valid(token) from None
        except (jwt.InvalidTokenError, UnicodeEncodeError):  # JSON strings may contain lone surrogates
            raise AuthenticationError("invalid", messages.TOKEN_INVALID) from None
        if expiry + LEEWAY_SECONDS <= time.time():
            raise _expired()
        return user

    def _verify(self, token: str) -> tuple[str, int]:
        user = (claims := self._claims(token))["user"]
        if not isinstance(user, str):
            raise jwt.InvalidTokenError("the claim user is not a string")
        return user, int(claims["exp"])

    def _claims(self, token: str) -> dict[str, Any]:
        *former, last = self._accepted_keys
        for key in former:
            with contextlib.suppress(jwt.InvalidSignatureError):
                return _decode(token, key)
        return _decode(token, last)


def _decode(token: str, key: bytes) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(
        token, key, algorithms=[_ALGORITHM], leeway=LEEWAY_SECONDS, options={"require": _REQUIRED_CLAIMS}
    )
    return claims


def _expired() -> AuthenticationError:
    return AuthenticationError("expired", messages.TOKEN_INVALID, detail=messages.TOKEN_EXPIRED)


def _not_yet_valid(token: str) -> AuthenticationError:
    claims = jwt.decode(token, options={"verify_signature": False})  # it has been verified
    times = f"iat {claims['iat']}, nbf {claims.get('nbf')}, here it is {time.time():.0f}"
    return AuthenticationError(
        "not_yet_valid",
        messages.TOKEN_INVALID,
        detail=messages.TOKEN_NOT_YET_VALID,
        log=f"token refused: it is not valid yet ({times}); do the clocks of issuer and service agree?",
    )
