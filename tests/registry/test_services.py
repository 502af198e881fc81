"""Services that follow a real registry by way of model-sync: under load, none of their clients notices anything."""

import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from model_artifact import files
from reload.traffic import Expected, Traffic
from serving_lab.project import Project
from serving_lab.registry.calls import Calls
from serving_lab.registry.mlflow import Registry, Run
from serving_lab.stack.environment import Settings
from serving_lab.stack.services import registry_service
from support import local_http
from support.artifacts import change_golden, write_model
from support.checkout import Checkout
from support.command import lab
from support.exposition import scrape
from support.registry import Running, running_sync
from support.services import CATALOGUE, RunningService, free_port, running_service, running_services, wait_until

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]

NAMES = tuple(entry.name for entry in CATALOGUE.running({}).entries)
NAME = "served"
"""Of the model in the registry: other tests push theirs under the usual name."""
WORKERS = 2
HANG_SECONDS = 1.5
PAUSE_SECONDS = 0.05
"""Of each of two dozen clients: the registry, which starts meanwhile, needs processors too."""


@dataclass(frozen=True)
class Following:
    """A registry, and services that follow it."""

    registry: Running
    sync: Running
    services: Mapping[str, RunningService]
    models: list[Path]
    environment: Mapping[str, str]
    root: Path
    settings: Mapping[str, str | int]
    """What each service is started with."""

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return lab("model", *arguments, cwd=self.root, environment=self.environment)

    def promote(self, number: int) -> None:
        done = self.run("promote", str(number))
        assert done.returncode == 0, done.stdout + done.stderr + self.sync.log[-2000:]

    def versions(self) -> set[str]:
        """What the services say of their model."""
        return {version(each) for each in self.services.values()}


@contextlib.contextmanager
def asked_all_the_time(following: Following) -> Iterator[list[Traffic]]:
    """Clients of all kinds at each service."""
    expected = Expected.of(following.models)
    with ExitStack() as stack:
        yield [stack.enter_context(Traffic(each, expected, PAUSE_SECONDS)) for each in following.services.values()]


def version(service: RunningService) -> str:
    return str(local_http.get(f"{service.base_url}/model-info", timeout=10).json()["version"])


@pytest.fixture(scope="module")
def following(checkout: Checkout, registry: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Following]:
    folder = tmp_path_factory.mktemp("models")
    first = write_model(folder / "first", version="1.0.0")
    models = [
        write_model(folder / "second", version="2.0.0", seed=2),
        write_model(folder / "third", version="3.0.0", kind="gradient_boosting"),
    ]
    store = folder / "store"
    own = {"MODEL_NAME": NAME, "MODEL_UPDATES_DIR": str(store), "MODEL_SYNC_PORT": str(free_port())}
    settings: dict[str, str | int] = {"MODEL_UPDATES_DIR": str(store), "WORKERS": WORKERS, "KEEP_ALIVE_SECONDS": 600}
    with ExitStack() as stack:
        sync = stack.enter_context(running_sync(checkout, **own))
        services = stack.enter_context(running_services(first, NAMES, **settings))
        ports = {CATALOGUE.entry(name).port_setting: str(each.address[1]) for name, each in services.items()}
        environment = checkout.environment | own | ports
        yield Following(registry, sync, services, [first, *models], environment, checkout.root, settings)


@pytest.fixture(scope="module")
def promoted(following: Following) -> Following:
    """The same with two versions in the registry, of which the first serves."""
    assert following.versions() == {"1.0.0"}, "that of the services' own directory"
    for model in following.models[1:]:
        assert following.run("push", model).returncode == 0
    following.promote(1)
    return following


def test_promoting_and_rolling_back_is_noticed_by_no_client(promoted: Following) -> None:
    assert promoted.versions() == {"2.0.0"}
    with asked_all_the_time(promoted) as all_traffic:
        for words, serves in ((("promote", "2"), "3.0.0"), (("rollback",), "2.0.0"), (("rollback",), "3.0.0")):
            done = promoted.run(*words, "--json")
            assert done.returncode == 0, done.stdout + done.stderr
            print(words, json.loads(done.stdout)["seconds"])  # noqa: T201 - shown by -rP
            assert promoted.versions() == {serves}
            for traffic in all_traffic:
                # The workers before answer what they have begun, and then end.
                wait_until(lambda: scrape(traffic.service).value("service_workers") == WORKERS, "they end")  # noqa: B023
                moment = time.monotonic()
                traffic.wait_for_more()
                assert set(traffic.versions_since(moment)) == {serves}
        promoted.promote(1)

    assert [traffic.failed for traffic in all_traffic] == [[], []]


def test_a_registry_that_hangs_dies_and_comes_back_costs_no_request(promoted: Following) -> None:
    promoted.promote(1)
    with asked_all_the_time(promoted) as all_traffic:
        begun = time.monotonic()

        promoted.registry.hang()
        time.sleep(HANG_SECONDS)  # nothing can be waited for: that nothing happens is the point
        promoted.registry.go_on()
        promoted.registry.kill()
        wait_until(lambda: "does not answer: Connection refused" in promoted.sync.log, "model-sync says so")
        with running_service(NAMES[0], promoted.models[0], **promoted.settings) as fresh:
            assert version(fresh) == "2.0.0", "what is laid down, and not what it was started with"
        for traffic in all_traffic:
            traffic.wait_for_more()
            assert set(traffic.versions_since(begun)) == {"2.0.0"}

        promoted.registry.start()
        promoted.promote(2)
        assert promoted.versions() == {"3.0.0"}
        for traffic in all_traffic:
            traffic.wait_for_more()

    assert [traffic.failed for traffic in all_traffic] == [[], []]


def test_a_model_that_only_running_it_shows_to_be_wrong_is_refused_by_each_service(
    promoted: Following, tmp_path: Path
) -> None:
    promoted.promote(1)
    wrong = tmp_path / "wrong"
    shutil.copytree(promoted.models[2], wrong)
    golden = json.loads((wrong / "golden.json").read_text())
    change_golden(wrong, golden | {"predictions": [value + 1 for value in golden["predictions"]]})
    assert "is refused (golden)" in promoted.run("push", wrong).stderr
    number = pushed_by_force(promoted, wrong)

    done = promoted.run("promote", number, "--wait", "60")

    assert done.returncode == 1
    for name in NAMES:
        assert f"{name} refused it, and goes on with " in done.stdout
    assert promoted.versions() == {"2.0.0"}
    assert promoted.run("rollback").returncode == 0


def pushed_by_force(following: Following, directory: Path) -> str:
    """Store a model as `lab model push` does, without looking at it."""
    settings = Settings.load(Project(following.root), following.environment)
    registry = Registry(Calls(registry_service(settings).url, 10), NAME)
    contents = {name: (directory / name).read_bytes() for name in files.SERVICE_FILES}
    artifact = files.read(directory)
    tags = {"artifact_sha256": artifact.digest, "model_sha256": artifact.metadata.sha256}
    # The graph is that of another version: a tag that is a digest of nothing keeps the two apart.
    return registry.add("wrong", contents, Run({}, {}), tags | {"model_sha256": "0" * 64}).version
