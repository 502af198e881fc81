"""The phase of a service and the state of each worker, as all its processes see them."""

import pytest
from serving_core.runtime.lifecycle import Lifecycle, Phase


@pytest.fixture
def lifecycle() -> Lifecycle:
    return Lifecycle()


def as_worker(lifecycle: Lifecycle, slot: int) -> Lifecycle:
    """What the worker of a slot sees, after its fork."""
    worker = Lifecycle.__new__(Lifecycle)
    vars(worker).update(vars(lifecycle))
    worker.enter_slot(slot)
    return worker


def test_slots_are_used_again(lifecycle: Lifecycle) -> None:
    assert [lifecycle.assign_slot() for _ in range(3)] == [1, 2, 3]
    assert lifecycle.workers == 3

    lifecycle.free_slot(2)

    assert lifecycle.workers == 2
    assert lifecycle.assign_slot() == 2


def test_a_slot_is_ready_when_its_present_worker_is(lifecycle: Lifecycle) -> None:
    slot = lifecycle.assign_slot()
    assert not lifecycle.is_ready(slot)

    as_worker(lifecycle, slot).worker_is_ready()

    assert lifecycle.is_ready(slot)
    assert lifecycle.phase is Phase.READY
    lifecycle.free_slot(slot)
    assert lifecycle.assign_slot() == slot
    assert not lifecycle.is_ready(slot)


def test_only_the_worker_that_is_replaced_drains(lifecycle: Lifecycle) -> None:
    old, new = (as_worker(lifecycle, lifecycle.assign_slot()) for _ in range(2))
    lifecycle.replace(1)

    assert (old.is_draining, old.is_replaced) == (True, True)
    assert (new.is_draining, new.is_replaced) == (False, False)
    lifecycle.free_slot(1)
    assert not as_worker(lifecycle, lifecycle.assign_slot()).is_draining


def test_when_the_service_stops_nobody_is_replaced(lifecycle: Lifecycle) -> None:
    old, new = (as_worker(lifecycle, lifecycle.assign_slot()) for _ in range(2))
    lifecycle.replace(1)

    lifecycle.drain()

    assert (old.is_draining, old.is_replaced) == (True, False)
    assert (new.is_draining, new.is_replaced) == (True, False)
    assert as_worker(lifecycle, lifecycle.assign_slot()).is_draining
    assert lifecycle.phase is Phase.DRAINING
