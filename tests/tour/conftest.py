"""The checkout that a tour goes through."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.checkout import Checkout, new_checkout, shorten_corpus


@pytest.fixture
def checkout(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Iterator[Checkout]:
    """A copy of the repository with a trained model; what is left running in it is ended."""
    copy = new_checkout(tmp_path_factory.mktemp("tour") / "checkout", model_dir)
    shorten_corpus(copy.root / "loadtest")
    yield copy
    copy.lab("down")
