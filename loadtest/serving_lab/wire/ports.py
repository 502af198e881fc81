"""Ports of this machine for what is started here."""

import contextlib
import random
import socket

from serving_lab.errors import LabError

LOOPBACK = "127.0.0.1"
# Below the range that kernels hand to outgoing connections, so that the load cannot take the port.
_PORTS = range(20000, 32000)
_ATTEMPTS = 200


def free_port() -> int:
    """Return a TCP port nobody listens on.

    Raises:
        LabError: there is none.
    """
    for port in random.sample(_PORTS, _ATTEMPTS):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((LOOPBACK, port))
                return port
    raise LabError("no port is free between 20000 and 32000")
