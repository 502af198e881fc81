"""`lab model` on a real registry: what is pushed is there as it was, and what is promoted is what the services get."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from model_artifact import files
from model_artifact.errors import ArtifactError
from model_artifact.store import Store
from serving_lab import exit_codes
from serving_lab.model_drift.result import DriftResult
from serving_lab.results import files as result_files
from support.artifacts import change_metadata, shuffled_data, write_model
from support.checkout import Checkout
from support.command import lab
from support.fake_server import Asked, Says, fake_server
from support.registry import Running, running_sync
from support.services import wait_until

pytestmark = [pytest.mark.service, pytest.mark.timeout(300)]

SERVICES = {"flask-api": "FLASK_PORT", "fastapi-api": "FASTAPI_PORT"}


@dataclass
class Lab:
    """A registry, model-sync, and services that only say what they would serve: what is laid down for them."""

    checkout: Checkout
    registry: Running
    sync: Running
    models: list[Path]
    refusing: set[str]

    def run(self, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return lab("model", *arguments, cwd=self.checkout.root, environment=self.checkout.environment | environment)

    def answers(self, *arguments: str | Path) -> dict[str, object]:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        assert isinstance(answer, dict)
        return answer

    @property
    def laid_down(self) -> str | None:
        current = Store(self.checkout.root / "build" / "models").current("champion")
        return current.name if current else None


@pytest.fixture(scope="module")
def running(checkout: Checkout, registry: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    store = Store(checkout.root / "build" / "models")
    folder = tmp_path_factory.mktemp("models")
    models = [write_model(folder / str(seed), seed=seed) for seed in (1, 2)]
    models.append(write_model(folder / "boosted", kind="gradient_boosting", version="2.0.0"))
    refusing: set[str] = set()

    def metrics(name: str) -> Says:
        current = store.current("champion")
        if name in refusing or current is None:
            served, refused = "0" * 64, float(current is not None)
        else:
            served, refused = json.loads((current / "model.json").read_text())["sha256"], 0
        lines = (
            f'service_info{{model_version="1.0.0",model_sha256="{served}"}} 1.0\n'
            f'model_reloads_total{{result="refused"}} {refused}\nmodel_reloads_total{{result="loaded"}} 7.0\n'
        )
        return Says(lines.encode())

    with ExitStack() as stack:
        for name, setting in SERVICES.items():

            def respond(_: Asked, name: str = name) -> Says:
                return metrics(name)

            stack.enter_context(fake_server(respond, int(checkout.environment[setting])))
        sync = stack.enter_context(running_sync(checkout))
        yield Lab(checkout, registry, sync, models, refusing)


@pytest.fixture(scope="module")
def pushed(running: Lab) -> Lab:
    """The same with three versions."""
    for number, model in enumerate(running.models, start=1):
        assert running.answers("push", model) == {"version": str(number), "there_already": False, "same_graph_as": []}
    return running


def digest(model: Path) -> str:
    return files.read(model).digest


def test_nothing_was_pushed_at_first(running: Lab) -> None:
    shown = running.run("list")

    assert (shown.returncode, shown.stderr) == (0, "")
    assert "Nothing was pushed yet to diabetes: lab model push DIR" in shown.stdout
    assert "flask-api serves 1.0.0 (000000000000), which was never pushed" in shown.stdout

    back = running.run("rollback")
    assert back.returncode == 2
    assert back.stderr.startswith("error: there is nothing to go back to: no version was champion before this one")


def test_a_damaged_model_is_not_pushed(running: Lab, tmp_path: Path) -> None:
    model = write_model(tmp_path / "model")
    (model / "golden.json").write_text("{}")
    refused = running.run("push", model)

    assert refused.returncode == 2
    assert refused.stderr.startswith(f"error: {model} is refused (digest): golden.json is damaged: ")
    assert running.answers("list")["versions"] == []


def test_what_is_pushed_is_there_with_its_figures_and_pushing_it_again_says_so(pushed: Lab) -> None:
    again = pushed.run("push", pushed.models[1])
    rows = pushed.answers("list")["versions"]

    assert (again.returncode, again.stdout) == (0, f"{pushed.models[1]} is there already: version 2\n")
    assert isinstance(rows, list)
    assert [row["version"] for row in rows] == ["3", "2", "1"]
    for row, model in zip(rows, reversed(pushed.models), strict=True):
        metadata = files.read(model).metadata
        assert row["metrics"] == pytest.approx(metadata.metrics)
        assert (row["model_version"], row["model_type"]) == (metadata.version, metadata.model_type)
        assert (row["model_sha256"], row["dataset_sha256"]) == (metadata.sha256, metadata.dataset_sha256)
        assert row["artifact_sha256"] == digest(model)


def test_promoting_waits_until_the_services_serve_it_and_rolling_back_too(pushed: Lab) -> None:
    first = pushed.answers("promote", "1")
    assert pushed.laid_down == digest(pushed.models[0])
    assert (first["former"], first["problems"]) == (None, {})

    second = pushed.answers("promote", "3")
    assert pushed.laid_down == digest(pushed.models[2])
    assert second["former"] == "1"

    back = pushed.answers("rollback")
    assert pushed.laid_down == digest(pushed.models[0])
    assert (back["version"], back["former"]) == ("1", "3")

    again = pushed.answers("rollback")
    assert pushed.laid_down == digest(pushed.models[2])
    assert again["version"] == "3"
    for change in (first, second, back, again):
        seconds = change["seconds"]
        assert isinstance(seconds, dict)
        assert seconds.keys() == SERVICES.keys()


def test_the_list_shows_aliases_and_who_serves_what(pushed: Lab) -> None:
    pushed.answers("promote", "2")
    pushed.answers("promote", "previous")
    shown = pushed.run("list").stdout

    served = {line.split()[0]: line for line in shown.splitlines() if re.match(r" \d ", line)}
    assert "previous" in served["2"]
    [champion] = [number for number, line in served.items() if "champion" in line]
    assert "flask-api, fastapi-api" in served[champion]
    assert sum("flask-api" in line for line in served.values()) == 1


def test_a_service_that_does_not_serve_it_is_named_with_why(pushed: Lab) -> None:
    pushed.answers("promote", "1")
    pushed.refusing.add("fastapi-api")
    try:
        done = pushed.run("promote", "2", "--wait", "2")
    finally:
        pushed.refusing.clear()

    assert done.returncode == 1
    assert re.search(r"^flask-api serves it after \d\.\d\d s$", done.stdout, re.MULTILINE)
    assert re.search(r"^fastapi-api (still serves|refused it)", done.stdout, re.MULTILINE)
    assert "Back to the version before: lab model rollback" in done.stdout


def test_a_version_that_there_is_not_changes_nothing(pushed: Lab) -> None:
    pushed.answers("promote", "1")

    for said in ("77", "chalenger"):
        refused = pushed.run("promote", said)
        assert refused.returncode == 2
        assert refused.stderr == (
            f"error: the registry has no version {said} of diabetes\n hint: lab model list shows those there are\n"
        )
    assert pushed.laid_down == digest(pushed.models[0])


def test_a_version_that_is_judged_worse_never_becomes_the_champion(pushed: Lab, tmp_path: Path) -> None:
    pushed.answers("promote", "1")
    number = pushed.answers("push", write_model(tmp_path / "worse", data=shuffled_data()))["version"]
    before = pushed.answers("list")["versions"]

    judged = pushed.run("promote", str(number), "--judge", "--output", tmp_path / "results")

    assert judged.returncode == 1
    assert judged.stderr.startswith(f"error: version {number} is refused, and version 1 goes on serving")
    assert (tmp_path / "results" / "judgement.html").is_file()
    assert pushed.answers("list")["versions"] == before
    assert pushed.laid_down == digest(pushed.models[0])


def test_the_difference_names_metadata_metrics_parameters_digests_and_structure(pushed: Lab) -> None:
    done = pushed.run("diff", "1", "3", "--json")
    rows = {(row["group"], row["name"]): row for row in json.loads(done.stdout)}
    old, new = files.read(pushed.models[0]).metadata, files.read(pushed.models[2]).metadata

    assert rows["metadata", "kind"] == {
        "group": "metadata",
        "name": "kind",
        "old": "random_forest",
        "new": "gradient_boosting",
    }
    assert rows["digest", "model.onnx"]["old"] == old.sha256
    assert rows["metric", "r2"]["new"] == pytest.approx(new.metrics["r2"])
    assert {group for group, _ in rows} == {"metadata", "digest", "metric", "parameter", "structure"}
    assert ("metadata", "data") not in rows, "what is the same is left out"

    shown = pushed.run("diff", "1", "3").stdout
    assert re.search(r"metric\s+r2\s+[\d.-]+\s+[\d.-]+\s+[+-][\d.]+", shown)
    assert pushed.run("diff", "1", "1").stdout == "Versions 1 and 1 are the same.\n"


def test_a_registry_that_does_not_run_is_told_with_what_starts_it(running: Lab) -> None:
    for words in (("list",), ("promote", "1"), ("rollback",), ("diff", "1", "2"), ("push", running.models[0])):
        refused = running.run(*words, "--registry", "http://127.0.0.1:1")

        assert refused.returncode == 2
        assert refused.stderr == (
            "error: the registry at http://127.0.0.1:1 does not answer: Connection refused\n"
            " hint: COMPOSE_PROFILES=registry in .env, then make up: that starts the lab's own\n"
        )


def test_model_sync_outlives_a_registry_that_hangs_and_dies_and_follows_it_again(pushed: Lab) -> None:
    pushed.answers("promote", "1")

    pushed.registry.hang()
    refused = pushed.run("promote", "2", MODEL_SYNC_TIMEOUT_SECONDS="0.3")
    assert refused.returncode == 2
    assert "does not answer: nothing within 0.3 s" in refused.stderr
    pushed.registry.go_on()
    pushed.registry.kill()
    wait_until(lambda: "does not answer: Connection refused" in pushed.sync.log, "model-sync says so")
    assert pushed.laid_down == digest(pushed.models[0])

    assert pushed.sync.terminate() == 0
    pushed.sync.start()
    assert pushed.laid_down == digest(pushed.models[0])

    pushed.registry.start()
    pushed.answers("promote", "2")
    assert pushed.laid_down == digest(pushed.models[1])


def test_one_model_sync_writes_to_a_directory(running: Lab) -> None:
    other = subprocess.run(
        running.sync.program.command,
        env={**running.sync.environment, "MODEL_SYNC_PORT": "1"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert other.returncode == 2
    assert other.stderr.startswith("error: another model-sync writes to ")


def test_a_wrong_setting_of_model_sync_is_a_line(running: Lab) -> None:
    other = subprocess.run(
        running.sync.program.command,
        env={**running.sync.environment, "MODEL_SYNC_SECONDS": "often"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert other.returncode == 2
    assert other.stderr.startswith("error: MODEL_SYNC_SECONDS must be a number from 0.05 to 600, not 'often'\n")
    assert "Traceback" not in other.stderr


def test_what_the_registry_stores_is_what_was_pushed_but_damaged_files_of_it_are_named(pushed: Lab) -> None:
    data = pushed.checkout.root / "build" / "registry" / "data" / "artifacts"
    stored = [path for path in data.rglob("model.onnx") if files.read(path.parent).digest == digest(pushed.models[0])]
    assert len(stored) == 1
    whole = (stored[0].parent / "model.json").read_bytes()

    change_metadata(stored[0].parent, version="6.6.6")
    try:
        with pytest.raises(ArtifactError):
            files.read_evaluation(stored[0])
        damaged = pushed.run("diff", "1", "2")
    finally:
        (stored[0].parent / "model.json").write_bytes(whole)

    assert damaged.returncode == 2
    assert damaged.stderr.startswith("error: version 1 is damaged (digest): model.json is not the one that was pushed")


def test_drift_is_told_against_what_a_version_of_the_registry_was_trained_on(running: Lab, tmp_path: Path) -> None:
    number = str(running.answers("push", running.models[0])["version"])
    row = {"features": [50.0, 1, 26, 95, 189, 115, 50, 4, 4.6, 91], "prediction": 150.0, "model_version": "1.0.0"}
    (tmp_path / "log").write_text(json.dumps(row) + "\n")

    done = running.run("drift", tmp_path / "log", "--version", number, "--output", tmp_path)
    unknown = running.run("drift", tmp_path / "log", "--version", "99", "--output", tmp_path)

    assert done.returncode == exit_codes.CANNOT_TELL, "one row tells nothing"
    result = result_files.read(tmp_path / "drift.json", DriftResult)
    assert [each.digest for each in result.models] == [files.read(running.models[0]).info.sha256]
    assert unknown.returncode == exit_codes.CANNOT_TELL
    assert "version 99" in unknown.stderr
