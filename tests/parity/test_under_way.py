"""Requests that both services answer while the one before them is judged."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request
from serving_lab.parity.cases import Case, Source
from serving_lab.parity.examination.services import Services
from serving_lab.parity.inputs.profile import Profile
from serving_lab.parity.judgement.judge import ExchangePair
from serving_lab.wire import connection
from serving_lab.wire.message import Ending
from support.fake_server import Asked, Says, fake_server

from parity.talks import OK, Talk, says, server

pytestmark = pytest.mark.service

SECONDS = 10.0
PATHS = ["/0", "/1", "/2"]
CASES = [Case(Source.GENERATED, path, Request("GET", path)) for path in PATHS]
RESET = Request("POST", "/reset")


class Both:
    """Two services that note what they are asked; each answers only once the other one has been asked too."""

    def __init__(self) -> None:
        self.asked: dict[str, list[str]] = {"primary": [], "candidate": []}
        self._together = threading.Barrier(2)

    def primary(self, asked: Asked) -> Says:
        return self._answer("primary", asked)

    def candidate(self, asked: Asked) -> Says:
        return self._answer("candidate", asked)

    def _answer(self, side: str, asked: Asked) -> Says:
        self.asked[side].append(asked.path)
        if asked.method == "GET":
            self._together.wait(SECONDS)
        return Says({"path": asked.path, "resets": self.asked[side].count(RESET.target)})


@contextlib.contextmanager
def services_of(both: Both) -> Iterator[Services]:
    with fake_server(both.primary) as primary, fake_server(both.candidate) as candidate:
        endpoints = Endpoint.parse(primary.base_url), Endpoint.parse(candidate.base_url)
        with contextlib.closing(Services(*endpoints, None, Profile(before=(RESET,)))) as services:
            yield services


def said(pair: ExchangePair) -> list[bytes]:
    return [exchange.answers[0].body for exchange in (pair.primary, pair.candidate)]


def test_both_are_asked_at_once_and_each_answer_belongs_to_its_request() -> None:
    with services_of(both := Both()) as services:
        compared = [(steps[0], said(pair)) for steps, (pair,) in services.compare_each(CASES)]

    assert compared == [
        (case, [b'{"path": "%s", "resets": 0}' % path.encode()] * 2) for case, path in zip(CASES, PATHS, strict=True)
    ]
    assert both.asked == {"primary": PATHS, "candidate": PATHS}


def test_the_next_one_is_sent_before_the_one_before_it_is_judged() -> None:
    with services_of(both := Both()) as services:
        compared = services.compare_each(CASES)
        next(compared)
        services.compare((CASES[0],))

        assert both.asked["primary"] == ["/0", "/1", "/0"]
        assert [steps for steps, _ in compared] == [(CASES[1],), (CASES[2],)]
    assert both.asked["primary"] == ["/0", "/1", "/0", "/2"]


def test_one_that_was_under_way_when_the_services_were_prepared_is_sent_again() -> None:
    with services_of(both := Both()) as services:
        compared = services.compare_each(CASES)
        next(compared)
        services.prepare()
        _, (pair,) = next(compared)

    assert said(pair) == [b'{"path": "/1", "resets": 1}'] * 2
    assert both.asked["primary"][:4] == ["/0", "/1", "/reset", "/1"]


HEAD = Case(Source.GENERATED, "HEAD /", Request("HEAD", "/"))
HEAD_ONLY = OK.removesuffix(b"ok")


@contextlib.contextmanager
def on_sockets(primary: Talk, candidate: Talk) -> Iterator[Services]:
    with server(primary) as one, server(candidate) as other:
        with_both = Services(one.endpoint, other.endpoint, None, Profile())
        with contextlib.closing(with_both) as services:
            yield services


def test_a_body_that_must_not_come_is_waited_for_from_both_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_BODILESS_QUIET_SECONDS", SECONDS / 5)
    with on_sockets(says(HEAD_ONLY), says(HEAD_ONLY)) as services:
        begun = time.monotonic()
        ((_, (pair,)),) = services.compare_each([HEAD])
        seconds = time.monotonic() - begun

    assert (pair.primary.ending, pair.candidate.ending) == (Ending.KEPT, Ending.KEPT)
    assert SECONDS / 5 <= seconds < SECONDS / 5 * 2


@pytest.mark.parametrize("late", [0, 1], ids=["primary", "candidate"])
def test_a_late_body_is_found_on_either_side(late: int, monkeypatch: pytest.MonkeyPatch) -> None:
    both_answered = threading.Barrier(2)

    def answers_late(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(HEAD_ONLY)
        both_answered.wait(SECONDS)
        connection.sendall(b"ok")
        connection.recv(65536)

    def answers(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(HEAD_ONLY)
        both_answered.wait(SECONDS)
        connection.recv(65536)

    monkeypatch.setattr(connection, "_BODILESS_QUIET_SECONDS", SECONDS / 5)
    with on_sockets(*(answers_late if number == late else answers for number in range(2))) as services:
        ((_, (pair,)),) = services.compare_each([HEAD])

    endings = [pair.primary.ending, pair.candidate.ending]
    assert endings == [Ending.SURPLUS if number == late else Ending.KEPT for number in range(2)]
