"""Requests and the answers the contract gives them, as tables that the specification and the comparison share."""

import random
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from support.wire import Request

# A patient of the data set the model is trained on.
ROW = (59.0, 2.0, 32.1, 101.0, 157.0, 93.2, 38.0, 4.0, 4.8598, 87.0)


@dataclass(frozen=True)
class Fault:
    """A request that must be refused, and how."""

    id: str
    request: Request
    status: int
    error: str


@dataclass(frozen=True)
class Accepted:
    """A request that must be answered with 200."""

    id: str
    request: Request


def each(name: str, cases: Iterable[Fault | Accepted]) -> pytest.MarkDecorator:
    """Run a test once for each case, under the case's own name."""
    cases = list(cases)
    return pytest.mark.parametrize(name, cases, ids=[case.id for case in cases])


def literals(changes: dict[int, str] | None = None) -> list[str]:
    """Return ROW as JSON literals with some replaced, so that a test can write what no JSON library would."""
    return [(changes or {}).get(index, repr(value)) for index, value in enumerate(ROW)]


def array(items: Iterable[str]) -> str:
    """Return JSON literals as a JSON array."""
    return f"[{', '.join(items)}]"


def random_rows(count: int, seed: int) -> list[list[float]]:
    """Return rows over the whole accepted range, some values at its ends."""
    generator = random.Random(seed)  # noqa: S311 - test data

    def value() -> float:
        return generator.choice([generator.uniform(-1000, 1000), generator.uniform(0, 100), -1000.0, 1000.0, 0.0])

    return [[value() for _ in range(10)] for _ in range(count)]
