"""What the arbiter of a service does for its workers."""

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest
from gunicorn.arbiter import Arbiter
from serving_core.arbiter import ServiceArbiter


@pytest.fixture
def without_collection() -> Iterator[None]:
    """Garbage collection as a service has it when it has started."""
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()


@pytest.mark.usefixtures("without_collection")
def test_workers_collect_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Arbiter, "spawn_worker", lambda _: int(gc.isenabled()))

    assert ServiceArbiter.spawn_worker(object.__new__(ServiceArbiter)) == 1


def test_only_users_of_graphql_wait_for_its_code() -> None:
    program = "import sys, fastapi_api.__main__, fastapi_api.worker; print('graphql' in sys.modules)"

    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "False\n"
