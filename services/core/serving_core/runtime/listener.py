"""Stop listening without resetting the connections that wait in the listener's queue.

The kernel completes handshakes by itself: a client may be connected and have sent its request before any worker has
accepted the connection. Closing the listener resets such connections. So the listener is first bound to a network
device that clients do not use: new connections are refused, and the workers accept those that wait. Linux only;
elsewhere this does nothing.
"""

import ipaddress
import socket
import struct
import sys
import time
from collections.abc import Iterable

_LOOPBACK_DEVICE = "lo"
_QUEUED = struct.Struct("=24xI")  # linux/tcp.h: tcpi_unacked, the length of the queue if the socket is a listener
_POLL_SECONDS = 0.01
# A started handshake needs a round trip, and reading an accepted request takes a moment.
_SETTLE_SECONDS = 0.2


def run_dry(listeners: Iterable[socket.socket], timeout_seconds: float) -> None:
    """Refuse new connections; return when the workers have accepted all waiting ones, or at the timeout."""
    deaf = [listener for listener in listeners if _deafen(listener)]
    if not deaf:
        return
    deadline = time.monotonic() + timeout_seconds
    time.sleep(_SETTLE_SECONDS)
    while any(map(_is_waited_for, deaf)) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    time.sleep(_SETTLE_SECONDS)


def _deafen(listener: socket.socket) -> bool:
    """Bind the listener to a network device that its clients do not use; true on success.

    Unlike a packet filter, this needs no privileges (from Linux 5.7 on), and started handshakes are completed.
    """
    if sys.platform != "linux" or listener.family not in {socket.AF_INET, socket.AF_INET6}:
        return False
    names = [name for _, name in socket.if_nameindex()]
    local = ipaddress.ip_address(listener.getsockname()[0]).is_loopback
    device = next((name for name in names if (name == _LOOPBACK_DEVICE) is not local), None)
    if device is None:
        return False
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    except PermissionError:  # an older kernel: the last connections may be reset
        return False
    return True


def _is_waited_for(listener: socket.socket) -> bool:
    """Whether a connection waits to be accepted."""
    info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _QUEUED.size)
    return _QUEUED.unpack(info) != (0,)
