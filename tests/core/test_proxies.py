"""Proxies that are trusted by name: the name may stand for another address tomorrow."""

import socket
import threading
from ipaddress import ip_address, ip_network

import pytest
from serving_core.http import proxies
from serving_core.http.proxies import Address, TrustedProxies, addresses_of
from support.services import wait_until

FIRST, SECOND = ip_address("192.0.2.1"), ip_address("192.0.2.2")


class Names:
    """A name server that can be told what to say."""

    def __init__(self) -> None:
        self.says: Address | int = FIRST
        self.asked = 0

    def __call__(self, name: str) -> frozenset[Address]:
        self.asked += 1
        if isinstance(self.says, int):
            raise socket.gaierror(self.says, name)
        return frozenset({self.says})


@pytest.fixture
def always_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is looked up whenever somebody asks."""
    monkeypatch.setattr(proxies, "FRESH_SECONDS", 0.0)


def test_a_name_is_looked_up_in_the_background() -> None:
    held = threading.Event()

    def lookup(_: str) -> frozenset[Address]:
        assert held.wait(10)
        return frozenset({FIRST})

    trusted = TrustedProxies((), ["gateway"], lookup)

    assert FIRST not in trusted, "nobody waits"
    held.set()
    wait_until(lambda: FIRST in trusted, "the name is known")


@pytest.mark.usefixtures("always_again")
def test_a_name_that_stands_for_another_address_is_noticed() -> None:
    names = Names()
    trusted = TrustedProxies((), ["gateway"], names)
    wait_until(lambda: FIRST in trusted, "the name is known")

    names.says = SECOND

    wait_until(lambda: SECOND in trusted, "the new address is known")
    assert FIRST not in trusted


@pytest.mark.usefixtures("always_again")
@pytest.mark.parametrize(("error", "trusts"), [(socket.EAI_NONAME, False), (socket.EAI_AGAIN, True)])
def test_a_name_that_is_gone_stands_for_nothing_and_a_silent_name_server_changes_nothing(
    error: int, trusts: bool
) -> None:
    names = Names()
    trusted = TrustedProxies((), ["gateway"], names)
    wait_until(lambda: FIRST in trusted, "the name is known")

    names.says = error
    asked = names.asked
    wait_until(lambda: (FIRST in trusted) is trusts and names.asked > asked + 1, "it was asked again")


def test_a_name_that_is_slow_delays_no_other() -> None:
    held = threading.Event()

    def lookup(name: str) -> frozenset[Address]:
        assert name == "gateway" or held.wait(10)
        return frozenset({FIRST})

    trusted = TrustedProxies((), ["slow", "gateway"], lookup)

    wait_until(lambda: FIRST in trusted, "the other name is known")
    held.set()


def test_a_name_is_not_asked_for_each_request() -> None:
    names = Names()
    trusted = TrustedProxies((), ["gateway"], names)
    wait_until(lambda: FIRST in trusted, "the name is known")

    assert [SECOND in trusted for _ in range(100)] == [False] * 100
    assert names.asked <= 2


def test_without_names_nothing_is_looked_up() -> None:
    names = Names()
    trusted = TrustedProxies([ip_network("127.0.0.0/8")], (), names)

    assert ip_address("127.0.0.9") in trusted
    assert FIRST not in trusted
    assert names.asked == 0
    assert not TrustedProxies()


def test_the_systems_names_are_asked() -> None:
    assert ip_address("127.0.0.1") in addresses_of("localhost")
    with pytest.raises(socket.gaierror):
        addresses_of("no-such-host.invalid")
