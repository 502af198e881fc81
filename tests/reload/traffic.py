"""Clients of all kinds that ask one service without a pause, and check every answer by the model that it names."""

import asyncio
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from contract.cases import ROW
from serving_core.model.predictor import Predictor
from support.services import RunningService, wait_until, with_besides
from support.websocket import PATH
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_to
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK
from websockets.frames import CloseCode

ROWS = 60
BATCH = 7
_WAIT_SECONDS = 30.0
_PIECES, _PIECE_SECONDS = 6, 0.05
_LONGEST_THOUGHT_SECONDS = 1.0
_CHANCE = random.Random(7)  # noqa: S311

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Answer:
    """An answer that names a model."""

    kind: str
    began: float
    """When its first byte was sent (time.monotonic)."""
    version: str


@dataclass
class Expected:
    """What each version of the model predicts for the rows that are asked."""

    rows: list[list[float]]
    values: Mapping[str, list[float]]

    @classmethod
    def of(cls, directories: Sequence[Path]) -> Self:
        """Ask the models themselves."""
        rows = [[round(value * _CHANCE.uniform(0.7, 1.3), 3) for value in ROW] for _ in range(ROWS)]
        predictors = [Predictor(directory) for directory in directories]
        return cls(rows, {predictor.info.version: predictor.predict(rows) for predictor in predictors})

    def check(self, version: str, numbers: Sequence[int], values: Sequence[float]) -> None:
        """Check that these are the values of this version, in full.

        Raises:
            AssertionError: they are not.
        """
        right = [self.values[version][number] for number in numbers]
        assert list(values) == right, f"not of {version}: {values} for the rows {list(numbers)}, expected {right}"


