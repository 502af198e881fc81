"""Requests of real clients behind real proxies: what they add to a good request does not change its answer."""

import socket
import struct
from collections.abc import Iterable

import pytest
from support.exposition import scrape
from support.services import RunningService, wait_until
from support.wire import JSON_TYPE, TIMEOUT_SECONDS, Request, encode, read_responses, send

from contract.cases.bodies import GOOD
from contract.cases.clients import GATEWAYS, OFFERS, Headers

offers = pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)


def statuses(service: RunningService, parts: Iterable[bytes], *methods: str) -> list[int]:
    """Send these parts on one connection; returns the statuses of as many answers as there are methods."""
    with socket.create_connection(service.address, timeout=TIMEOUT_SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            connection.sendall(part)
        return [response.status_code for response in read_responses(connection, *methods)]


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@offers
def test_a_request_that_offers_an_upgrade_keeps_its_body(
    service: RunningService, token: str, offer: Headers, chunked: bool
) -> None:
    offering = Request("POST", "/predict", headers=(*JSON_TYPE, *offer), body=GOOD, chunked=chunked)
    plain = Request("POST", "/predict", headers=(*JSON_TYPE, ("Connection", "keep-alive")), body=GOOD)
    pipelined = b"".join(encode(request, service, token) for request in (offering, offering, plain))

    assert statuses(service, [pipelined], "POST", "POST", "POST") == [200, 200, 200]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@offers
def test_a_request_that_offers_an_upgrade_needs_no_body(service: RunningService, offer: Headers, method: str) -> None:
    pipelined = encode(Request(method, "/health", headers=offer), service) * 2

    assert statuses(service, [pipelined], method, method) == [200, 200]


def test_an_offer_may_arrive_in_any_pieces(service: RunningService, token: str) -> None:
    offering = Request("POST", "/predict", headers=(*JSON_TYPE, *OFFERS["h2c, as Java"]), body=GOOD, chunked=True)
    whole = encode(offering, service, token) * 2

    assert statuses(service, (whole[place : place + 1] for place in range(len(whole))), "POST", "POST") == [200, 200]


@pytest.mark.parametrize("headers", GATEWAYS.values(), ids=GATEWAYS)
def test_headers_that_only_a_gateway_may_believe_are_ignored(
    service: RunningService, token: str, headers: Headers
) -> None:
    health = send(service, Request("GET", "/health", headers=headers))
    prediction = send(service, Request("POST", "/predict", headers=(*JSON_TYPE, *headers), body=GOOD), token)

    assert (health.status_code, prediction.status_code) == (200, 200)


@pytest.mark.parametrize("host", [".", "a..b", "..", "[", "[::1", "a:b", "a" * 300, "xn--", "b\xfccher", ""])
def test_an_odd_host_is_no_fault_of_the_service(service: RunningService, host: str) -> None:
    health = send(service, Request("GET", "/health", headers=(("Host", host.encode("latin-1")),)))

    assert health.status_code in {200, 400}, "answered, or refused by a framework that looks at it"


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_client_that_leaves_within_its_body_is_no_fault_of_the_service(
    service: RunningService, token: str, chunked: bool
) -> None:
    def answered(status: str) -> float:
        return scrape(service).value("http_requests_total", handler="/predict", status=status)

    before, faults = answered("400"), answered("500")
    with socket.create_connection(service.address, timeout=TIMEOUT_SECONDS) as connection:
        connection.sendall(encode(Request("POST", "/predict", body=GOOD, chunked=chunked), service, token)[:-20])
        wait_until(lambda: scrape(service).value("http_requests_in_progress") >= 2, "it and the scrape in progress")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closed with a reset

    wait_until(lambda: answered("400") == before + 1, "the request is counted as malformed")
    assert answered("500") == faults
