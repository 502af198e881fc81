"""Stops listening without resetting the connections that wait in the listener's queue.

The kernel finishes handshakes by itself: a client may be connected, and have sent its request, before any worker has
accepted it. Closing the listener resets those. So it is made deaf first, which refuses whoever comes from then on, and
what waits already is left to the workers. Linux only; elsewhere nothing is done.
"""

import ipaddress
import socket
import struct
import sys
import time
from collections.abc import Iterable

_LOOPBACK_DEVICE = "lo"
_QUEUED = struct.Struct("=24xI")  # linux/tcp.h: tcpi_unacked, which on a listener is the length of its queue
_POLL_SECONDS = 0.01
# A handshake under way needs a round trip, and an accepted request a moment to be read.
_SETTLE_SECONDS = 0.2


def run_dry(listeners: Iterable[socket.socket], timeout_seconds: float) -> None:
    """Refuse new connections, and return when the workers have taken all that waited, or the time is over."""
    deaf = [listener for listener in listeners if _deafen(listener)]
    if not deaf:
        return
    deadline = time.monotonic() + timeout_seconds
    time.sleep(_SETTLE_SECONDS)
    while any(map(_is_waited_for, deaf)) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    time.sleep(_SETTLE_SECONDS)


def _deafen(listener: socket.socket) -> bool:
    """Bind the listener to a network device its clients do not come through; return whether that could be done.

    Unlike a packet filter this needs no privilege (Linux 5.7 and newer), and handshakes under way are finished.
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
    except PermissionError:  # an older kernel: connections of the last moment may be reset
        return False
    return True


def _is_waited_for(listener: socket.socket) -> bool:
    """Whether a connection waits to be accepted."""
    info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _QUEUED.size)
    return _QUEUED.unpack(info) != (0,)
