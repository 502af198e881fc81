"""The requests of a run, drawn and put into bytes before it begins: while it is measured, nothing is made."""

import json
import random
import time
from typing import NamedTuple

from serving_lab.api import places
from serving_lab.api.expectations import Checker
from serving_lab.api.values import Source, sources
from serving_lab.generator.messages import RunCommand, Template

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
    """Shared by the requests of a template, unless their answers depend on what is drawn."""


def drawn(run: RunCommand, most: int = MOST_REQUESTS) -> list[Ready]:
    """The requests of a run: as many as fit into memory and time, `most` at most.

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
    """Makes requests from one template; a value is drawn once for a request, wherever it stands."""

    def __init__(self, index: int, template: Template, values: dict[str, Source]) -> None:
        self._index = index
        self._template = template
        self._checker = Checker(template.statuses, json.loads(template.rules), only=template.only)
        self._sources = [(name, values[name]) for name in places.names([*template.head, *template.body])]
        self._same = None if self._sources else self._made(random.Random(0))  # noqa: S311

    def make(self, chance: random.Random) -> Ready:
        return self._same or self._made(chance)

    def _made(self, chance: random.Random) -> Ready:
        template = self._template
        sent = {name: draw(chance) for name, draw in self._sources}
        head, body = places.filled(template.head, sent), places.filled(template.body, sent)
        length = b"Content-Length: %d\r\n" % len(body) if template.has_length else b""
        return Ready(head + length + b"\r\n" + body, self._index, self._checker.knowing(sent))
