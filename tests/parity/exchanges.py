"""Exchanges to judge: recorded ones, and the words that tests make others of."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from serving_lab.api.request import Request
from serving_lab.parity.judgement.judge import ExchangePair
from serving_lab.wire.message import Answer, Ending, Exchange, RawRequest

JSON = ("content-type", "application/json")
EXPOSITION = ("content-type", "text/plain; version=0.0.4; charset=utf-8")
NOW = datetime(2026, 11, 28, 12, 0, 0, tzinfo=UTC)
_RECORDED = Path(__file__).parent / "recorded_exchanges.json"


def answer(body: object = None, *headers: tuple[str, str], status: int = 200) -> Exchange:
    """One answer on a connection that is kept; a body that is not bytes is JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Exchange((Answer(status, headers or (JSON,), content),), Ending.KEPT)


def pair(primary: Exchange, candidate: Exchange, request: Request | RawRequest | None = None) -> ExchangePair:
    """What both answered to a request, by default to `GET /`."""
    return ExchangePair(request or Request("GET", "/"), primary, candidate, NOW)


@dataclass(frozen=True)
class Recorded:
    """What two services once answered, and how it differed: kinds and places."""

    pair: ExchangePair
    differences: tuple[tuple[str, str], ...]


def recorded() -> Iterator[Recorded]:
    """What our Flask and FastAPI services once answered to a few requests."""
    for each in json.loads(_RECORDED.read_text()):
        yield Recorded(
            ExchangePair(
                _request(each["request"]),
                _exchange(each["primary"]),
                _exchange(each["candidate"]),
                datetime.fromisoformat(each["answered"]),
            ),
            tuple((kind, where) for kind, where in each["differences"]),
        )


def _request(written: dict[str, Any]) -> Request | RawRequest:
    if "raw" in written:
        return RawRequest(written["raw"].encode("latin-1"))
    headers = tuple((name, value) for name, value in written["headers"])
    return Request(written["method"], written["target"], headers, written["body"].encode("latin-1"))


def _exchange(written: dict[str, Any]) -> Exchange:
    answers = (
        Answer(
            each["status"],
            tuple((name, value) for name, value in each["headers"]),
            each["body"].encode("latin-1"),
        )
        for each in written["answers"]
    )
    return Exchange(tuple(answers), Ending(written["ending"]))
