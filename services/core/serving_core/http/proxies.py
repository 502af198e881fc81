"""The proxies whose X-Forwarded-For is trusted: addresses, networks, and names that stand for addresses."""

import socket
import threading
import time
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

FRESH_SECONDS = 1.0
"""So long what a name stands for is not asked again."""


class TrustedProxies:
    """Says of an address whether it is one of them.

    Names are looked up again while the service runs: the container of a proxy that is made anew has another address. A
    thread does so, and only when somebody asks. No request waits for it: it goes by what is known.
    """

    def __init__(
        self,
        networks: Iterable[Network] = (),
        names: Iterable[str] = (),
        lookup: Callable[[str], frozenset[Address]] | None = None,
    ) -> None:
        """Take what is trusted. `lookup` returns the addresses of a name, or raises OSError."""
        self._networks = tuple(networks)
        self._names = tuple(_Name(name, lookup or addresses_of) for name in names)

    def __bool__(self) -> bool:
        return bool(self._networks or self._names)

    def __contains__(self, address: Address) -> bool:
        if any(address in network for network in self._networks):
            return True
        self.refresh()
        return any(address in name.addresses for name in self._names)

    def refresh(self) -> None:
        """Look the names up in the background, those that were not asked just now and are not being asked."""
        for name in self._names:
            name.refresh()


class _Name:
    """What one name stands for. Each is looked up by itself: one that is slow delays no other."""

    def __init__(self, name: str, lookup: Callable[[str], frozenset[Address]]) -> None:
        self.addresses: frozenset[Address] = frozenset()
        self._name = name
        self._lookup = lookup
        self._asked = -FRESH_SECONDS
        self._asking = threading.Lock()

    def refresh(self) -> None:
        if time.monotonic() - self._asked >= FRESH_SECONDS and self._asking.acquire(blocking=False):
            threading.Thread(target=self._look_up, name="trusted-proxies", daemon=True).start()

    def _look_up(self) -> None:
        try:
            self.addresses = self._lookup(self._name)
        except OSError as error:
            # A name that is gone stands for nothing. One that cannot be looked up at the moment is kept.
            if error.errno != socket.EAI_AGAIN:
                self.addresses = frozenset()
        finally:
            self._asked = time.monotonic()
            self._asking.release()


def addresses_of(name: str) -> frozenset[Address]:
    """The addresses that a name stands for.

    Raises:
        OSError: for none, or it cannot be told.
    """
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return frozenset(ip_address(str(address[0]).partition("%")[0]) for *_, address in found)
