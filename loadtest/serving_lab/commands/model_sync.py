"""The program model-sync, which lays down for the services what the registry's aliases stand for."""

import fcntl
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import IO

from model_artifact.store import Store
from prometheus_client import CollectorRegistry, disable_created_metrics, start_http_server

from serving_lab.errors import LabError
from serving_lab.registry.calls import Calls
from serving_lab.registry.mlflow import Registry
from serving_lab.registry.settings import SyncSettings
from serving_lab.registry.sync_status import SyncStatus
from serving_lab.registry.syncing import CHALLENGER, PREVIOUS, Sync
from serving_lab.text import settings


def main() -> None:
    """Follow the registry until SIGINT or SIGTERM; a wrong setting is a line and exit code 2."""
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for each in (signal.SIGINT, signal.SIGTERM):
        # At once, whatever it waits for: nothing that it writes is seen before all of it is there.
        signal.signal(each, lambda *_: sys.exit(0))
    try:
        _run(settings.read(os.environ, SyncSettings))
    except LabError as error:
        sys.stderr.write(f"error: {error}\n{f' hint: {error.hint}{chr(10)}' if error.hint else ''}")
        sys.exit(error.exit_code)


def _run(asked: SyncSettings) -> None:
    root = Path(asked.model_updates_dir)
    registry = Registry(Calls(asked.registry_url, asked.model_sync_timeout_seconds), asked.model_name)
    disable_created_metrics()
    metrics = CollectorRegistry()
    with _locked(root):
        aliases = dict.fromkeys((asked.model_alias, PREVIOUS, CHALLENGER))
        try:
            sync = Sync(registry, Store(root), [*aliases], SyncStatus(metrics))
            start_http_server(asked.model_sync_port, asked.model_sync_host, metrics)
        except OSError as error:
            where = error.filename or f"{asked.model_sync_host}:{asked.model_sync_port}"
            raise LabError(f"{where}: {error.strerror}", hint="MODEL_SYNC_PORT, MODEL_UPDATES_DIR") from error
        pause = threading.Event()
        while True:
            sync.step()
            pause.wait(asked.model_sync_seconds)


def _locked(root: Path) -> IO[str]:
    """Make sure that nobody else writes there.

    Raises:
        LabError: somebody does, or the directory cannot be used.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = (root / ".lock").open("a")
    except OSError as error:
        raise LabError(f"{error.filename}: {error.strerror}", hint="set MODEL_UPDATES_DIR to another path") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise LabError(f"another model-sync writes to {root}", hint="end that one, or set MODEL_UPDATES_DIR") from error
    return lock


if __name__ == "__main__":
    main()
