"""Fixtures: what kustomize makes of the manifests."""

import pytest
from kubernetes_manifests.files import DIRECTORY
from support.checkout import REPOSITORY

from kubernetes.rendered import OVERLAYS, Object, combined, rendered


@pytest.fixture(scope="session")
def overlays() -> dict[str, list[Object]]:
    """The objects of each overlay by its name."""
    return {name: rendered(REPOSITORY / DIRECTORY / "overlays" / name) for name in OVERLAYS}


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> list[Object]:
    """The objects of all components together."""
    components = sorted(path.name for path in (REPOSITORY / DIRECTORY / "components").iterdir())
    return rendered(combined(tmp_path_factory.mktemp("everything"), "local", components))
