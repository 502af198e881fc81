"""Passes idle connections from workers that end to those that have taken over.

A client may send its next request on a kept connection at any moment. If the worker closed it just then, the request
would get no answer. A connection that is passed on stays open, and the kernel keeps what arrives meanwhile (unix(7),
SCM_RIGHTS).
"""

import socket
from typing import Any

_MESSAGE = b"\0"  # a file descriptor needs a byte to go with


class Handover:
    """A listener whose connections come from other workers of the service; created before the fork."""

    def __init__(self) -> None:
        self._giving, self._taking = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.setblocking(False)

    def fileno(self) -> int:
        """What becomes readable when there is a connection to accept."""
        return self._taking.fileno()

    def setblocking(self, flag: bool) -> None:
        """Whether `accept` waits; `give` does likewise."""
        self._giving.setblocking(flag)
        self._taking.setblocking(flag)

    def give(self, connection: int) -> bool:
        """Pass on the connection with this file descriptor; false if there is no room for it at the moment.

        The caller then closes its own descriptor, which does not close the connection.
        """
        try:
            socket.send_fds(self._giving, [_MESSAGE], [connection])
        except OSError:  # too many are under way
            return False
        return True

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection and the address of its client.

        Raises:
            BlockingIOError: there is none.
            ConnectionAbortedError: the client has left.
        """
        _, descriptors, _, _ = socket.recv_fds(self._taking, len(_MESSAGE), 1, socket.MSG_CMSG_CLOEXEC)
        if not descriptors:  # this process has no more room for files
            raise ConnectionAbortedError
        connection = socket.socket(fileno=descriptors[0])
        try:
            return connection, connection.getpeername()
        except OSError:
            connection.close()
            raise ConnectionAbortedError from None

    def close(self) -> None:
        """Close this process's ends."""
        self._giving.close()
        self._taking.close()
