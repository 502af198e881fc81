"""A team's repository."""

from pathlib import Path

import pytest

from checklist.team import Team


@pytest.fixture
def team(tmp_path: Path) -> Team:
    """A team with a commit and no evidence."""
    return Team.at(tmp_path)
