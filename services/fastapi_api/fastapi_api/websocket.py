"""Predictions over WebSocket: a token first, then an answer to each message, one after the other."""

import asyncio
import contextlib
import logging
import time

import msgspec
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse
from serving_core.bounds import MAX_SAMPLES
from serving_core.http import messages
from serving_core.http.errors import ApiError, ForbiddenError, InvalidRequestError, TooManyRequestsError
from serving_core.http.rules import as_written, decode_object
from serving_core.http.tokens import AuthenticationError
from serving_core.runtime.logs import current_request_id
from serving_core.runtime.metrics import WEBSOCKET
from serving_core.service import Service
from websockets.frames import CloseCode

from fastapi_api.calls import call
from fastapi_api.dependencies import service_of
from fastapi_api.guard import caller_of
from fastapi_api.headers import combined
from fastapi_api.predicting import predict_row, predict_rows
from fastapi_api.schemas import BatchPredictionRequest, BatchPredictionResponse, PredictionRequest, PredictionResponse
from fastapi_api.validation import validate

_logger = logging.getLogger(__name__)

# How long a client may leave an answer unread, so that it cannot delay the end of a worker or fill its memory.
_UNREAD_SECONDS = 10.0

websockets = APIRouter()


@websockets.websocket(WEBSOCKET)
async def predict(websocket: WebSocket) -> None:
    """Answer messages until one side closes the connection."""
    service = service_of(websocket)
    began = time.perf_counter()
    refusal = await _refusal_of_handshake(service, websocket)
    if refusal:
        await websocket.send_denial_response(JSONResponse(refusal.body(), refusal.status, refusal.headers))
    else:
        await websocket.accept()
    service.observe_request("GET", WEBSOCKET, refusal.status if refusal else 101, time.perf_counter() - began)
    if refusal:
        return
    service.metrics.websocket_connections.inc()
    try:
        await _Conversation(service, websocket).run()
    finally:
        service.metrics.websocket_connections.dec()


async def _refusal_of_handshake(service: Service, websocket: WebSocket) -> ApiError | None:
    """The reason to refuse a connection, checked in the order of any request; the token is checked once it is open."""
    try:
        await call(service, service.check_rate, caller_of(websocket.scope), WEBSOCKET)
        if not service.cors.admits_handshake(combined(websocket.scope, b"origin"), combined(websocket.scope, b"host")):
            raise ForbiddenError
    except ApiError as refusal:
        return refusal
    return None


class _Conversation:
    """An open connection."""

    def __init__(self, service: Service, websocket: WebSocket) -> None:
        self._service = service
        self._settings = service.settings
        self._websocket = websocket
        self._caller = caller_of(websocket.scope)
        self._request_id = current_request_id.get() or ""
        self._messages = 0

    async def run(self) -> None:
        """Answer messages; if this side closes the connection, give the reason."""
        try:
            if self._caller.authorization is None:
                self._caller = self._caller._replace(authorization=await self._first_message())
            self._service.authenticate(self._caller.authorization)
            while True:
                message = await self._receive(self._settings.websocket_idle_seconds)
                user = self._service.authenticate(self._caller.authorization)
                await self._send(await self._answer(message, user))
        except AuthenticationError as refusal:
            await self._close(CloseCode.POLICY_VIOLATION, refusal.detail or refusal.message)
        except TimeoutError:
            await self._close(CloseCode.NORMAL_CLOSURE, "Idle for too long")
        except WebSocketDisconnect as left:
            if left.code == CloseCode.GOING_AWAY:  # WebSocketProtocol uses this code too, when the worker stops
                await self._close(CloseCode.GOING_AWAY, "")

    async def _first_message(self) -> str | None:
        """The token of the first message, as an Authorization header; None if no token arrives in time."""
        try:
            token = decode_object(await self._receive(self._settings.websocket_token_seconds)).get("token")
        except (InvalidRequestError, TimeoutError):
            return None
        return f"Bearer {token}" if isinstance(token, str) else None

    async def _answer(self, message: bytes, user: str) -> bytes:
        """Answer a message or give the contract's error, with the id of the message, and count the outcome."""
        self._messages += 1
        current_request_id.set(f"{self._request_id}.{self._messages}")
        answer: dict[str, object] = {}
        try:
            body = await self._admitted(message, answer)
            answer |= (await self._predicted(body, user)).model_dump()
            outcome = "answered"
        except TooManyRequestsError as refusal:
            answer |= refusal.body() | {"retry_after": refusal.retry_after_seconds}
            outcome = "rate_limited"
        except InvalidRequestError as refusal:
            answer |= refusal.body()
            outcome = "invalid"
        except Exception:
            _logger.exception("message failed")
            answer |= ApiError().body()
            outcome = "failed"
        self._service.metrics.websocket_messages.labels(outcome).inc()
        return msgspec.json.encode(answer)

    async def _admitted(self, message: bytes, answer: dict[str, object]) -> dict[str, object]:
        """Decode a message, put its id into the answer, and count its rows against the limit."""
        try:
            body = decode_object(message)
        except InvalidRequestError:
            await self._count(1)
            raise
        if "id" in body:
            answer["id"] = msgspec.Raw(as_written(message, "id"))
        samples = body.get("samples")
        await self._count(len(samples) if isinstance(samples, list) and 1 <= len(samples) <= MAX_SAMPLES else 1)
        return body

    async def _count(self, rows: int) -> None:
        await call(self._service, self._service.check_rate, self._caller, WEBSOCKET, rows)

    async def _predicted(self, body: dict[str, object], user: str) -> PredictionResponse | BatchPredictionResponse:
        if "samples" not in body:
            row = validate(PredictionRequest, body)
            return await predict_row(self._service, row, user=user, handler=WEBSOCKET)
        if "features" in body:
            raise InvalidRequestError(messages.FEATURES_AND_SAMPLES)
        rows = validate(BatchPredictionRequest, body)
        return predict_rows(self._service, rows, user=user, handler=WEBSOCKET)

    async def _receive(self, seconds: float) -> bytes:
        """The next message, text or binary.

        Raises:
            TimeoutError: no message arrived in time.
            WebSocketDisconnect: the connection is closed.
        """
        async with asyncio.timeout(seconds):
            event = await self._websocket.receive()
        if event["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(event["code"])
        text: str | None = event.get("text")
        data: bytes = event["bytes"] if text is None else text.encode()
        return data

    async def _send(self, answer: bytes) -> None:
        try:
            async with asyncio.timeout(_UNREAD_SECONDS):
                await self._websocket.send_text(answer.decode())
        except TimeoutError:
            raise WebSocketDisconnect(CloseCode.ABNORMAL_CLOSURE) from None

    async def _close(self, code: CloseCode, reason: str) -> None:
        with contextlib.suppress(WebSocketDisconnect):  # the client has already disconnected
            await self._websocket.close(code, reason)
