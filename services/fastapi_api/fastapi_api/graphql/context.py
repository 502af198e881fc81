"""What the fields of one GraphQL request share: its user, and the rows already counted against the rate limit."""

import asyncio
from functools import cached_property

from fastapi import Request
from serving_core.http.errors import TooManyRequestsError
from serving_core.http.tokens import AuthenticationError
from serving_core.service import Service

from fastapi_api.calls import call
from fastapi_api.guard import caller_of
from fastapi_api.headers import combined
from fastapi_api.predicting import predict_row, predict_rows
from fastapi_api.schemas import BatchPredictionRequest, BatchPredictionResponse, PredictionRequest, PredictionResponse

HANDLER = "/graphql"


class Context:
    """One request. Its fields predict one after the other; after a refusal all later ones are refused, counted once."""

    def __init__(self, service: Service, request: Request) -> None:
        self.service = service
        self._request = request
        self._turn = asyncio.Lock()
        self._rows_counted = 1  # the route has counted the request as one
        self._refusal: TooManyRequestsError | None = None

    def authenticate(self) -> str:
        """The user of the request's token.

        Raises:
            AuthenticationError: no token, or an invalid one.
        """
        if isinstance(self._user, AuthenticationError):
            raise self._user
        return self._user

    async def predict(self, request: PredictionRequest, user: str) -> PredictionResponse:
        """Predict one row, from the cache if it is there.

        Raises:
            TooManyRequestsError: the caller's window is full.
        """
        async with self._turn:
            await self._count(1)
            return await predict_row(self.service, request, user=user, handler=HANDLER)

    async def predict_batch(self, request: BatchPredictionRequest, user: str) -> BatchPredictionResponse:
        """Predict rows, without the cache.

        Raises:
            TooManyRequestsError: the rows do not fit into the caller's window.
        """
        async with self._turn:
            await self._count(len(request.samples))
            return predict_rows(self.service, request, user=user, handler=HANDLER)

    @cached_property
    def _user(self) -> str | AuthenticationError:
        try:
            return self.service.authenticate(combined(self._request.scope, b"authorization"))
        except AuthenticationError as refusal:
            return refusal

    async def _count(self, rows: int) -> None:
        """Count each row beyond the first one of this request as a request."""
        await asyncio.sleep(0)  # lets other requests of the worker run between two fields
        if self._refusal:
            raise self._refusal
        try:
            if cost := rows - self._rows_counted:
                await call(self.service, self.service.check_rate, caller_of(self._request.scope), HANDLER, cost)
        except TooManyRequestsError as refusal:
            self._refusal = refusal
            raise
        self._rows_counted = 0
