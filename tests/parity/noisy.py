"""A service whose every answer varies in the usual ways, and what may be planted beside that.

Nothing here waits: each answer is a third of a second later than the one before, by a clock of its own.
"""

import base64
import json
import random
import re
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import UUID

from serving_lab.api.request import Request
from serving_lab.documents.operations import Operations
from serving_lab.parity.cases import Case, Source
from serving_lab.parity.examination.learning import differences_with_itself
from serving_lab.parity.examination.noise_book import NoiseBook
from serving_lab.parity.judgement.difference import Difference
from serving_lab.parity.judgement.judge import ExchangePair, Judging, judge
from serving_lab.parity.judgement.rules import Rules
from serving_lab.wire.message import Answer, Ending, Exchange

from parity.exchanges import JSON

_WORDS = (
    "the",
    "a",
    "quick",
    "lazy",
    "brown",
    "fox",
    "dog",
    "jumps",
    "over",
    "runs",
    "under",
    "green",
    "hills",
    "while",
)
_OPERATIONS = Operations(["/"])
_REQUEST = Request("GET", "/")
_BEGIN = datetime(2026, 11, 28, 12, tzinfo=UTC)
_STEP = timedelta(seconds=0.35)


@dataclass(frozen=True)
class Content:
    """What one answer has, before it is written."""

    headers: dict[str, str]
    body: dict[str, Any]

    def with_header(self, name: str, change: Callable[[str], str | None]) -> "Content":
        """The same with another value of a header that it has; None takes the header away."""
        changed = {key: change(value) if key == name else value for key, value in self.headers.items()}
        return replace(self, headers={key: value for key, value in changed.items() if value is not None})

    def with_field(self, name: str, change: Callable[[Any], Any]) -> "Content":
        """The same with another value of a field that it has."""
        return replace(self, body={key: change(value) if key == name else value for key, value in self.body.items()})


Plant = Callable[["Noisy", Content], Content]


class Noisy:
    """One instance of the service."""

    def __init__(self, seed: int, *plants: Plant) -> None:
        self.random = random.Random(seed)  # noqa: S311 - the same answers every time
        self.now = _BEGIN + timedelta(milliseconds=self.random.randint(0, 300))
        self._plants = plants
        self._started = self.now - timedelta(seconds=self.random.randint(100, 100_000))
        self._remaining = self.random.randint(5000, 9000)

    def hexadecimal(self, digits: int) -> str:
        """So many digits at random."""
        return f"{self.random.getrandbits(4 * digits):0{digits}x}"

    def base64(self, size: int) -> str:
        """So many random bytes."""
        return base64.b64encode(self.random.randbytes(size)).decode()

    def uuid(self) -> str:
        """A random one."""
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def token(self, lifetime: int = 3600) -> str:
        """A JSON web token."""
        issued = int(self.now.timestamp())
        claims = {"sub": "me", "iat": issued, "exp": issued + lifetime, "jti": self.hexadecimal(32)}
        parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
        return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in [*parts, b"signed" * 5])

    def answer(self) -> Exchange:
        """The answer to any request."""
        self.now += _STEP
        self._remaining -= 1
        content = self._content()
        for plant in self._plants:
            content = plant(self, content)
        headers = (JSON, *((name.lower(), value) for name, value in content.headers.items()))
        return Exchange((Answer(200, headers, json.dumps(content.body).encode()),), Ending.KEPT, self.now)

    def _content(self) -> Content:
        drawn, now = self.random, self.now
        headers = {
            "ETag": f'W/"{self.hexadecimal(32)}"',
            "Set-Cookie": f"sid={self.base64(24).replace('+', '-').replace('/', '_')}; Path=/; "
            f"Expires={_http(now + timedelta(hours=1))}; Max-Age=3600; HttpOnly; SameSite=Lax",
            "Link": f'</files/{self.uuid()}>; rel="next"',
            "Content-Security-Policy": f"script-src 'self' 'nonce-{self.base64(16)}'; object-src 'none'",
            "X-Request-ID": self.uuid(),
            "Traceparent": f"00-{self.hexadecimal(32)}-{self.hexadecimal(16)}-01",
            "Server-Timing": f"db;dur={drawn.uniform(1, 30):.1f}, app;dur={drawn.uniform(1, 9):.2f}",
            "X-RateLimit-Remaining": str(self._remaining),
            "Date": _http(now),
            "X-Served-By": f"cache-fra-{self.hexadecimal(6)}-FRA, cache-{drawn.randint(1, 99)}",
        }
        if drawn.random() < 0.5:
            headers["X-Cache"] = "HIT"
        body: dict[str, Any] = {
            "url": f"/files/{self.uuid()}",
            "signed": f"https://cdn.example.org/a.png?X-Signature={self.hexadecimal(64)}"
            f"&Expires={int(now.timestamp()) + 600}&v=2",
            "token": self.token(),
            "short": self.hexadecimal(6),
            "created": now.isoformat(timespec="microseconds"),
            "epoch_ms": int(now.timestamp() * 1000),
            "took_ms": round(drawn.uniform(1, 50), 2),
            "by_id": {self.uuid(): {"n": 1, "kind": "a"}},
            "items": [
                {"id": self.hexadecimal(12), "name": "thing", "rank": rank} for rank in range(drawn.randint(1, 5))
            ],
            "maybe": drawn.choice([None, "there"]),
            "message": f"Order {self.uuid()} was taken at {now:%Y-%m-%d %H:%M:%S} with 3 items",
            "quote": " ".join(drawn.choice(_WORDS) for _ in range(drawn.randint(3, 12))),
            "page": f'<form action="/pay"><b csrf="{self.base64(32)}"/><input name="n" value="5"></form>',
            "events": [
                {
                    "at": (now - timedelta(seconds=drawn.uniform(0, 4000))).isoformat(timespec="microseconds"),
                    "what": "in",
                }
                for _ in range(3)
            ],
            "order": f"ORD-{now:%Y%m%d}-{drawn.randint(0, 999_999):06d}",
            "cursor": self.base64(33),
            "color": drawn.choice(["red", "green", "blue"]),
            "peer": f"127.0.0.1:{drawn.randint(30000, 60000)}",
            "pod": f"api-7f9c6d5b4-{''.join(drawn.choices(string.ascii_lowercase + string.digits, k=5))}",
            "tags": drawn.sample(["a", "b", "c", "d"], 4),
            "nested": {"etag": f'"{self.hexadecimal(8)}-{drawn.randint(100, 999)}"', "total": 5},
            "uptime": f"{(now - self._started).total_seconds():.3f}s",
        }
        if drawn.random() < 0.5:
            body["note"] = "sometimes"
        return Content(headers, body)


