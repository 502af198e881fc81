"""The token of a user: fetched when it is needed, renewed before it expires, one sign-in for all who wait."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Self

import httpx

from prediction_client.generated.models import LoginResponse

_EARLIEST_RENEWAL_SECONDS = 60.0
_RENEWAL_FRACTION = 0.1


@dataclass(frozen=True, eq=False)
class _Token:
    value: str
    renew_at: float
    """By the monotonic clock."""

    @classmethod
    def of(cls, login: LoginResponse, asked_at: float) -> Self:
        early = min(_EARLIEST_RENEWAL_SECONDS, _RENEWAL_FRACTION * login.expires_in)
        return cls(login.token, asked_at + login.expires_in - early)

    def serves(self, refused: "_Token | None") -> bool:
        """Whether it can still be used."""
        return self is not refused and time.monotonic() < self.renew_at

    def sign(self, request: httpx.Request) -> None:
        request.headers["Authorization"] = f"Bearer {self.value}"


class SignIn(httpx.Auth):
    """Signs requests of blocking calls, in any number of threads."""

    def __init__(self, log_in: Callable[[], LoginResponse]) -> None:
        self._log_in = log_in
        self._lock = threading.Lock()
        self._token: _Token | None = None
        self._renewal: Future[_Token] | None = None

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign a request, and once more with another token if the first is refused."""
        token = self._usable(None)
        token.sign(request)
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self._usable(token).sign(request)
            yield request

    def _usable(self, refused: _Token | None) -> _Token:
        with self._lock:
            if self._token and self._token.serves(refused):
                return self._token
            others = self._renewal
            mine = self._renewal = others or Future()
        if others:
            return others.result()
        try:
            asked_at = time.monotonic()
            self._token = _Token.of(self._log_in(), asked_at)
            mine.set_result(self._token)
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                self._renewal = None
        return self._token


class AsyncSignIn(httpx.Auth):
    """Signs requests of calls that are awaited, in any number of tasks."""

    def __init__(self, log_in: Callable[[], Awaitable[LoginResponse]]) -> None:
        self._log_in = log_in
        self._token: _Token | None = None
        self._renewal: asyncio.Task[_Token] | None = None

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Sign a request, and once more with another token if the first is refused."""
        token = await self._usable(None)
        token.sign(request)
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            (await self._usable(token)).sign(request)
            yield request

    async def _usable(self, refused: _Token | None) -> _Token:
        if self._token and self._token.serves(refused):
            return self._token
        if self._renewal is None:
            self._renewal = asyncio.create_task(self._renew())
        # Others may wait for the same: whoever stops waiting does not stop it.
        return await asyncio.shield(self._renewal)

    async def _renew(self) -> _Token:
        try:
            asked_at = time.monotonic()
            self._token = _Token.of(await self._log_in(), asked_at)
            return self._token
        finally:
            self._renewal = None
