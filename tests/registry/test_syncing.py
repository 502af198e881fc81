"""model-sync lays down what the registry names, whole and verified; whatever the registry does, what is there stays."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from model_artifact import files
from model_artifact.store import Store
from prometheus_client import CollectorRegistry
from serving_lab.registry.calls import Calls
from serving_lab.registry.mlflow import Registry
from serving_lab.registry.sync_status import SyncStatus
from serving_lab.registry.syncing import Sync
from support.artifacts import write_model

from registry.lying import LyingRegistry, Stored, changed_metadata, lying_registry

pytestmark = pytest.mark.service

ALIASES = ("champion", "previous")
TIMEOUT_SECONDS = 2.0


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Models of which each answers otherwise."""
    return [write_model(tmp_path_factory.mktemp("model") / str(seed), seed=seed) for seed in range(1, 7)]


@pytest.fixture
def registry() -> Iterator[LyingRegistry]:
    with lying_registry() as running:
        yield running


@dataclass
class Following:
    """A Sync, with what it says and a clock of its own."""

    sync: Sync
    store: Store
    metrics: CollectorRegistry
    clock: list[float] = field(default_factory=lambda: [0.0])

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.get_sample_value(name, labels)

    def serving(self) -> str | None:
        current = self.store.current("champion")
        return current.name if current else None

    def failures(self) -> dict[str, float]:
        samples = [sample for family in self.metrics.collect() for sample in family.samples]
        return {
            each.labels["reason"]: each.value
            for each in samples
            if each.name == "model_sync_failures_total" and each.value
        }


@pytest.fixture
def follow(
    registry: LyingRegistry,
    tmp_path: Path,
    values_in_memory: None,  # noqa: ARG001 - it is there meanwhile
) -> Callable[[], Following]:
    def begin() -> Following:
        store, metrics, clock = Store(tmp_path / "store"), CollectorRegistry(), [0.0]
        asked = Registry(Calls(registry.url, TIMEOUT_SECONDS), "m")
        sync = Sync(asked, store, ALIASES, SyncStatus(metrics), lambda: clock[0])
        return Following(sync, store, metrics, clock)

    return begin


def digest(model: Path) -> str:
    return hashlib.sha256((model / "model.json").read_bytes()).hexdigest()


def left_over(root: Path) -> list[str]:
    """What is in the store besides whole models and aliases."""
    hidden = [path.name for path in (*root.iterdir(), *(root / "versions").iterdir()) if path.name.startswith(".")]
    torn = [
        path.name
        for path in (root / "versions").iterdir()
        if {each.name for each in path.iterdir()} != set(files.SERVICE_FILES)
    ]
    return hidden + torn


def test_what_an_alias_stands_for_is_laid_down_whole(
    registry: LyingRegistry, follow: Callable[[], Following], models: list[Path]
) -> None:
    registry.store(models[0], "champion")
    following = follow()

    following.sync.step()

    current = following.store.current("champion")
    assert current
    assert files.read(current).graph == (models[0] / "model.onnx").read_bytes()
    assert left_over(following.store.root) == []
    sha256 = json.loads((models[0] / "model.json").read_text())["sha256"]
    info = {"alias": "champion", "version": "1", "artifact_sha256": digest(models[0]), "model_sha256": sha256}
    assert following.value("model_sync_model_info", **info) == 1
    assert following.value("model_sync_alias_followed", alias="champion") == 1
    assert following.value("model_sync_registry_up") == 1
    assert following.value("model_sync_last_success_timestamp_seconds")
    assert following.failures() == {}


def test_nothing_is_fetched_twice_and_the_way_back_needs_no_fetching(
    registry: LyingRegistry, follow: Callable[[], Following], models: list[Path]
) -> None:
    registry.store(models[0], "champion", "previous")
    following = follow()
    following.sync.step()
    following.sync.step()
    assert registry.downloads == len(files.SERVICE_FILES)

    registry.store(models[1], "champion")
    following.sync.step()
    assert following.serving() == digest(models[1])
    assert registry.downloads == 2 * len(files.SERVICE_FILES)

    registry.aliases |= {"champion": "1", "previous": "2"}
    following.sync.step()
    assert following.serving() == digest(models[0])
    assert registry.downloads == 2 * len(files.SERVICE_FILES)


