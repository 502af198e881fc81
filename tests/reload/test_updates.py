"""What a service makes of what it finds in the store: what it serves, counts and logs, and what it leaves alone."""

import contextlib
import os
import signal
import time
from collections.abc import Collection, Iterator
from pathlib import Path

import psutil
import pytest
from support.damaged_artifacts import DAMAGES
from support.exposition import scrape
from support.services import BASELINE, SERVICE_NAMES, RunningService, running_service, wait_until
from support.wire import Request, send

from reload.models import Models
from reload.traffic import Expected, Traffic

WORKERS = 2
KINDS = (
    *("file_missing", "one_bit_changed", "truncated_with_digest", "metadata_of_another_kind", "huge_file"),
    *("external_data", "operator_of_another_domain", "large_initializer", "loop", "single_precision", "higher_leaves"),
)


@pytest.fixture
def models(tmp_path: Path) -> Models:
    return Models(tmp_path / "models")


@pytest.fixture(params=SERVICE_NAMES)
def service(request: pytest.FixtureRequest, model_dir: Path, models: Models) -> Iterator[RunningService]:
    """Each service, as it serves MODEL_DIR because the store is empty."""
    with running_service(request.param, model_dir, WORKERS=WORKERS, MODEL_UPDATES_DIR=models.store.root) as service:
        wait_until(lambda: len(service.worker_pids()) == WORKERS, "all workers alive")
        yield service


def version(service: RunningService) -> str:
    return str(send(service, Request("GET", "/model-info", headers=())).json()["version"])


def reloads(service: RunningService, result: str) -> float:
    return scrape(service).value("model_reloads_total", result=result)


def wait_for(service: RunningService, result: str, times: int) -> None:
    wait_until(lambda: reloads(service, result) == times, f"{times} {result}", seconds=60, explain=service.stderr)


