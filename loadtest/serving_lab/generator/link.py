"""The way to one process of the generator: frames over a socket, and an end to every wait."""

import socket
import time

import msgspec

from serving_lab.generator import messages
from serving_lab.generator.messages import Command, Reply

SAY_SECONDS = 10.0
"""For a command to be taken: it is small, so that only a process that has stopped reading needs so long."""
_MOST_BYTES = 1 << 30
NOT_A_GENERATOR = "does not speak the generator's language"


class LinkLostError(Exception):
    """Nothing more comes from there; the text says why, and is to follow the generator's name."""


class Link:
    """A connection to a process of the generator, which is ended by closing it."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream

    def say(self, command: Command) -> None:
        """Send a command. Raises LinkLostError."""
        try:
            self._stream.settimeout(SAY_SECONDS)
            self._stream.sendall(messages.frame(command))
        except OSError as error:
            raise LinkLostError(_why(error)) from error

    def heard(self, within: float) -> Reply:
        """The next reply, waited for so many seconds at most. Raises LinkLostError."""
        try:
            return messages.reply(self.frame(within, _MOST_BYTES))
        except msgspec.MsgspecError as error:
            raise LinkLostError(NOT_A_GENERATOR) from error

    def frame(self, within: float, most: int) -> bytearray:
        """The next frame without its length. Raises LinkLostError: it does not come in time, or is longer than most."""
        until = time.monotonic() + within
        length = messages.length_of(self._read(messages.LENGTH_BYTES, until))
        if length > most:
            raise LinkLostError(NOT_A_GENERATOR)
        return self._read(length, until)

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
                raise LinkLostError(_why(error)) from error
            if not count:
                raise LinkLostError("ended")
            rest = rest[count:]
        return content


def _why(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "does not answer"
    if isinstance(error, BrokenPipeError | ConnectionResetError):
        return "ended"
    return f"was lost: {error.strerror or error}"
