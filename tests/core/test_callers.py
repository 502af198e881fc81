"""From which address a request really comes."""

from ipaddress import ip_network

import pytest
from serving_core.http.callers import Caller, address_of
from serving_core.http.proxies import TrustedProxies

TRUSTED = TrustedProxies(map(ip_network, ("127.0.0.1", "10.0.0.0/8", "fd00::/8")))


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "address"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "192.0.2.66, 198.51.100.7", "198.51.100.7"),
        ("10.1.2.3", "192.0.2.66,198.51.100.7 , 10.9.9.9", "198.51.100.7"),
        ("10.1.2.3", "10.4.4.4, 10.9.9.9", "10.4.4.4"),
        ("127.0.0.1", "198.51.100.7:51234", "198.51.100.7"),
        ("127.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
        ("fd00::5", "2001:DB8::1", "2001:db8::1"),
        ("::ffff:127.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "198.51.100.7, unknown", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.7, unknown, 10.0.0.1", "10.0.0.1"),
        ("", "198.51.100.7", ""),
    ],
)
def test_the_nearest_address_that_is_no_trusted_proxy_counts(
    peer: str, forwarded_for: str | None, address: str
) -> None:
    assert address_of(Caller(peer, forwarded_for, None), TRUSTED) == address


def test_nobody_is_trusted_unless_named() -> None:
    assert address_of(Caller("127.0.0.1", "198.51.100.7", None), TrustedProxies()) == "127.0.0.1"
