"""RUN_DIR on a file system that is too small, or becomes full: a service says so, or goes on answering."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from support.exposition import scrape
from support.needs import lacking, needed
from support.services import (
    REFUSE_SECONDS,
    SERVICE_NAMES,
    RunningService,
    children,
    launched_service,
    stop,
    wait_until,
    wait_until_ready,
)
from support.wire import Request, send

from contract.cases.bodies import GOOD

each_service = pytest.mark.parametrize("name", SERVICE_NAMES)
WORKERS = 2


def on_file_system(directory: Path, kib: int) -> list[str]:
    """A command that becomes another one, for which this directory is a file system of this size."""
    private = [needed("unshare", package="util-linux"), "--user", "--map-root-user", "--mount", "sh", "-c"]
    mount = [f'mount -t tmpfs -o size={kib}k tmpfs "$0" && exec "$@"', str(directory)]
    if subprocess.run([*private, *mount, "true"], capture_output=True, check=False).returncode:
        lacking("ordinary users may not have file systems of their own here")
    return [*private, *mount]


def fill(service: RunningService, directory: Path) -> None:
    """Write to the service's file system until it is full."""
    with Path(f"/proc/{service.pid}/root{directory}/filler").open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(bytes(1024))


@each_service
@pytest.mark.parametrize("kib", [4, 64, 400])
def test_without_room_for_the_metrics_it_does_not_start(model_dir: Path, tmp_path: Path, name: str, kib: int) -> None:
    by = on_file_system(tmp_path, kib)
    with launched_service(name, model_dir, by, RUN_DIR=tmp_path, WORKERS=WORKERS) as service:
        assert service.process
        assert service.process.wait(REFUSE_SECONDS) == 1
        assert service.stderr() == f"{name}: RUN_DIR: metrics need 576 KiB in {tmp_path}: No space left on device\n"


@each_service
def test_a_file_system_that_becomes_full_stops_nothing(model_dir: Path, tmp_path: Path, name: str) -> None:
    by = on_file_system(tmp_path, 700)
    with launched_service(name, model_dir, by, RUN_DIR=tmp_path, WORKERS=WORKERS) as service:
        wait_until_ready(service)
        token = service.login()
        fill(service, tmp_path)
        workers = service.worker_pids()
        os.kill(workers[0], signal.SIGKILL)
        wait_until(lambda: len(set(service.worker_pids()) - {workers[0]}) == WORKERS, "a new worker")
        workers = children(service.pid)

        answers = [send(service, Request("POST", "/predict", body=GOOD), token).status_code for _ in range(20)]
        # Series that did not exist: more of them than the files have room for.
        others = ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
        refused = {send(service, Request(method, path)).status_code for method in others for path in ("/health", "/x")}
        counted = scrape(service).value("http_requests_total", handler="/predict", method="POST", status="200")

        assert (set(answers), refused) == ({200}, {404, 405})
        assert counted == len(answers)
        assert children(service.pid) == workers, "no worker died"
        stop(service)
