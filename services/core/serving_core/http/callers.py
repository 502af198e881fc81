"""Who sends a request: the user of a valid token, or the address that the request comes from."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Caller:
    """What a request says about its sender."""

    peer: str
    """The address at the other end of the connection."""
    forwarded_for: str | None
    """X-Forwarded-For: each proxy appends the address that sent it the request."""
    authorization: str | None


def address_of(caller: Caller, trusted: tuple[Network, ...]) -> str:
    """The nearest address that is not a trusted proxy. Anybody may have written what comes before it."""
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
    """Parse an address as proxies write it: with or without a port or brackets, also IPv4 mapped into IPv6."""
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
