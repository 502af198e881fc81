"""The yardsticks do what is said of them: they read ten numbers and a header, and answer as the services do."""

import asyncio
from importlib import import_module
from typing import Any

import httpx
import pytest

from benchmark.servers import BARE

ROW = [59.0, 2.0, 32.1, 101.0, 157.0, 93.2, 38.0, 4.0, 4.8598, 87.0]
ANSWER = {"prediction": 152.5, "cached": False, "model_version": "1.0.0"}
FRAMEWORKS = ("flask_api", "fastapi_api", "litestar_api")


@pytest.mark.parametrize("module", [*FRAMEWORKS, *BARE])
def test_it_answers_a_row(module: str) -> None:
    response = ask(module, ROW)

    assert response.status_code == 200
    assert response.json() == ANSWER


@pytest.mark.parametrize("module", FRAMEWORKS)
def test_it_looks_at_the_row(module: str) -> None:
    assert 400 <= ask(module, ROW[:9]).status_code < 500


def ask(module: str, row: list[float]) -> httpx.Response:
    """What the application answers in this process."""
    no_op = import_module(f"benchmark.no_ops.{module}")
    request: dict[str, Any] = {"json": {"features": row}, "headers": {"Authorization": "Bearer x"}}
    if no_op.worker_class == "gthread":
        with httpx.Client(transport=httpx.WSGITransport(no_op.app)) as client:
            return client.post("http://no-op/predict", **request)

    async def answer() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(no_op.app)) as client:
            return await client.post("http://no-op/predict", **request)

    return asyncio.run(answer())
