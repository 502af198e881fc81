"""A small model, trained once, and copies of it to spoil."""

import shutil
from pathlib import Path

import pytest
from support.artifacts import write_model


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of three trees; nobody changes it."""
    return write_model(tmp_path_factory.mktemp("small") / "model")


@pytest.fixture
def model(small: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(small, tmp_path / "model"))
