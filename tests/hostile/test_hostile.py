"""Whatever is sent, no service fails, restarts, or keeps memory, and they agree wherever HTTP is valid.

`make hostile` sends 100,000. A failure says with which HOSTILE_SEED and HOSTILE_FROM it comes again.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

import pytest
from support.services import BASELINE, RunningService, running_services, with_besides

from hostile.exchange import Outcome, send
from hostile.generated import Made, make
from hostile.watched import Watched

COUNT = int(os.environ.get("HOSTILE", "600"))
SEED, FIRST = int(os.environ.get("HOSTILE_SEED", "1")), int(os.environ.get("HOSTILE_FROM", "0"))
LOOKS, LANES, WORKERS = 40, 8, 2
ENOUGH_FOR_MEMORY = 20_000
"""Before, an interpreter still grows into what it needs."""
TRIES = 200
"""To make a failure smaller."""


@pytest.fixture(scope="module")
def services(model_dir: Path) -> Iterator[Mapping[str, RunningService]]:
    with running_services(model_dir, DOCUMENTATION=None, WORKERS=WORKERS) as running:
        yield running


@pytest.mark.timeout(120 + COUNT // 20)
def test_bad_requests_are_refused_and_nothing_else_happens(services: Mapping[str, RunningService]) -> None:
    token = services[BASELINE].login()
    watched = {name: Watched(service, WORKERS) for name, service in services.items()}
    found: Counter[tuple[str, str, str]] = Counter()
    batch = max(1, COUNT // LOOKS)
    with ThreadPoolExecutor(LANES) as lanes:
        for first in range(FIRST, FIRST + COUNT, batch):
            numbers = range(first, min(first + batch, FIRST + COUNT))
            made = [make(SEED, number, services[BASELINE], token) for number in numbers]
            for number, each, outcomes in zip(
                numbers, made, lanes.map(lambda one: ask(services, one), made), strict=True
            ):
                found.update((each.kind, name, outcome.status()) for name, outcome in outcomes.items())
                if complaint := judged(each, outcomes):
                    fail(services, f"number {number} of seed {SEED}, {each.kind}: {complaint}", each)
            for one in watched.values():
                one.look()

    for (kind, name, status), times in sorted(found.items()):
        print(f"{kind:10} {name:13} {times:7,} {status}")  # noqa: T201 - the figures of a full run
    for name, one in watched.items():
        print(f"{name}: memory of its workers {one.memory()}")  # noqa: T201
        one.check()
        if COUNT >= ENOUGH_FOR_MEMORY:
            one.check_memory()


def fail(services: Mapping[str, RunningService], complaint: str, made: Made) -> NoReturn:
    # What is removed may make the HTTP invalid, so it is judged as if it were in doubt.
    doubtful = replace(made, kind=made.kind.replace("request", "bytes"))
    smallest = shrunk(doubtful, lambda smaller: bool(judged(smaller, ask(services, smaller))))
    answers = {name: outcome.content[:600] for name, outcome in ask(services, smallest).items()}
    pytest.fail(f"{complaint}\nsent {smallest.content[:3000]!r}\nanswered {answers}")


def ask(services: Mapping[str, RunningService], made: Made) -> dict[str, Outcome]:
    return {name: send(service, made) for name, service in services.items()}


def judged(made: Made, outcomes: Mapping[str, Outcome]) -> str:
    """What is wrong with the answers; empty if nothing."""
    for name, outcome in outcomes.items():
        if outcome.fault:
            return f"{name} {outcome.fault}"
    alone = made.kind in {"websocket", "graphql"}
    comparing = with_besides(made.kind) if alone else tuple(outcomes)  # type: ignore[arg-type] # one of them, then
    answers = {name: outcomes[name].answer for name in comparing}
    if made.kind != "request":  # where the request itself is in doubt, each server may refuse it in its own words
        answers = {name: answer for name, answer in answers.items() if answer and answer.json is not None}
    if any(answer != other for answer, other in pairwise(answers.values())):
        return f"they do not agree: {answers}"
    return ""


def shrunk(made: Made, still_fails: Callable[[Made], bool]) -> Made:
    """The request with as many bytes removed as it fails without."""
    size, tries = len(made.content) // 2, 0
    while size and tries < TRIES:
        at = 0
        while at < len(made.content) and tries < TRIES:
            smaller = replace(made, content=made.content[:at] + made.content[at + size :])
            tries += 1
            if still_fails(smaller):
                made = smaller
            else:
                at += size
        size //= 2
    return made


def test_a_failure_is_made_small() -> None:
    made = Made("bytes", b"GET / HTTP/1.1\r\nHost: a\r\nX: bad\r\n\r\n")

    assert shrunk(made, lambda smaller: b"X: bad" in smaller.content).content == b"X: bad"


def test_the_same_number_makes_the_same_bytes() -> None:
    service = RunningService("some-api", "http://127.0.0.1:5000", "", "", "")

    assert [make(1, n, service, "t") for n in range(50)] == [make(1, n, service, "t") for n in range(50)]
    assert {make(1, n, service, "t").kind for n in range(50)} == {"request", "bytes", "websocket", "graphql"}
