"""Fixtures of the whole test suite: a trained model, and the services of the catalogue answering.

With CONTRACT_TARGETS, such as "flask-api=http://127.0.0.1:5000 fastapi-api=http://127.0.0.1:8000" (and API_USERNAME,
API_PASSWORD, SECRET_KEY), in the environment the contract is checked against those of a running stack instead; the
baseline must be one of them. Tests that must start a service of their own are left out.
CONTRACT_MODEL_DIR names a trained model to use instead of training one.
"""

import contextlib
import gc
import os
import subprocess
import sys
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

import prometheus_client.values
import pytest
from serving_lab.stack.engine import Engine
from support import junit, tiers, workers
from support.needs import needed_base_images, needed_engine
from support.services import (
    BASELINE,
    CANDIDATES,
    CATALOGUE,
    RUNNING_URLS,
    SERVICE_NAMES,
    RunningService,
    StartedService,
    report,
    running_service,
    with_besides,
)

# Hundreds of processes are started here: without bytecode on disk each would compile all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


@pytest.fixture(scope="session")
def model_dir(pytestconfig: pytest.Config) -> Path:
    """The trained model. Whatever asks for it starts its own process, and is left out against a running stack."""
    if given := os.environ.get("CONTRACT_MODEL_DIR"):
        return Path(given).resolve()
    return workers.made_once(pytestconfig, "model", _train)


@pytest.fixture
def values_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """New metrics of this process count in memory; whatever has imported those of the services, they count in files."""
    monkeypatch.setattr(prometheus_client.values, "ValueClass", prometheus_client.values.MutexValue)


@pytest.fixture(scope="session")
def engine() -> Engine:
    """A container engine that answers."""
    return needed_engine()


@pytest.fixture(scope="session")
def base_images(engine: Engine) -> Mapping[str, str]:
    """The base images by their settings, such as PYTHON_IMAGE; those that `make up` would take here."""
    return needed_base_images(engine)


@pytest.fixture(scope="session")
def started_service(request: pytest.FixtureRequest) -> Iterator[StartedService]:
    """Each service by its name, with two workers; started when it is first asked for, and shared by all tests."""
    with contextlib.ExitStack() as stack:
        started: dict[str, RunningService] = {}

        def start(name: str) -> RunningService:
            if name not in started:
                started[name] = _running_url(name) or stack.enter_context(
                    # Asked for here and not in the signature: only tests that name model_dir need their own process.
                    running_service(name, request.getfixturevalue("model_dir"))
                )
            return started[name]

        yield start


@pytest.fixture(scope="session", params=SERVICE_NAMES)
def service(request: pytest.FixtureRequest, started_service: StartedService) -> RunningService:
    """Each service in turn."""
    return started_service(request.param)


@pytest.fixture(scope="session")
def baseline(started_service: StartedService) -> RunningService:
    """The service that the others are compared with."""
    return started_service(BASELINE)


@pytest.fixture(scope="session", params=CANDIDATES)
def candidate(request: pytest.FixtureRequest, started_service: StartedService) -> RunningService:
    """Each service but the baseline in turn."""
    return started_service(request.param)


@pytest.fixture(scope="session", params=with_besides("documentation"))
def documented_service(request: pytest.FixtureRequest, started_service: StartedService) -> RunningService:
    """Each service that documents itself."""
    return started_service(request.param)


@pytest.fixture(scope="session", params=with_besides("graphql"))
def graphql_service(request: pytest.FixtureRequest, started_service: StartedService) -> RunningService:
    """Each service that speaks GraphQL."""
    return started_service(request.param)


@pytest.fixture(scope="session", params=with_besides("websocket"))
def websocket_service(request: pytest.FixtureRequest, started_service: StartedService) -> RunningService:
    """Each service with a WebSocket."""
    return started_service(request.param)


@pytest.fixture(scope="session")
def services(started_service: StartedService) -> Mapping[str, RunningService]:
    """All services at once, with the same SECRET_KEY and credentials, to compare them."""
    return {name: started_service(name) for name in SERVICE_NAMES}


@pytest.fixture(scope="session")
def token(service: RunningService) -> str:
    """A valid token of the service."""
    return service.login()


def _train(directory: Path) -> None:
    train = Path(sys.executable).parent / "train-model"
    trained = subprocess.run([train, "--output", directory], capture_output=True, text=True, timeout=180, check=False)
    assert trained.returncode == 0, f"train-model failed\n{trained.stdout}\n{trained.stderr}"


def _running_url(name: str) -> RunningService | None:
    """The service of a stack that already runs, where there is one."""
    if name not in RUNNING_URLS:
        return None
    return RunningService(
        name=name,
        base_url=RUNNING_URLS[name].rstrip("/"),
        username=os.environ["API_USERNAME"],
        password=os.environ["API_PASSWORD"],
        secret_key=os.environ["SECRET_KEY"],
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """What `-n auto` means: twice the processors, because all but unit tests wait for others half of the time.

    On two processors, three workers kept 1.3 of them busy, and four 1.65.
    """
    processors = len(os.sched_getaffinity(0))
    return min(processors if config.getoption("markexpr") == "unit" else 2 * processors, 4)


def pytest_configure(config: pytest.Config) -> None:
    for plugin in (junit, tiers, workers):
        config.pluginmanager.register(plugin)
    if not RUNNING_URLS:
        return
    if missing := [name for name in ("API_USERNAME", "API_PASSWORD", "SECRET_KEY") if name not in os.environ]:
        raise pytest.UsageError(f"to check a running stack, set {', '.join(missing)} too")
    if unknown := RUNNING_URLS.keys() - CATALOGUE.labels.keys():
        raise pytest.UsageError(f"CONTRACT_TARGETS: {', '.join(sorted(unknown))} is not in loadtest/catalogue.yaml")
    if CATALOGUE.baseline.name not in RUNNING_URLS:
        raise pytest.UsageError(f"CONTRACT_TARGETS: the baseline, {CATALOGUE.baseline.name}, is missing")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not RUNNING_URLS:
        return
    own_process = [item for item in items if "model_dir" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=own_process)
    items[:] = [item for item in items if item not in own_process]


def pytest_collection_finish() -> None:
    """Leave the thousands of tests, which stay to the end, out of every garbage collection from now on."""
    gc.freeze()


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
