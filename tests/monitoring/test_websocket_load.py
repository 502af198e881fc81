"""Load on the WebSocket: what its users ask of a real service, and what they take for wrong."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from support.exposition import scrape
from support.load import LoadRun, run_headless
from support.services import RunningService, free_port, wait_until
from support.stand_in import stand_in

pytestmark = pytest.mark.service

NAME = "fastapi-api /ws/predict"


def messages(service: RunningService) -> float:
    return scrape(service).value("websocket_messages_total", outcome="answered")


def test_users_of_the_websocket_ask_a_real_service_and_fail_nothing(
    tmp_path: Path, websocket_service: RunningService
) -> None:
    before = messages(websocket_service)
    with stand_in() as flask:
        finished = run_headless(
            tmp_path,
            *("--users", 6, "--spawn-rate", 6),
            until=lambda: messages(websocket_service) > before + 200 and flask.asked.total() > 20,
            WEBSOCKET_SHARE=2,
            FLASK_API_URL=flask.base_url,
            FASTAPI_API_URL=websocket_service.base_url,
        )

    assert finished.exit_code == 0, finished.output
    assert finished.failures == 0
    assert {NAME, "fastapi-api /predict", "flask-api /predict"} <= finished.statistics.keys()
    wait_until(lambda: scrape(websocket_service).value("websocket_connections") == 0, "all connections closed")


def test_there_are_none_unless_asked_for(tmp_path: Path) -> None:
    with stand_in() as flask, stand_in() as fastapi:
        finished = run_headless(
            tmp_path,
            *("--users", 4, "--spawn-rate", 4),
            until=lambda: flask.asked.total() > 50 and fastapi.asked.total() > 50,
            FLASK_API_URL=flask.base_url,
            FASTAPI_API_URL=fastapi.base_url,
        )

    assert finished.exit_code == 0, finished.output
    assert NAME not in finished.statistics


@contextlib.contextmanager
def websocket_stand_in(change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Iterator[str]:
    """Serve /login and a WebSocket whose right answers a test changes; None closes with 1008 instead."""

    async def login(_: Request) -> JSONResponse:
        headers = {"X-Request-ID": "stand-in", "X-Process-Time": "0.001"}
        return JSONResponse({"token": "x", "token_type": "bearer", "expires_in": 3600}, headers=headers)

    async def predict(websocket: WebSocket) -> None:
        await websocket.accept()
        async for text in websocket.iter_text():
            message = json.loads(text)
            answer: dict[str, Any] = {"id": message["id"], "model_version": "1"}
            if "features" in message:
                answer |= {"prediction": sum(message["features"]), "cached": False}
            else:
                rows = [sum(row) for row in message["samples"]]
                answer |= {"predictions": rows, "count": len(rows), "inference_ms": 0.1}
            changed = change(answer)
            if changed is None:
                await websocket.close(1008)
                return
            await websocket.send_json(changed)

    port = free_port()
    app = Starlette(routes=[Route("/login", login, methods=["POST"]), WebSocketRoute("/ws/predict", predict)])
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical", ws="websockets-sansio"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started, "the stand-in")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def run(directory: Path, url: str) -> LoadRun:
    """A short run of WebSocket users alone."""
    return run_headless(
        directory,
        *("--users", 2, "--spawn-rate", 2, "--run-time", "2s", "fastapi-api-websocket"),
        WEBSOCKET_SHARE=1,
        FASTAPI_API_URL=url,
        THINK_TIME_MIN_SECONDS=0.02,
        THINK_TIME_MAX_SECONDS=0.02,
    )


def without_fields(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda answer: {name: value for name, value in answer.items() if name not in names}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda answer: answer | {"id": 0}, '$.id is a number, not "'),
        (without_fields("id"), "$.id is missing"),
        (without_fields("model_version"), "$.model_version is missing"),
        (lambda answer: answer | {"prediction": 1.0, "predictions": [1.0]}, "unexpected field "),
        (lambda _: {"error": "Too many requests", "detail": None, "retry_after": 3}, "Too many requests"),
        (lambda _: None, "closed with 1008"),
    ],
    ids=["id", "no id", "field", "more", "refused", "closed"],
)
def test_a_wrong_answer_is_a_failure(
    tmp_path: Path, change: Callable[[dict[str, Any]], dict[str, Any] | None], complaint: str
) -> None:
    with websocket_stand_in(change) as url:
        finished = run(tmp_path, url)

    assert finished.exit_code == 1
    assert f"{NAME}: {complaint}" in finished.output


def test_a_right_stand_in_fails_nothing(tmp_path: Path) -> None:
    with websocket_stand_in(lambda answer: answer) as url:
        finished = run(tmp_path, url)

    assert finished.exit_code == 0, finished.output
    assert finished.statistics[NAME]["num_requests"] > 20


def test_a_service_without_a_websocket_is_a_failure(tmp_path: Path, baseline: RunningService) -> None:
    finished = run(tmp_path, baseline.base_url)

    assert finished.exit_code == 1
    assert f"{NAME} (handshake): Handshake status 404" in finished.output
