"""Fixtures of the whole test suite: a trained model, and both services answering.

With CONTRACT_FLASK_URL and CONTRACT_FASTAPI_URL (and API_USERNAME, API_PASSWORD, SECRET_KEY) in the environment the
contract is checked against that running stack instead; tests that must start a service of their own are left out.
CONTRACT_MODEL_DIR names a trained model to use instead of training one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.services import SERVICE_NAMES, RunningService, ServiceName, report, running_service

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

_URL_VARIABLES: Mapping[ServiceName, str] = {"flask": "CONTRACT_FLASK_URL", "fastapi": "CONTRACT_FASTAPI_URL"}


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained model. Whatever asks for it starts its own process, and is left out against a running stack."""
    if given := os.environ.get("CONTRACT_MODEL_DIR"):
        return Path(given).resolve()
    directory = tmp_path_factory.mktemp("model")
    train = Path(sys.executable).parent / "train-model"
    trained = subprocess.run([train, "--output", directory], capture_output=True, text=True, timeout=180, check=False)
    assert trained.returncode == 0, f"train-model failed\n{trained.stdout}\n{trained.stderr}"
    return directory


@pytest.fixture(scope="session")
def flask_service(request: pytest.FixtureRequest) -> Iterator[RunningService]:
    yield from _service("flask", request)


@pytest.fixture(scope="session")
def fastapi_service(request: pytest.FixtureRequest) -> Iterator[RunningService]:
    yield from _service("fastapi", request)


@pytest.fixture(scope="session", params=SERVICE_NAMES)
def service(request: pytest.FixtureRequest) -> RunningService:
    """Each service in turn, with two workers."""
    running = request.getfixturevalue(f"{request.param}_service")
    assert isinstance(running, RunningService)
    return running


@pytest.fixture(scope="session")
def services(flask_service: RunningService, fastapi_service: RunningService) -> Mapping[ServiceName, RunningService]:
    """Both services at once, with the same SECRET_KEY and credentials, to compare them."""
    return {"flask": flask_service, "fastapi": fastapi_service}


@pytest.fixture(scope="session")
def token(service: RunningService) -> str:
    """A valid token of the service."""
    return service.login()


def _service(name: ServiceName, request: pytest.FixtureRequest) -> Iterator[RunningService]:
    if _against_running_stack():
        yield RunningService(
            name=name,
            base_url=os.environ[_URL_VARIABLES[name]].rstrip("/"),
            username=os.environ["API_USERNAME"],
            password=os.environ["API_PASSWORD"],
            secret_key=os.environ["SECRET_KEY"],
        )
    else:
        # Asked for here and not in the signature: only tests that name model_dir need a process of their own.
        with running_service(name, request.getfixturevalue("model_dir")) as running:
            yield running


def _against_running_stack() -> bool:
    return any(variable in os.environ for variable in _URL_VARIABLES.values())


def pytest_configure() -> None:
    if _against_running_stack():
        needed = [*_URL_VARIABLES.values(), "API_USERNAME", "API_PASSWORD", "SECRET_KEY"]
        if missing := [variable for variable in needed if variable not in os.environ]:
            raise pytest.UsageError(f"to check a running stack, set {', '.join(missing)} too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not _against_running_stack():
        return
    own_process = [item for item in items if "model_dir" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=own_process)
    items[:] = [item for item in items if item not in own_process]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show a failed test what its services printed."""
    result = yield
    if result.failed:
        for service in _services_of(item):
            result.sections.append((f"{service.name} service", report(service, characters=3000)))
    return result


def _services_of(item: pytest.Item) -> Iterator[RunningService]:
    for argument in getattr(item, "funcargs", {}).values():
        for value in argument.values() if isinstance(argument, Mapping) else [argument]:
            if isinstance(value, RunningService) and value.directory is not None:
                yield value
