"""The generated requests of one comparison: many of them are made in a process of their own, ahead of their use.

To generate a request takes about as long as to have two services answer it.
"""

import contextlib
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context

from serving_lab.api.request import Header, Parameter, Request
from serving_lab.documents.openapi import OpenApiDocument
from serving_lab.errors import LabError
from serving_lab.parity.cases import Case
from serving_lab.parity.generation.request_generator import RequestGenerator

_MANY = 1000
"""From so many on, a process is worth its start, of a second."""
_BATCH, _BATCH_BYTES, _BATCHES_AHEAD = 100, 1 << 20, 30
"""How many requests travel together, fewer where their bodies are large; how much is ready before it is needed.

Hypothesis draws 160 at once: a second in which nothing else comes, for which there must be enough in stock.
"""


@dataclass(frozen=True)
class Sources:
    """What requests are generated from."""

    document: OpenApiDocument | None
    base: Sequence[Case]
    authorization: tuple[Header, ...]
    query: tuple[Parameter, ...]
    exclude: tuple[str, ...]
    seed: int

    def generator(self) -> RequestGenerator:
        """Always the same requests."""
        return RequestGenerator(
            self.document,
            self.base,
            authorization=self.authorization,
            query=self.query,
            exclude=self.exclude,
            seed=self.seed,
        )


class Generated:
    """Generated requests, and what could not be generated; many are begun with at once, to be there when needed."""

    def __init__(self, sources: Sources, count: int) -> None:
        self.warnings: list[str] = []
        """What was not generated, and why; known once all requests have been taken."""
        self._sources = sources
        self._count = count
        self._process = _Process(sources, count) if count >= _MANY else None

    def __iter__(self) -> Iterator[Case]:
        if self._process is not None:
            yield from self._process.cases()
            self.warnings = self._process.warnings()
        else:
            generator = self._sources.generator()
            yield from islice(generator, self._count)
            self.warnings = generator.warnings

    def close(self) -> None:
        """Generate no more."""
        if self._process is not None:
            self._process.close()


class _Process:
    def __init__(self, sources: Sources, count: int) -> None:
        self._executor = ProcessPoolExecutor(1, get_context("spawn"), _begin, (sources, count))
        self._waiting: deque[Future[list[Case]]] = deque()
        # An interruption is the laboratory's to deal with: its processes inherit that they do not receive it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._ask()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def cases(self) -> Iterator[Case]:
        """All requests, in their order."""
        with _told():
            while batch := self._waiting.popleft().result():
                self._ask()
                yield from batch

    def warnings(self) -> list[str]:
        """What was not generated until now."""
        with _told():
            return self._executor.submit(_warnings).result()

    def close(self) -> None:
        """End the process, after what it is at."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _ask(self) -> None:
        while len(self._waiting) < _BATCHES_AHEAD:
            self._waiting.append(self._executor.submit(_next))


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        raise LabError("the process that generates requests has ended", hint="is there memory left?") from error


def batch(cases: Iterator[Case]) -> list[Case]:
    """The next cases, as many as may travel together; at least one, if there is any."""
    taken: list[Case] = []
    size = 0
    for case in islice(cases, _BATCH):
        taken.append(case)
        size += len(case.request.body if isinstance(case.request, Request) else case.request.content)
        if size >= _BATCH_BYTES:
            break
    return taken


# In the process:

_generator: RequestGenerator
_cases: Iterator[Case]


def _begin(sources: Sources, count: int) -> None:
    global _generator, _cases
    _generator = sources.generator()
    _cases = islice(_generator, count)


def _next() -> list[Case]:
    return batch(_cases)


def _warnings() -> list[str]:
    return _generator.warnings
