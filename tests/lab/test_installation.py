"""On the host the model is trained once, and again when its kind or its sources change."""

import json
import os
from pathlib import Path

import pytest
from rich.console import Console
from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack.installation import train
from support.checkout import REPOSITORY

pytestmark = pytest.mark.service


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "services").symlink_to(REPOSITORY / "services")
    (tmp_path / "uv.lock").write_text("")
    return Project(tmp_path)


def test_a_model_is_trained_when_it_must_be(project: Project) -> None:
    model = project.model_dir / "model.json"

    def trained(kind: str) -> bool:
        before = model.stat().st_mtime_ns if model.exists() else 0
        train(project, kind, Console(quiet=True))
        assert json.loads(model.read_text())["model_type"] == kind
        return model.stat().st_mtime_ns > before

    assert trained("gradient_boosting")
    assert not trained("gradient_boosting")
    assert trained("random_forest")
    later = model.stat().st_mtime + 10
    os.utime(project.root / "uv.lock", (later, later))
    assert trained("random_forest")


def test_a_kind_that_is_none_is_one_error(project: Project) -> None:
    with pytest.raises(LabError, match="'forest' is no kind of model; hint: set --kind or MODEL_KIND"):
        train(project, "forest", Console(quiet=True))
