"""Requests that are generated ahead, in a process of their own."""

import os
import signal
from collections.abc import Iterator

import pytest
from serving_lab.api.request import Request
from serving_lab.errors import LabError
from serving_lab.parity.cases import Case, Source
from serving_lab.parity.generation import generated
from serving_lab.parity.generation.generated import Generated, Sources

from parity.documents import pets

COUNT = 250
SOURCES = Sources(pets("3.0.3"), (), (("Authorization", "Bearer x"),), (), ("POST /cache/clear",), 7)

pytestmark = pytest.mark.service


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> Iterator[Generated]:
    monkeypatch.setattr(generated, "_MANY", COUNT)
    made = Generated(SOURCES, COUNT)
    yield made
    made.close()


def test_they_are_the_same_as_without_a_process(ahead: Generated) -> None:
    here = Generated(SOURCES, COUNT)

    assert list(ahead) == list(here)
    assert ahead.warnings == here.warnings


@pytest.mark.parametrize(("bytes_each", "together"), [(10, 100), (300_000, 4), (5_000_000, 1)])
def test_requests_with_large_bodies_travel_in_smaller_numbers(bytes_each: int, together: int) -> None:
    cases = iter([Case(Source.GENERATED, "large", Request("POST", "/", body=bytes(bytes_each)))] * 150)

    assert len(generated.batch(cases)) == together
    assert len(list(cases)) == 150 - together


def test_a_process_that_ends_is_told(ahead: Generated) -> None:
    cases = iter(ahead)
    next(cases)
    assert ahead._process is not None
    (pid,) = ahead._process._executor._processes
    os.kill(pid, signal.SIGINT)  # an interruption is not for it
    next(cases)
    os.kill(pid, signal.SIGKILL)

    with pytest.raises(LabError, match="the process that generates requests has ended"):
        list(ahead)
