"""The frames of a WebSocket (RFC 6455) in one direction, as their bytes pass by. No I/O."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

GOING_AWAY = 1001
NO_STATUS, ABNORMAL = 1005, 1006
"""What stands for the code of a close frame without one, and of a connection that ended without a close frame."""
_MOST_KEPT_BYTES = 1 << 20
_FIN, _MASKED, _LENGTH = 0x80, 0x80, 0x7F
_TWO_BYTES, _EIGHT_BYTES = 126, 127


class Opcode(IntEnum):
    """What a frame is."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


@dataclass(frozen=True)
class Message:
    """One message that passed by."""

    opcode: int
    payload: bytes
    """Its first MiB, unmasked."""


@dataclass
class Frames:
    """One direction of a connection, after the handshake."""

    messages: int = 0
    """Messages of text or bytes that are complete."""
    close_code: int | None = None
    """Of the close frame that passed by; None before it."""
    at_boundary: bool = True
    """Whether all frames so far are complete, so that another one may follow."""
    _head: bytearray = field(default_factory=bytearray)
    _left: int = 0
    _mask: bytes = b""
    _at: int = 0
    """How much of the frame's payload has passed by."""
    _opcode: int = Opcode.TEXT
    _fin: bool = True
    _control: bytearray = field(default_factory=bytearray)
    _message: bytearray = field(default_factory=bytearray)
    _message_opcode: int = Opcode.TEXT
    _complete: list[Message] = field(default_factory=list)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """The same bytes, cut where frames end; after each piece, the attributes tell what has passed by so far."""
        at = 0
        while at < len(data):
            start = at
            at = self._take(data, at)
            while not self.at_boundary and at < len(data):
                at = self._take(data, at)
            yield data[start:at]

    def taken(self) -> list[Message]:
        """The messages that were completed since the last call."""
        complete, self._complete = self._complete, []
        return complete

    def _take(self, data: bytes, at: int) -> int:
        """Take as much as belongs to what is being read: the rest of a head, or of a payload; return where it ends."""
        if self.at_boundary:
            self._head.clear()
            self.at_boundary = False
        if not self._head_complete():
            self._head.append(data[at])
            at += 1
            if self._head_complete():
                self._begin()
        else:
            end = min(len(data), at + self._left)
            self._pass(data[at:end])
            at = end
        if self._head_complete() and not self._left:
            self._end()
        return at

    def _head_complete(self) -> bool:
        if len(self._head) < 2:
            return False
        length, masked = self._head[1] & _LENGTH, bool(self._head[1] & _MASKED)
        more = {_TWO_BYTES: 2, _EIGHT_BYTES: 8}.get(length, 0)
        return len(self._head) == 2 + more + 4 * masked

    def _begin(self) -> None:
        self._fin, self._opcode = bool(self._head[0] & _FIN), self._head[0] & 0x0F
        length, masked = self._head[1] & _LENGTH, bool(self._head[1] & _MASKED)
        more = {_TWO_BYTES: 2, _EIGHT_BYTES: 8}.get(length, 0)
        self._left = int.from_bytes(self._head[2 : 2 + more], "big") if more else length
        self._mask = bytes(self._head[-4:]) if masked else b""
        self._at = 0
        self._control.clear()
        if self._opcode in {Opcode.TEXT, Opcode.BINARY}:
            self._message.clear()
            self._message_opcode = self._opcode

    def _pass(self, data: bytes) -> None:
        into = self._control if self._opcode >= Opcode.CLOSE else self._message
        if len(into) < _MOST_KEPT_BYTES:
            into += self._unmasked(data)[: _MOST_KEPT_BYTES - len(into)]
        self._at += len(data)
        self._left -= len(data)

    def _unmasked(self, data: bytes) -> bytes:
        if not self._mask:
            return data
        turned = self._at % 4
        mask = (self._mask[turned:] + self._mask[:turned]) * (len(data) // 4 + 1)
        number = int.from_bytes(data, "big") ^ int.from_bytes(mask[: len(data)], "big")
        return number.to_bytes(len(data), "big")

    def _end(self) -> None:
        self.at_boundary = True
        if self._opcode == Opcode.CLOSE and self.close_code is None:
            self.close_code = int.from_bytes(self._control[:2], "big") if len(self._control) > 1 else NO_STATUS
        elif self._opcode < Opcode.CLOSE and self._fin:
            self.messages += 1
            self._complete.append(Message(self._message_opcode, bytes(self._message)))
            self._message.clear()


def close_frame(code: int) -> bytes:
    """The frame with which a service closes a connection."""
    return bytes([_FIN | Opcode.CLOSE, 2]) + code.to_bytes(2, "big")
