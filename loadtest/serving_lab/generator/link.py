"""The way to a generator: frames over a socket, and an end to every wait."""

import socket
import time
from typing import TypeVar, Union, overload

import msgspec

from serving_lab.generator import messages
from serving_lab.generator.messages import AskClock, ClockReply, Command

_SAY_SECONDS = 10.0
"""For a command to be taken: it is small, so that only what has stopped reading needs so long."""
_CLOCK_SECONDS = 5.0
_MOST_BYTES = 1 << 30
_NOT_A_GENERATOR = "does not speak the generator's language"

_Message = TypeVar("_Message", bound=msgspec.Struct)
_Other = TypeVar("_Other", bound=msgspec.Struct)


class LinkLostError(Exception):
    """Nothing more comes from a generator."""

    def __init__(self, name: str, why: str, hint: str | None = None) -> None:
        super().__init__(f"{name} {why}")
        self.name = name
        self.why = why
        """What became of it: a phrase that follows its name."""
        self.hint = hint


class Link:
    """A connection to a generator, which ends what it does where the connection is closed."""

    pid: int | None = None
    """Of the process that was started for it here; None: it runs without that."""
    shares_loopback = True
    """Whether 127.0.0.1 is the same for it, or it was told other addresses."""

    def __init__(self, name: str, stream: socket.socket, *, here: bool) -> None:
        """Take a connected socket.

        Args:
            name: What people call the generator.
            stream: Is closed with the link.
            here: Whether the generator is on this machine.
        """
        self.name = name
        self.here = here
        self._stream = stream

    def say(self, message: Command | msgspec.Struct) -> None:
        """Send a message. Raises LinkLostError."""
        try:
            self._stream.settimeout(_SAY_SECONDS)
            self._stream.sendall(messages.frame(message))
        except OSError as error:
            raise self._lost(error) from error

    @overload
    def heard(self, kind: type[_Message], /, *, within: float, most: int = ...) -> _Message: ...

    @overload
    def heard(
        self, kind: type[_Message], or_: type[_Other], /, *, within: float, most: int = ...
    ) -> _Message | _Other: ...

    def heard(self, *kinds: type[msgspec.Struct], within: float, most: int = _MOST_BYTES) -> msgspec.Struct:
        """The next message.

        Args:
            kinds: What it must be one of.
            within: How long it is waited for (s).
            most: How many bytes it may have.

        Raises:
            LinkLostError: it does not come in time, or is something else.
        """
        until = time.monotonic() + within
        length = messages.length_of(self._read(messages.LENGTH_BYTES, until))
        if length > most:
            raise LinkLostError(self.name, _NOT_A_GENERATOR)
        try:
            message: msgspec.Struct = msgspec.msgpack.decode(self._read(length, until), type=Union[kinds])  # noqa: UP007 - of a tuple
        except msgspec.MsgspecError as error:
            raise LinkLostError(self.name, _NOT_A_GENERATOR) from error
        return message

    def clock(self) -> float:
        """What its clock says, as `time.perf_counter`. Raises LinkLostError."""
        self.say(AskClock())
        return self.heard(ClockReply, within=_CLOCK_SECONDS).now

    def hang_up(self) -> None:
        """Close the connection; what is at its other end ends by itself then."""
        self._stream.close()

    def close(self) -> None:
        """Close the connection, and see to it that what was started for it is gone."""
        self.hang_up()

    def _read(self, size: int, until: float) -> bytearray:
        content = bytearray(size)
        rest = memoryview(content)
        while rest:
            try:
                self._stream.settimeout(max(1e-3, until - time.monotonic()))
                count = self._stream.recv_into(rest)
            except OSError as error:
                raise self._lost(error) from error
            if not count:
                raise LinkLostError(self.name, "ended")
            rest = rest[count:]
        return content

    def _lost(self, error: OSError) -> LinkLostError:
        if isinstance(error, TimeoutError):
            return LinkLostError(self.name, "does not answer")
        if isinstance(error, BrokenPipeError | ConnectionResetError):
            return LinkLostError(self.name, "ended")
        return LinkLostError(self.name, f"cannot be reached: {error.strerror or error}")
