"""The manifests are those that `make manifests` writes from compose.yaml, .env.example, Dockerfile and catalogue."""

import os
import re
from pathlib import Path

import pytest
from kubernetes_manifests.files import IMAGES, contents, known
from serving_lab.project import Project
from support.checkout import REPOSITORY
from support.services import CATALOGUE

from kubernetes.rendered import named, of_kind, pod_of, rendered

pytestmark = pytest.mark.unit

PROJECT = Project(REPOSITORY)
CONTENTS = contents(PROJECT)


def test_files_are_current() -> None:
    here = {path: (REPOSITORY / path).read_text() for path in CONTENTS if (REPOSITORY / path).is_file()}

    assert here == CONTENTS, "make manifests"


def test_no_file_is_left_over() -> None:
    assert known(PROJECT) - {IMAGES} <= CONTENTS.keys()


def test_the_kustomization_of_the_page_is_rendered(tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "kubernetes.md").read_text()
    [example] = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    beside = os.path.relpath(REPOSITORY.resolve(), tmp_path.resolve())
    (tmp_path / "kustomization.yaml").write_text(example.replace("../deploy", f"{beside}/deploy"))

    objects = rendered(tmp_path)

    settings = named(objects, "ConfigMap", "services")
    deployments = of_kind(objects, "Deployment")
    assert settings["data"]["WORKERS"] == "2"
    assert len(deployments) == len(CATALOGUE.entries) + len(("locust", "locust-worker"))
    used = {
        source["configMapRef"]["name"] for each in deployments for source in pod_of(each)["containers"][0]["envFrom"]
    }
    assert settings["metadata"]["name"] in used