def _http(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


def in_header(name: str, change: Callable[[str], str | None]) -> Plant:
    """Change a header's value; None takes it away."""
    return lambda _, content: content.with_header(name, change)


def in_field(name: str, change: Callable[[Any], Any]) -> Plant:
    """Change a field's value."""
    return lambda _, content: content.with_field(name, change)


def drawn(name: str, make: Callable[[Noisy], object]) -> Plant:
    """Make another value of a header or a field each time."""

    def plant(service: Noisy, content: Content) -> Content:
        if name in content.headers:
            return content.with_header(name, lambda _: str(make(service)))
        return content.with_field(name, lambda _: make(service))

    return plant


def replaced(name: str, old: str, new: str) -> Plant:
    """Write something else within a header or a text, by a regular expression."""

    def plant(_: Noisy, content: Content) -> Content:
        if name in content.headers:
            return content.with_header(name, lambda value: re.sub(old, new, value))
        return content.with_field(name, lambda value: re.sub(old, new, value))

    return plant


def learned(primary: Noisy, candidate: Noisy, requests: int) -> NoiseBook:
    """What a comparison learns of the two, from so many requests."""
    book = NoiseBook()
    corpus = [(Case(Source.CORPUS, str(number), _REQUEST),) for number in range(requests)]
    ours, theirs = ([[[each.answer()] for _ in corpus] for _ in range(3)] for each in (primary, candidate))
    for own in differences_with_itself(corpus, ours, _OPERATIONS, Rules()):
        assert own.noise, own
        book.learn(own.field, own.difference, own.seen.steps, own.answered)
    for own in differences_with_itself(corpus, theirs, _OPERATIONS, Rules()):
        book.learn_of_candidate(own.field, own.difference, own.answered)
    return book


def judged(book: NoiseBook, primary: Noisy, candidate: Noisy, times: int) -> Iterator[Difference]:
    """What is found in so many exchanges with both, and by what varied in them."""
    seen: set[str] = set()
    for _ in range(times):
        candidate.now = primary.now
        pair = ExchangePair(_REQUEST, primary.answer(), candidate.answer(), primary.now)
        judgement = judge(pair, Judging(_OPERATIONS, noise=book.noise, candidate_noise=book.candidate_noise))
        book.observe(judgement)
        seen.update(difference.where for difference in judgement.undeclared)
        yield from judgement.undeclared
    yield from (difference for _, _, difference in book.oddities() if difference.where not in seen)
