"""Fixtures of the stack tests: the whole stack, running in containers."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from serving_lab.project import Project
from serving_lab.stack import gateway, monitoring, secrets
from serving_lab.stack.environment import Settings
from support.stack import CONTAINERS, WITHOUT_GRAFANA, Stack, run, stack_settings

UP_SECONDS = 180  # the registry takes its time on a busy machine
COLD_BUILD_SECONDS = 900


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent:
            # Whichever test comes first builds the images.
            item.add_marker(pytest.mark.timeout(COLD_BUILD_SECONDS))


@pytest.fixture(scope="package")
def stack(base_images: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack, built and healthy; removed before the tests that measure, which an idle stack would disturb."""
    directories = {name: tmp_path_factory.mktemp(name) for name in ("SECRETS_DIR", "CONFIG_DIR")}
    settings = stack_settings(f"serving-lab-test-{os.getpid()}", base_images) | {
        name: str(at) for name, at in directories.items()
    }
    secrets.hand_out(settings, directories["SECRETS_DIR"])
    project = Project.find()
    known = Settings.load(project, settings)
    configuration = directories["CONFIG_DIR"]
    metrics = f"gateway:{gateway.METRICS_PORT}"
    monitoring.write(project, known, configuration, lambda service: service.container_address, metrics)
    gateway.write(gateway.plan_in_containers(known), configuration)
    containers = CONTAINERS if _can_be_had(settings["GRAFANA_IMAGE"]) else WITHOUT_GRAFANA
    running = Stack(project, settings, containers)
    running.compose("build")
    try:
        started = running.compose(
            "up", "--detach", "--wait", "--wait-timeout", str(UP_SECONDS), *containers, check=False
        )
        assert started.returncode == 0, f"{started.stderr}\n{running.compose('logs', check=False).stdout[-8000:]}"
        yield running
    finally:
        running.compose("down", "--volumes", "--remove-orphans", "--timeout", "5")


@pytest.fixture(params=CONTAINERS)
def container(request: pytest.FixtureRequest, stack: Stack) -> str:
    """Each container of the stack in turn."""
    if request.param not in stack.containers:
        pytest.skip(f"the image {stack.settings['GRAFANA_IMAGE']} cannot be had here")
    return str(request.param)


def _can_be_had(image: str) -> bool:
    here = run(["docker", "image", "inspect", image], check=False).returncode == 0
    return here or run(["docker", "pull", "--quiet", image], check=False).returncode == 0
