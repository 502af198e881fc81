"""Where HTTP/1 messages begin and end in the bytes that pass by, in one direction of a connection. No I/O here."""

import re
from collections.abc import Callable, Iterator
from enum import Enum, auto

from serving_lab.tap.heads import Message, UnreadableError

LONGEST_HEAD_BYTES = 131_072
_LINE, _BLANK = b"\r\n", b"\r\n\r\n"
_LONGEST_LINE_BYTES = 8192
"""Of a chunk's length with its extensions, and of a trailer."""
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;.*)?", re.DOTALL)


class _State(Enum):
    HEAD = auto()
    LENGTH = auto()
    CHUNK_LENGTH = auto()
    CHUNK = auto()
    CHUNK_END = auto()
    TRAILERS = auto()
    TO_THE_END = auto()


class Reader:
    """Finds the messages of one direction.

    Args:
        begin: What makes a message of its head, or None of an interim answer; see `heads.request` and `heads.answer`.
    """

    def __init__(self, begin: Callable[[bytes, float], tuple[Message, int | None] | None]) -> None:
        self._begin = begin
        self._state = _State.HEAD
        self._held = b""
        self._begun = 0.0
        self._left = 0
        self.message: Message | None = None
        """The one whose body is passing by."""

    @property
    def idle(self) -> bool:
        """Whether nothing of a message has passed by since the last one ended."""
        return self._state is _State.HEAD and not self._held

    def feed(self, data: bytes, now: float) -> Iterator[Message]:
        """Read on, one message after the other; what follows the last one that is taken is left for `rest`.

        Raises:
            UnreadableError: this is not HTTP/1.
        """
        if self._held:
            data, self._held = self._held + data, b""
        else:
            self._begun = now
        at, size = 0, len(data)
        while at < size:
            at = self._step(data, at)
            if at < 0:
                return
            if self._state is _State.HEAD and self.message is not None:
                message, self.message = self.message, None
                message.ended = now
                self._held, self._begun = data[at:], now
                yield message
                data, self._held = self._held, b""
                at, size = 0, len(data)

    def rest(self) -> bytes:
        """What has passed by behind the last message that was taken; it is forgotten here."""
        rest, self._held = self._held, b""
        return rest

    def end(self, now: float) -> Message | None:
        """The connection has ended in this direction: the message that lasted until then."""
        message = self.message
        if message is None or self._state is not _State.TO_THE_END:
            return None
        message.ended, self.message, self._state = now, None, _State.HEAD
        return message

    def _step(self, data: bytes, at: int) -> int:
        """Read what comes next, and return where it ends; -1: more of it must pass by first."""
        state = self._state
        if state is _State.HEAD:
            return self._head(data, at)
        assert self.message is not None  # noqa: S101 - all other states are of a message
        if state is _State.LENGTH or state is _State.CHUNK:
            part = data if not at and len(data) <= self._left else data[at : at + self._left]
            self.message.keep(part)
            self._left -= len(part)
            if not self._left:
                self._state = _State.HEAD if state is _State.LENGTH else _State.CHUNK_END
            return at + len(part)
        if state is _State.TO_THE_END:
            self.message.keep(data[at:])
            return len(data)
        return self._line(data, at)

    def _head(self, data: bytes, at: int) -> int:
        while data.startswith(_LINE, at):
            at += len(_LINE)
        end = data.find(_BLANK, at)
        if end < 0:
            self._held = data[at:]
            if len(self._held) > LONGEST_HEAD_BYTES:
                raise UnreadableError("a head without an end")
            return -1
        found = self._begin(data[at:end], self._begun)
        end += len(_BLANK)
        if found is None:
            return end
        self.message, length = found
        if self.message.chunked:
            self._state = _State.CHUNK_LENGTH
        elif length is None:
            self._state = _State.TO_THE_END
        elif length:
            self._state, self._left = _State.LENGTH, length
        return end

    def _line(self, data: bytes, at: int) -> int:
        """A line between chunks."""
        end = data.find(_LINE, at)
        if end < 0:
            self._held = data[at:]
            if len(self._held) > _LONGEST_LINE_BYTES:
                raise UnreadableError("a chunk without a length")
            return -1
        line = data[at:end]
        if self._state is _State.CHUNK_LENGTH:
            found = _CHUNK.fullmatch(line)
            if not found:
                raise UnreadableError("a chunk without a length")
            self._left = int(found[1], 16)
            self._state = _State.CHUNK if self._left else _State.TRAILERS
        elif self._state is _State.CHUNK_END:
            if line:
                raise UnreadableError("a chunk that is longer than it says")
            self._state = _State.CHUNK_LENGTH
        elif not line:
            self._state = _State.HEAD
        return end + len(_LINE)
