"""The table that all workers of a service share."""

import os
import signal
from collections import OrderedDict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving_core.runtime.shared_memory import ProcessLock, SharedTable

# Keys whose first word is the same share a bucket whatever the table's size.
KEYS = [low.to_bytes(8, "little") + high.to_bytes(8, "little") for low in (0, 1, 7, 2**63) for high in (0, 5)]
steps = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(KEYS), st.floats(allow_nan=False)),
    st.tuples(st.just("get"), st.sampled_from(KEYS), st.none()),
    st.tuples(st.just("ask"), st.sampled_from(KEYS), st.none()),
    st.tuples(st.just("clear"), st.none(), st.none()),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(max_entries=st.integers(1, 6), script=st.lists(steps, max_size=60))
def test_it_behaves_as_an_ordered_dictionary_of_bounded_size(max_entries: int, script: list[tuple]) -> None:  # type: ignore[type-arg]
    table = SharedTable(max_entries)
    model: OrderedDict[bytes, float] = OrderedDict()
    with table:
        for action, key, value in script:
            if action == "put":
                evicted = table.put(key, value)
                assert evicted == (key not in model and len(model) == max_entries)
                if evicted:
                    model.popitem(last=False)
                model[key] = value
                model.move_to_end(key)
            elif action == "get":
                found = table.get(key)
                assert (found and found[0]) == model.get(key)
                if key in model:
                    model.move_to_end(key)
            elif action == "ask":
                assert table.may_hold(key) == (key in model)
            else:
                assert table.clear() == len(model)
                model.clear()
            assert len(table) == len(model)


def test_a_value_is_a_pair_of_numbers() -> None:
    with SharedTable(1) as table:
        table.put(KEYS[0], 1.5, -0.25)
        assert table.get(KEYS[0]) == (1.5, -0.25)


def test_children_see_each_others_entries_and_lose_no_count() -> None:
    table = SharedTable(4)
    rounds, children = 2000, 3
    pids = [_fork(lambda: _count_up(table, rounds)) for _ in range(children)]
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * children
    with table:
        assert table.get(KEYS[0]) == (rounds * children, 0.0)
        assert table.counter(0) == rounds * children


def test_a_process_that_dies_inside_leaves_an_empty_table_and_its_counters() -> None:
    table = SharedTable(4)
    with table:
        table.put(KEYS[0], 1.0)
        table.count(0)
    pid = _fork(lambda: _die_inside(table))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    with table:
        assert len(table) == 0
        assert table.get(KEYS[0]) is None
        assert table.counter(0) == 1
        table.put(KEYS[1], 2.0)
    with table:
        assert table.get(KEYS[1]) == (2.0, 0.0)


def test_an_error_inside_empties_the_table_too() -> None:
    table = SharedTable(4)
    with pytest.raises(KeyboardInterrupt):
        _be_interrupted_inside(table)
    with table:
        assert len(table) == 0


def test_a_lock_is_free_again_when_its_holder_is_killed() -> None:
    lock = ProcessLock()
    pid = _fork(lambda: _die_holding(lock))
    os.waitpid(pid, 0)
    with lock:
        pass


def _fork(work) -> int:  # type: ignore[no-untyped-def] # noqa: ANN001
    """Run in a child, which exits with 0 where the work returns."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - a child must never return into the test runner
            os._exit(1)
        os._exit(0)
    return pid


def _count_up(table: SharedTable, rounds: int) -> None:
    for _ in range(rounds):
        with table:
            count, _ = table.get(KEYS[0]) or (0.0, 0.0)
            table.put(KEYS[0], count + 1)
            table.count(0)


def _die_inside(table: SharedTable) -> None:
    with table:
        table.put(KEYS[1], 1.0)
        os.kill(os.getpid(), signal.SIGKILL)


def _be_interrupted_inside(table: SharedTable) -> None:
    with table:
        table.put(KEYS[0], 1.0)
        raise KeyboardInterrupt


def _die_holding(lock: ProcessLock) -> None:
    with lock:
        os.kill(os.getpid(), signal.SIGKILL)
