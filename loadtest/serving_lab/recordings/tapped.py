"""What `lab tap` recorded, as requests that can be sent again."""

import base64
from collections.abc import Iterator
from pathlib import Path

from serving_lab.recordings import tap_file
from serving_lab.recordings.recorded_answer import RecordedAnswer
from serving_lab.recordings.recorded_request import Pair, PostData, RecordedRequest
from serving_lab.recordings.recording import Recorded
from serving_lab.recordings.tap_file import WEBSOCKET, Side, Tapped

_SWITCHING = 101
_OF_BODIES = frozenset({"content-length", "content-encoding"})
"""They were true of bodies on their way."""


def entries(path: Path) -> Iterator[Recorded]:
    """The requests of a file, below the primary that it names.

    Raises:
        LabError: it cannot be read, or is no recording of `lab tap`.
    """
    base = tap_file.read_head(path).primary
    for number, each in enumerate(tap_file.read(path), 1):
        yield Recorded(f"exchange {number}", _request(base, each), answer=_answer(each.primary), why_not=_why_not(each))


def _request(base: str, each: Tapped) -> RecordedRequest:
    request = each.request
    headers = [Pair(name, value) for name, value in request.headers if name.lower() not in _OF_BODIES]
    media_type = request.request.header("content-type") or ""
    body = PostData(media_type, base64.b64encode(request.body).decode(), encoding="base64") if request.body else None
    target = request.target if request.target.startswith("/") else f"/{request.target}"
    return RecordedRequest(request.method, f"{base}{target}", headers, body)


def _answer(side: Side) -> RecordedAnswer | None:
    if not side.status:
        return None
    media_type = next((value for name, value in side.headers if name.lower() == "content-type"), "")
    return RecordedAnswer(side.status, side.headers, media_type, side.body)


def _why_not(each: Tapped) -> str | None:
    if each.primary.status == _SWITCHING:
        return "handshakes of WebSockets"
    if each.request.method == WEBSOCKET:
        return "messages on WebSockets"
    if each.request.method == "CONNECT":
        return "tunnels through a proxy"
    return "requests whose body was not recorded whole" if each.request.cut else None