@dataclass
class Traffic:
    """Clients on threads of their own, as a context; `failed` is what none of them should have met."""

    service: RunningService
    expected: Expected
    pause_seconds: float = 0.0
    """Of each client after each answer: for tests whose other programs need processors too."""
    answers: list[Answer] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    """How often clients were told to come again, by their kind."""

    def __post_init__(self) -> None:
        self._token = self.service.login()
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Self:
        self._thread.start()
        self.wait_for_more()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def wait_for_more(self, answers: int = 3) -> None:
        """Wait until each kind of client has had so many more answers, or until one has failed."""
        kinds = self._kinds()
        before = Counter(answer.kind for answer in self.answers)
        wait_until(
            lambda: bool(self.failed) or self._least(kinds, before) >= answers, "more answers", seconds=_WAIT_SECONDS
        )

    def versions_since(self, moment: float) -> Counter[str]:
        """The versions in answers to requests that were begun later (time.monotonic)."""
        return Counter(answer.version for answer in list(self.answers) if answer.began > moment)

    def last_of_others(self, version: str) -> float:
        """When the last request was begun that a model of another version answered (time.monotonic)."""
        return max(answer.began for answer in list(self.answers) if answer.version != version)

    def _least(self, kinds: Sequence[str], before: Counter[str]) -> int:
        now = Counter(answer.kind for answer in list(self.answers))
        return min(now[kind] - before[kind] for kind in kinds)

    def _kinds(self) -> list[str]:
        return [
            "kept",
            "fresh",
            "ready",
            "slow",
            "thinking",
            "batch",
            *(["websocket", "graphql"] if self._has_more else []),
        ]

    @property
    def _has_more(self) -> bool:
        return self.service.name in with_besides("websocket")

    async def _run(self) -> None:
        kept = [self._on_kept_connection(kind) for kind in self._kinds() if kind not in {"fresh", "ready", "websocket"}]
        others = [self._on_kept_connection("thinking") for _ in range(10)]
        others += [self._on_kept_connection("slow") for _ in range(2)]
        websockets = [self._on_websocket()] if self._has_more else []
        fresh = [self._on_fresh_connections(kind) for kind in ("fresh", "ready")]
        await asyncio.gather(*kept, *others, *fresh, *websockets)

    async def _on_kept_connection(self, kind: str) -> None:
        connection: Connection | None = None
        while not self._over.is_set():
            connection = await self._ask(kind, connection)
            await asyncio.sleep(self.pause_seconds)
            if kind == "thinking":
                await asyncio.sleep(_CHANCE.uniform(0, _LONGEST_THOUGHT_SECONDS))
        if connection:
            connection[1].close()

    async def _on_fresh_connections(self, kind: str) -> None:
        while not self._over.is_set():
            if connection := await self._ask(kind, None):
                connection[1].close()
            await asyncio.sleep(self.pause_seconds)

    async def _ask(self, kind: str, connection: Connection | None) -> Connection | None:
        """Ask once; returns the connection if it can be used again."""
        others = {"batch": self._ask_batch, "graphql": self._ask_graphql, "ready": self._ask_ready}
        ask = others.get(kind, self._ask_row)
        began = time.monotonic()
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                reader, writer = connection or await asyncio.open_connection(*self.service.address)
                began = time.monotonic()
                kept, version = await ask(kind, reader, writer)
        except (OSError, EOFError, AssertionError, LookupError, ValueError, TypeError, TimeoutError) as error:
            self.failed.append(f"{kind}, {'kept' if connection else 'new'} connection: {error!r}")
            return None
        self.answers.append(Answer(kind, began, version))
        if not kept:
            self.told[kind] += 1
            writer.close()
            return None
        return reader, writer

    async def _ask_row(self, kind: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[bool, str]:
        number = _CHANCE.randrange(ROWS)
        request = self._request("/predict", {"features": self.expected.rows[number]})
        size = -(-len(request) // (_PIECES if kind == "slow" else 1))
        for begin in range(0, len(request), size):
            writer.write(request[begin : begin + size])
            if kind == "slow":
                await asyncio.sleep(_PIECE_SECONDS)
        kept, body = await _answer(reader)
        self.expected.check(body["model_version"], [number], [body["prediction"]])
        return kept, body["model_version"]

    async def _ask_ready(self, _: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[bool, str]:
        host, port = self.service.address
        writer.write(f"GET /ready HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        kept, body = await _answer(reader)
        return kept, body["model_version"]

    async def _ask_batch(self, _: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[bool, str]:
        numbers = _CHANCE.choices(range(ROWS), k=BATCH)
        writer.write(self._request("/batch-predict", {"samples": [self.expected.rows[number] for number in numbers]}))
        kept, body = await _answer(reader)
        self.expected.check(body["model_version"], numbers, body["predictions"])
        return kept, body["model_version"]

    async def _ask_graphql(
        self, _: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[bool, str]:
        numbers = _CHANCE.choices(range(ROWS), k=BATCH)
        rows = [self.expected.rows[number] for number in numbers]
        query = f"""{{
            modelInfo {{ version }}
            predict(features: {rows[0]}) {{ prediction modelVersion }}
            batchPredict(samples: {rows}) {{ predictions modelVersion }}
        }}"""
        writer.write(self._request("/graphql", {"query": query}))
        kept, body = await _answer(reader)
        data = body["data"]
        version = data["modelInfo"]["version"]
        assert data["predict"]["modelVersion"] == data["batchPredict"]["modelVersion"] == version, data
        self.expected.check(version, numbers[:1], [data["predict"]["prediction"]])
        self.expected.check(version, numbers, data["batchPredict"]["predictions"])
        return kept, version

    async def _on_websocket(self) -> None:
        """Messages on one connection, again on another one when the service says that it goes away."""
        host, port = self.service.address
        url, headers = f"ws://{host}:{port}{PATH}", {"Authorization": f"Bearer {self._token}"}
        while not self._over.is_set():
            try:
                async with connect_to(url, additional_headers=headers, proxy=None) as connection:
                    while not self._over.is_set():
                        await self._ask_message(connection)
                        await asyncio.sleep(self.pause_seconds)
            except (ConnectionClosedOK, ConnectionClosedError) as closed:
                if closed.rcvd and closed.rcvd.code == CloseCode.GOING_AWAY:
                    self.told["websocket"] += 1
                else:
                    self.failed.append(f"websocket: {closed!r}")
            except (OSError, AssertionError, LookupError, ValueError, TypeError) as error:
                self.failed.append(f"websocket: {error!r}")

    async def _ask_message(self, connection: ClientConnection) -> None:
        numbers = _CHANCE.choices(range(ROWS), k=_CHANCE.choice([1, BATCH]))
        rows = [self.expected.rows[number] for number in numbers]
        message: dict[str, Any] = {"samples": rows} if len(rows) > 1 else {"features": rows[0]}
        began = time.monotonic()
        await connection.send(json.dumps(message))
        answer = json.loads(await connection.recv())
        self.expected.check(answer["model_version"], numbers, answer.get("predictions") or [answer["prediction"]])
        self.answers.append(Answer("websocket", began, answer["model_version"]))

    def _request(self, path: str, body: object) -> bytes:
        content = json.dumps(body).encode()
        host, port = self.service.address
        head = [
            f"POST {path} HTTP/1.1",
            f"Host: {host}:{port}",
            f"Authorization: Bearer {self._token}",
            "Content-Type: application/json",
            f"Content-Length: {len(content)}",
        ]
        return "\r\n".join([*head, "", ""]).encode() + content


async def _answer(reader: asyncio.StreamReader) -> tuple[bool, Any]:
    """Whether the connection stays open, and the body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
    length = next(int(line.partition(":")[2]) for line in head if line.startswith("content-length:"))
    body = await reader.readexactly(length)
    assert head[0].split()[1] == "200", (head[0], body)
    return "connection: close" not in head, json.loads(body)
