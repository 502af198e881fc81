"""Who sends a request: the user of a valid token, or the address that the request comes from."""

from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from serving_core.http.proxies import Address, TrustedProxies


class Caller(NamedTuple):
    """What a request says about its sender."""

    peer: str
    """The address at the other end of the connection."""
    forwarded_for: str | None
    """X-Forwarded-For: each proxy appends the address that sent it the request."""
    authorization: str | None


def address_of(caller: Caller, trusted: TrustedProxies) -> str:
    """The nearest address that is not a trusted proxy. Anybody may have written what comes before it."""
    nearest = caller.peer
    if not trusted or not caller.forwarded_for:
        return nearest
    hops = caller.forwarded_for.split(",")
    while (address := _address(nearest)) is not None and address in trusted and hops:
        before = _address(hops.pop())
        if before is None:
            break
        nearest = str(before)
    return nearest


def _address(text: str) -> Address | None:
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
