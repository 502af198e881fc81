"""The manifests are those that `make manifests` writes from compose.yaml, .env.example, Dockerfile and catalogue."""

import pytest
from kubernetes_manifests.files import IMAGES, contents, known
from serving_lab.project import Project
from support.checkout import REPOSITORY

pytestmark = pytest.mark.unit

PROJECT = Project(REPOSITORY)
CONTENTS = contents(PROJECT)


def test_files_are_current() -> None:
    here = {path: (REPOSITORY / path).read_text() for path in CONTENTS if (REPOSITORY / path).is_file()}

    assert here == CONTENTS, "make manifests"


def test_no_file_is_left_over() -> None:
    assert known(PROJECT) - {IMAGES} <= CONTENTS.keys()
