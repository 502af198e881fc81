"""Exchanges as `lab tap` records them."""

from serving_lab.api.request import Header
from serving_lab.recordings.tap_file import Side, Tapped, TappedRequest
from serving_lab.wire.message import Ending

_JSON: tuple[Header, ...] = (("Content-Type", "application/json"),)


def side(
    status: int = 200,
    headers: tuple[Header, ...] = _JSON,
    body: bytes = b"{}",
    *,
    seconds: float = 0.002,
    ending: Ending = Ending.KEPT,
) -> Side:
    """What a service answered."""
    return Side(status, headers, body, len(body), False, seconds, seconds, ending)


def tapped(
    method: str = "GET",
    target: str = "/health",
    headers: tuple[Header, ...] = (),
    body: bytes = b"",
    *,
    primary: Side | None = None,
    candidate: Side | None = None,
    again: Side | None = None,
    session: str = "someone",
    connection: int = 1,
    number: int = 0,
    at: float = 1_700_000_000.0,
) -> Tapped:
    """One exchange."""
    request = TappedRequest(method, target, "HTTP/1.1", headers, body, len(body))
    return Tapped(connection, session, number, at, request, primary or side(), candidate, again)
