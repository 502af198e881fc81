"""Pairs of messages of a WebSocket as exchanges of a recording: the client's message is the request."""

import time

from serving_lab.recordings.tap_file import WEBSOCKET
from serving_lab.tap.conversation import Seen
from serving_lab.tap.heads import Message as HttpMessage
from serving_lab.tap.recorder import Observed
from serving_lab.tap.websocket_frames import Message, Opcode
from serving_lab.tap.websocket_mirror import MessagePair
from serving_lab.wire.message import Ending

_OF_THE_HANDSHAKE = (b"connection", b"upgrade", b"sec-websocket-", b"content-", b"lab-")
_ANSWERED = b"HTTP/1.1 200 OK"


def observed(pair: MessagePair, connection: int, room: int) -> Observed:
    """A pair as it is recorded; `connection` tells WebSockets apart, and `room` is how much of a body is kept."""
    asked = pair.asked or Message(Opcode.BINARY, b"")
    first, *headers = pair.head[:-4].split(b"\r\n")
    kept = [each for each in headers if not each.lower().startswith(_OF_THE_HANDSHAKE)]
    request = _message(b"\r\n".join([WEBSOCKET.encode() + first[first.index(b" ") :], *kept]), asked, 0.0, room)
    request.method, target, request.version = WEBSOCKET, first.split(b" ")[1], "HTTP/1.1"
    request.target = target.decode("latin-1")
    first_seconds, second_seconds = pair.seconds
    primary = _seen(pair.number, request, pair.primary, first_seconds, room)
    candidate = _seen(pair.number, request, pair.candidate, second_seconds, room)
    return Observed(connection, "", time.time(), primary, candidate)


def _seen(number: int, request: HttpMessage, said: Message, seconds: float, room: int) -> Seen:
    answer = _message(_ANSWERED, said, seconds, room)
    answer.status, answer.version = 200, "HTTP/1.1"
    return Seen(number, request, answer, seconds, Ending.KEPT)


def _message(head: bytes, said: Message, begun: float, room: int) -> HttpMessage:
    media_type = b"application/octet-stream"
    if said.opcode == Opcode.TEXT:
        media_type = b"application/json" if said.payload.lstrip()[:1] in {b"{", b"["} else b"text/plain"
    message = HttpMessage(head + b"\r\nContent-Type: " + media_type, begun, room)
    message.keep(said.payload)
    message.ended = begun
    return message
