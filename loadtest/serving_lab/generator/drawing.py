"""The requests of a run, drawn and put into bytes before it begins: while it is measured, nothing is made."""

import json
import random
import time
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

from serving_lab.generator.checks import Checker
from serving_lab.generator.messages import Draw, Run, Template
from serving_lab.generator.values import Source, sources

MOST_REQUESTS = 30_000
"""More than the caches of most services hold: when they come round again, none is remembered."""
MOST_BYTES = 1 << 26
FEWEST_REQUESTS = 200
DRAWING_SECONDS = 0.5


class Ready(NamedTuple):
    """A request as it is sent, and what its answer is checked with."""

    content: bytes
    template: int
    checker: Checker
    """Shared by the requests of a template."""


def drawn(run: Run, most: int = MOST_REQUESTS) -> list[Ready]:
    """Return the requests of a run: as many as fit into memory and time, `most` at most.

    Raises:
        ValueError: a template, value or rule makes no sense.
    """
    chance = random.Random(run.seed)  # noqa: S311 - the same requests for the same seed are the point
    values = sources(run.values)
    weights = [template.weight for template in run.templates]
    makers = [_Maker(index, template, values) for index, template in enumerate(run.templates)]
    made: list[Ready] = []
    size, deadline = 0, time.monotonic() + DRAWING_SECONDS
    while len(made) < most and size < MOST_BYTES:
        if len(made) >= FEWEST_REQUESTS and time.monotonic() > deadline:
            break
        made.append(chance.choices(makers, weights)[0].make(chance))
        size += len(made[-1].content)
    return made


class _Maker:
    """Makes requests from one template."""

    def __init__(self, index: int, template: Template, values: dict[str, Source]) -> None:
        self._index = index
        self._template = template
        self._checker = Checker(template.statuses, json.loads(template.rules))
        self._head, self._body = ([_part(part, values) for part in parts] for parts in (template.head, template.body))
        varies = any(isinstance(part, Draw) for part in (*template.head, *template.body))
        self._same = None if varies else self._made(random.Random(0))  # noqa: S311

    def make(self, chance: random.Random) -> Ready:
        return self._same or self._made(chance)

    def _made(self, chance: random.Random) -> Ready:
        head, body = (b"".join([part(chance) for part in parts]) for parts in (self._head, self._body))
        length = b"Content-Length: %d\r\n" % len(body) if self._template.has_length else b""
        return Ready(head + length + b"\r\n" + body, self._index, self._checker)


def _part(part: bytes | Draw, values: dict[str, Source]) -> Callable[[random.Random], bytes]:
    if isinstance(part, bytes):
        return lambda _: part
    source, way = values[part.value], _WAYS[part.where]
    return lambda chance: way(source(chance))


def _within_text(text: str) -> bytes:
    value = json.loads(text)
    return json.dumps(value if isinstance(value, str) else text)[1:-1].encode()


def _within_path(text: str) -> bytes:
    value = json.loads(text)
    return quote(value if isinstance(value, str) else text, safe="").encode()


_WAYS: dict[str, Callable[[str], bytes]] = {"value": str.encode, "text": _within_text, "path": _within_path}
