"""Fixtures of the tests of the registry: one that runs, for all of them."""

from collections.abc import Iterator

import pytest
from support.checkout import Checkout, new_checkout
from support.registry import Running, running_registry


@pytest.fixture(scope="package")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy of the repository whose lab has a registry."""
    copy = new_checkout(tmp_path_factory.mktemp("registry") / "checkout")
    copy.environment["COMPOSE_PROFILES"] = "registry"
    (copy.root / ".env").write_text("SECRET_KEY=not-used\nAPI_PASSWORD=not-used\n")
    return copy


@pytest.fixture(scope="package")
def registry(checkout: Checkout) -> Iterator[Running]:
    """Its registry. Tests that end it start it again."""
    with running_registry(checkout) as running:
        yield running
