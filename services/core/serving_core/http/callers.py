"""Who asks: the user of a valid token, or the address that a request really comes from."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Caller:
    """What a request says of who sent it."""

    peer: str
    """Address at the other end of the connection."""
    forwarded_for: str | None
    """X-Forwarded-For: each proxy adds the address that it was asked from, the last one at the end."""
    authorization: str | None


def address_of(caller: Caller, trusted: tuple[Network, ...]) -> str:
    """The address nearest to us that is no trusted proxy's: what stands beyond it, anybody may have written."""
    nearest = caller.peer
    if not trusted:
        return nearest
    hops = (caller.forwarded_for or "").split(",")
    while (address := _address(nearest)) is not None and _is_one_of(address, trusted) and hops:
        before = _address(hops.pop())
        if before is None:
            break
        nearest = str(before)
    return nearest


def _is_one_of(address: IPv4Address | IPv6Address, trusted: tuple[Network, ...]) -> bool:
    return any(address in network for network in trusted)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address as proxies write it, also with a port or in brackets; an IPv4 address in IPv6 clothes is one."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
