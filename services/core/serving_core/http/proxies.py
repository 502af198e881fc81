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
        self._lookup = lookup or addresses_of
        self._found: dict[str, frozenset[Address]] = dict.fromkeys(names, frozenset())
        self._asked = -FRESH_SECONDS
        self._asking = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._networks or self._found)

    def __contains__(self, address: Address) -> bool:
        if any(address in network for network in self._networks):
            return True
        if not self._found:
            return False
        self.refresh()
        return any(address in addresses for addresses in self._found.values())

    def refresh(self) -> None:
        """Look the names up in the background, unless that was done just now or is being done."""
        if (
            not self._found
            or time.monotonic() - self._asked < FRESH_SECONDS
            or not self._asking.acquire(blocking=False)
        ):
            return
        threading.Thread(target=self._refresh, name="trusted-proxies", daemon=True).start()

    def _refresh(self) -> None:
        try:
            for name in self._found:
                try:
                    self._found[name] = self._lookup(name)
                except OSError as error:
                    # A name that is gone stands for nothing. One that cannot be looked up at the moment is kept.
                    if error.errno != socket.EAI_AGAIN:
                        self._found[name] = frozenset()
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
