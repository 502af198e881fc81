"""The gate's own instances of a checkout's services have secrets of their own, whatever the checkout says."""

from pathlib import Path

import pytest
from serving_lab.gate.own import Own
from serving_lab.project import Project
from serving_lab.stack.secrets import SECRETS
from serving_lab.text.environment import Environment
from support.checkout import REPOSITORY


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A checkout whose .env names a file for each secret; none of them is there."""
    project = Project(tmp_path)
    project.catalogue.parent.mkdir()
    for path in (project.env_example, project.catalogue):
        path.write_text((REPOSITORY / path.relative_to(tmp_path)).read_text())
    project.env_file.write_text("".join(f"{each.name}_FILE=nowhere\n" for each in SECRETS))
    return project


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell that sets each secret in both ways."""
    for each in SECRETS:
        monkeypatch.setenv(each.name, "of the shell")
        monkeypatch.setenv(f"{each.name}_FILE", "nowhere")


@pytest.mark.usefixtures("shell")
def test_secrets_are_those_of_the_gate_however_the_checkout_and_the_shell_set_theirs(project: Project) -> None:
    own = Own.of(project, (), None)

    read = Environment(own.environment)
    assert len(read["SECRET_KEY"]) == 64
    assert len(read["API_PASSWORD"]) == 24
    assert read["CACHE_URL"] == read["SECRET_KEY_PREVIOUS"] == ""
    assert "of the shell" not in own.environment.values()