def trials(store: Path) -> list[psutil.Process]:
    """The processes that try models of this store out."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if "model_artifact.trial_process" in command and any(str(store) in argument for argument in command):
            found.append(process)
    return found


def test_damaged_models_answer_nothing_and_are_tried_once(
    model_dir: Path, service: RunningService, models: Models
) -> None:
    with Traffic(service, Expected.of([model_dir])) as traffic:
        for number, kind in enumerate(KINDS):
            spoilt = models.make(f"9.{number}.0", seed=number)
            DAMAGES[kind].spoil(spoilt)
            where = models.serve_unverified(spoilt)
            wait_for(service, "refused", number + 1)
            line = next(line for line in service.stderr().splitlines() if f"{where} is refused" in line)
            assert DAMAGES[kind].reason in line
        wait_until(lambda: not trials(models.store.root), "no trial")
        traffic.wait_for_more()
        time.sleep(0.5)  # a few times as long as it takes to look at the alias again
        assert not trials(models.store.root)
        assert reloads(service, "refused") == len(KINDS)

    assert traffic.failed == []
    assert {answer.version for answer in traffic.answers} == {version(service)}
    assert reloads(service, "loaded") == 0


def test_it_says_everywhere_what_it_serves(service: RunningService, models: Models) -> None:
    new = models.make("2.0.0", seed=1)
    models.serve(new)
    wait_for(service, "loaded", 1)
    wait_until(lambda: scrape(service).value("service_workers") == WORKERS, "only new workers")

    exposition = scrape(service)

    info = send(service, Request("GET", "/model-info", headers=())).json()
    assert info["version"] == "2.0.0"
    assert exposition.label_values("service_info", "model_version") == {"2.0.0"}
    assert exposition.label_values("service_info", "model_sha256") == {info["sha256"]}
    assert send(service, Request("GET", "/ready", headers=())).json()["model_version"] == "2.0.0"
    description = send(service, Request("GET", "/openapi.json", headers=()))
    if description.status_code == 200:
        assert description.json()["info"]["version"] == "2.0.0"


def test_the_last_of_several_wins(model_dir: Path, service: RunningService, models: Models) -> None:
    directories = [models.make(f"2.{number}.0", seed=number) for number in range(4)]
    names = [models.store.lay_down(directory) for directory in directories]
    with Traffic(service, Expected.of([model_dir, *directories])) as traffic:
        for name in names:
            models.point_to(name)
            time.sleep(0.15)  # so long that its trial has begun
        wait_until(lambda: version(service) == "2.3.0", "the last one", seconds=60, explain=service.stderr)
        wait_until(lambda: scrape(service).value("service_workers") == WORKERS, "one generation", seconds=60)
        traffic.wait_for_more()

    assert traffic.failed == []
    assert version(service) == "2.3.0"
    assert reloads(service, "refused") == reloads(service, "failed") == 0


def test_a_model_with_which_no_workers_start_is_given_up(service: RunningService, models: Models) -> None:
    before = set(service.worker_pids())
    models.serve(models.make("2.0.0", seed=1))
    wait_until(lambda: bool(trials(models.store.root)), "a trial", explain=service.stderr)

    def have_died() -> bool:
        # Without a pause for a tenth of a second: a worker is ready soon after it was forked.
        end = time.monotonic() + 0.1
        while time.monotonic() < end:
            kill_new_workers(service.pid, before)
        return "no workers start with 2.0.0" in service.stderr()

    wait_until(have_died, "it was given up", seconds=60, explain=service.stderr)

    assert reloads(service, "failed") == 1
    assert version(service) == "1.0.0"
    assert set(service.worker_pids()) == before
    os.kill(service.pid, signal.SIGHUP)  # tries again
    wait_until(lambda: version(service) == "2.0.0", "the new one", seconds=60, explain=service.stderr)


def kill_new_workers(arbiter: int, others: Collection[int]) -> None:
    """Kill the children of the arbiter but these and a trial; the kernel lists them faster than psutil."""
    for pid in map(int, Path(f"/proc/{arbiter}/task/{arbiter}/children").read_text().split()):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            if pid not in others and b"trial_process" not in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)


def test_a_stop_during_a_trial_ends_it(service: RunningService, models: Models) -> None:
    models.serve(models.make("2.0.0", seed=1))
    wait_until(lambda: bool(trials(models.store.root)), "a trial", explain=service.stderr)
    service.process.send_signal(signal.SIGTERM)  # type: ignore[union-attr] # it was started here

    wait_until(lambda: not trials(models.store.root), "its end")


def test_it_begins_with_the_model_of_the_alias(model_dir: Path, models: Models) -> None:
    models.serve(models.make("2.0.0", seed=1))
    with running_service(BASELINE, model_dir, MODEL_UPDATES_DIR=models.store.root) as service:
        assert version(service) == "2.0.0"
        assert reloads(service, "loaded") == 0


def test_another_alias_can_be_chosen(model_dir: Path, models: Models) -> None:
    models.serve(models.make("2.0.0", seed=1))
    models.store.point("challenger", models.store.lay_down(models.make("3.0.0", seed=2)))
    with running_service(BASELINE, model_dir, MODEL_UPDATES_DIR=models.store.root, MODEL_ALIAS="challenger") as service:
        assert version(service) == "3.0.0"


def test_it_begins_with_its_own_model_if_that_of_the_alias_is_damaged(model_dir: Path, models: Models) -> None:
    spoilt = models.make("2.0.0", seed=1)
    DAMAGES["higher_leaves"].spoil(spoilt)
    where = models.serve_unverified(spoilt)
    with running_service(BASELINE, model_dir, MODEL_UPDATES_DIR=models.store.root) as service:
        assert version(service) == "1.0.0"
        assert f"{where} is refused, golden" in service.stderr()
        time.sleep(0.5)  # a few times as long as it takes to look at the alias again
        assert reloads(service, "refused") == 1


def test_without_a_store_it_keeps_its_model(model_dir: Path, models: Models) -> None:
    with running_service(BASELINE, model_dir, MODEL_UPDATES_DIR=models.root / "nowhere") as service:
        assert version(service) == "1.0.0"
        assert "has no champion yet" in service.stderr()