def test_a_registry_that_is_down_changes_nothing_and_is_told_once(
    registry: LyingRegistry,
    follow: Callable[[], Following],
    models: list[Path],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    registry.store(models[0], "champion")
    following = follow()
    following.sync.step()
    success = following.value("model_sync_last_success_timestamp_seconds")

    registry.down = True
    for _ in range(3):
        following.sync.step()

    assert following.serving() == digest(models[0])
    assert following.failures() == {"answer": 3}
    assert following.value("model_sync_registry_up") == 0
    assert following.value("model_sync_last_success_timestamp_seconds") == success
    assert caplog.text.count("database is locked; the services keep what they have") == 1

    registry.down = False
    following.sync.step()
    assert following.value("model_sync_registry_up") == 1


def other_graph(stored: Stored) -> None:
    stored.contents["model.onnx"] = stored.contents["model.onnx"].replace(b"features", b"featurez")


def truncated_graph(stored: Stored) -> None:
    stored.contents["model.onnx"] = stored.contents["model.onnx"][:-1]


def other_golden_rows(stored: Stored) -> None:
    stored.contents["golden.json"] = stored.contents["golden.json"].replace(b"1", b"2", 1)


def missing_file(stored: Stored) -> None:
    del stored.contents["golden.json"]


def another_model(stored: Stored) -> None:
    """All files agree, but they are not those that were pushed."""
    changed_metadata(stored.contents, version="6.6.6")


def registered_too(stored: Stored) -> None:
    """Let the registry say so as well: then the files themselves must be wrong."""
    stored.tags["artifact_sha256"] = hashlib.sha256(stored.contents["model.json"]).hexdigest()


def other_features(stored: Stored) -> None:
    names = json.loads(stored.contents["model.json"])["feature_names"]
    changed_metadata(stored.contents, feature_names=names[::-1])
    registered_too(stored)


def other_output(stored: Stored) -> None:
    signature = json.loads(stored.contents["model.json"])["signature"]
    changed_metadata(stored.contents, signature=signature | {"output": signature["output"] | {"name": "probability"}})
    registered_too(stored)


def no_graph(stored: Stored) -> None:
    stored.contents["model.onnx"] = b"\x80\x04cos\nsystem\n"
    changed_metadata(stored.contents, sha256=hashlib.sha256(stored.contents["model.onnx"]).hexdigest())
    registered_too(stored)


def no_json(stored: Stored) -> None:
    stored.contents["model.json"] = b"[" * 100_000
    registered_too(stored)


def larger_than_any_model(stored: Stored) -> None:
    stored.contents["golden.json"] = bytes(files.MAX_JSON_BYTES + 1)


def files_of_the_machine(stored: Stored) -> None:
    stored.source = "file:///etc"


def another_folder(stored: Stored) -> None:
    stored.source = "mlflow-artifacts:/1/run1/../../../etc"


def a_digest_that_is_a_path(stored: Stored) -> None:
    stored.tags["artifact_sha256"] = "../../../outside"


def no_digest(stored: Stored) -> None:
    stored.tags.clear()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (other_graph, "digest"),
        (truncated_graph, "digest"),
        (other_golden_rows, "digest"),
        (another_model, "digest"),
        (missing_file, "answer"),
        (other_features, "signature"),
        (other_output, "signature"),
        (no_graph, "structure"),
        (no_json, "metadata"),
        (larger_than_any_model, "size"),
        (files_of_the_machine, "answer"),
        (another_folder, "answer"),
        (a_digest_that_is_a_path, "answer"),
        (no_digest, "answer"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_what_a_lying_registry_offers_is_never_laid_down(
    damage: Callable[[Stored], None],
    reason: str,
    registry: LyingRegistry,
    follow: Callable[[], Following],
    models: list[Path],
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    registry.store(models[0], "champion")
    following = follow()
    following.sync.step()

    damage(registry.store(models[1], "champion"))
    following.sync.step()

    assert following.serving() == digest(models[0])
    assert {path.name for path in (following.store.root / "versions").iterdir()} == {digest(models[0])}
    assert left_over(following.store.root) == []
    assert {path.name for path in tmp_path.iterdir()} == {"store"}
    assert following.failures() == {reason: 1}
    assert following.value("model_sync_alias_followed", alias="champion") == 0
    assert f"champion: version 2 is refused ({reason}): " in caplog.text
    assert f"{digest(models[0])[:12]} stays" in caplog.text

    registry.store(models[2], "champion")
    following.sync.step()
    assert following.serving() == digest(models[2])
    assert following.value("model_sync_alias_followed", alias="champion") == 1


def test_a_refused_version_is_tried_again_after_longer_and_longer_pauses(
    registry: LyingRegistry, follow: Callable[[], Following], models: list[Path]
) -> None:
    stored = registry.store(models[0], "champion")
    whole = stored.contents["model.onnx"]
    truncated_graph(stored)
    following = follow()

    for _ in range(10):
        following.sync.step()
    assert following.failures() == {"digest": 1}

    for seconds in (0.9, 0.2, 1.9, 0.2):
        following.clock[0] += seconds
        following.sync.step()
    assert following.failures() == {"digest": 3}

    stored.contents["model.onnx"] = whole
    following.clock[0] += 60
    following.sync.step()
    assert following.serving() == digest(models[0])


def test_the_disk_is_bounded(registry: LyingRegistry, follow: Callable[[], Following], models: list[Path]) -> None:
    following = follow()
    (following.store.root / "versions" / ".unfinished-x").mkdir(parents=True)
    (following.store.root / ".fetched-x").mkdir()

    following = follow()
    for model in models:
        registry.aliases["previous"] = registry.aliases.get("champion", "1")
        registry.store(model, "champion")
        following.sync.step()

    laid = {path.name for path in (following.store.root / "versions").iterdir()}
    assert {digest(model) for model in models[-2:]} <= laid
    assert len(laid) == 4, "those of the two aliases, and two more"
    assert left_over(following.store.root) == []


def test_a_disk_that_cannot_be_written_is_told_and_tried_again(
    registry: LyingRegistry, follow: Callable[[], Following], models: list[Path]
) -> None:
    registry.store(models[0], "champion")
    following = follow()
    following.store.root.parent.mkdir(exist_ok=True)
    following.store.root.write_text("a file where the directory of models should be")

    following.sync.step()
    assert following.failures() == {"disk": 1}

    following.store.root.unlink()
    following.clock[0] += 2
    following.sync.step()
    assert following.serving() == digest(models[0])


def test_a_new_start_goes_on_with_what_is_there_although_the_registry_is_down(
    registry: LyingRegistry, follow: Callable[[], Following], models: list[Path]
) -> None:
    registry.store(models[0], "champion")
    follow().sync.step()
    registry.down = True

    following = follow()
    following.sync.step()

    assert following.serving() == digest(models[0])
    sha256 = json.loads((models[0] / "model.json").read_text())["sha256"]
    info = {"alias": "champion", "version": "", "artifact_sha256": digest(models[0]), "model_sha256": sha256}
    assert following.value("model_sync_model_info", **info) == 1


def test_what_was_damaged_on_the_disk_is_fetched_again(
    registry: LyingRegistry, follow: Callable[[], Following], models: list[Path]
) -> None:
    registry.store(models[0], "champion")
    following = follow()
    following.sync.step()
    laid = following.store.current("champion")
    assert laid
    (laid / "model.onnx").write_bytes(b"")

    following = follow()
    following.sync.step()

    current = following.store.current("champion")
    assert current
    assert files.read(current).digest == digest(models[0])


def test_an_alias_that_the_registry_has_lost_changes_nothing(
    registry: LyingRegistry, follow: Callable[[], Following], models: list[Path]
) -> None:
    registry.store(models[0], "champion")
    following = follow()
    following.sync.step()

    registry.aliases.clear()
    following.sync.step()

    assert following.serving() == digest(models[0])
