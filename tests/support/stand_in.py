"""A small HTTP server that answers like a service, or wrongly where a test says so."""

from __future__ import annotations

import contextlib
import json
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Request(NamedTuple):
    """What a responder is given: the decoded body and the Authorization header, each empty where there is none."""

    body: dict[str, Any]
    authorization: str


Reply = tuple[int, dict[str, Any]]
Respond = Callable[[Request], Reply]


@dataclass
class StandIn:
    """A server that runs: where it is, and how often each path was asked."""

    base_url: str
    asked: Counter[str] = field(default_factory=Counter)


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


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Keep quiet: Locust drops its connections when a run ends."""


@contextlib.contextmanager
def stand_in(**wrong: Respond) -> Iterator[StandIn]:
    """Serve the contract on a free port, but for the responders given by path: `batch_predict` for /batch-predict."""
    responders = RIGHT | {f"/{path.replace('_', '-')}": respond for path, respond in wrong.items()}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            service.asked[self.path] += 1
            request = Request(json.loads(content or b"{}"), self.headers.get("Authorization", ""))
            status, answer = responders[self.path](request)
            payload = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.send_header("X-Request-ID", "stand-in")
            self.send_header("X-Process-Time", "0.001")
            self.end_headers()
            self.wfile.write(payload)

        do_POST = do_GET  # noqa: N815 - the name http.server looks up

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = _Server(("127.0.0.1", 0), Handler)
    service = StandIn(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
