"""A fake of our services: it answers right, or wrongly where a test says so."""

import contextlib
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from support.fake_server import Asked, FakeServer, Says, fake_server


class Request(NamedTuple):
    """What a responder is given: the decoded body and the Authorization header, each empty where there is none."""

    body: dict[str, Any]
    authorization: str


Reply = tuple[int, dict[str, Any]]
Respond = Callable[[Request], Reply]


def login(_: Request) -> Reply:
    return 200, {"token": uuid.uuid4().hex, "token_type": "bearer", "expires_in": 3600}


def predict(request: Request) -> Reply:
    return 200, {"prediction": sum(request.body["features"]), "cached": False, "model_version": "1"}


def batch_predict(request: Request) -> Reply:
    predictions = [sum(sample) for sample in request.body["samples"]]
    return 200, {"predictions": predictions, "count": len(predictions), "model_version": "1", "inference_ms": 0.1}


def model_info(_: Request) -> Reply:
    return 200, {
        "version": "1",
        "model_type": "random_forest",
        "input_features": 10,
        "feature_names": ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"],
        "dataset": "diabetes",
        "training_date": "2025-01-01T00:00:00Z",
        "metrics": {"mae": 43.1},
        "format": "onnx",
        "sha256": "0" * 64,
    }


def health(_: Request) -> Reply:
    return 200, {"status": "healthy", "timestamp": "2025-01-01T00:00:00Z", "uptime_seconds": 1.5}


RIGHT: dict[str, Respond] = {
    "/login": login,
    "/predict": predict,
    "/batch-predict": batch_predict,
    "/model-info": model_info,
    "/health": health,
}


@contextlib.contextmanager
def stand_in(**wrong: Respond) -> Iterator[FakeServer]:
    """Serve the contract on a free port, but for the responders given by path: `batch_predict` for /batch-predict."""
    responders = RIGHT | {f"/{path.replace('_', '-')}": respond for path, respond in wrong.items()}

    def respond(asked: Asked) -> Says:
        if asked.path not in responders:
            return Says({"error": "Not found", "detail": None}, 404)
        status, answer = responders[asked.path](Request(asked.json(), asked.headers.get("authorization", "")))
        return Says(answer, status, {"X-Request-ID": "stand-in", "X-Process-Time": "0.001"})

    with fake_server(respond) as server:
        yield server
