"""What a service uses, held against what the system says by other ways."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from serving_core.runtime import resources

BURN = "import time\nwhile time.process_time() < {seconds}: pass\nprint('done', flush=True)\n"


@pytest.fixture
def child() -> Iterator[subprocess.Popen[str]]:
    """A child that has used 0.4 s of processor time and then waits for its input to end."""
    program = BURN.format(seconds=0.4) + "import sys; sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "done\n"
        yield process
        process.kill()


@pytest.mark.usefixtures("child")
def test_a_living_child_is_a_worker_and_its_time_counts() -> None:
    tree = resources.read_process_tree(os.getpid())
    own = time.process_time()
    assert tree.children >= 1
    assert tree.cpu_seconds >= own + 0.35


def test_a_dead_childs_time_counts_on(child: subprocess.Popen[str]) -> None:
    before = resources.read_process_tree(os.getpid())
    child.communicate()
    after = resources.read_process_tree(os.getpid())
    assert after.children == before.children - 1
    assert after.cpu_seconds >= before.cpu_seconds


def test_memory_is_counted_once_a_page(child: subprocess.Popen[str]) -> None:
    alone = resources.read_process_tree(child.pid)
    both = resources.read_process_tree(os.getpid())
    assert alone.children == 0
    assert 1 << 20 < alone.pss_bytes < both.pss_bytes


def test_without_limits_the_machine_is_the_limit() -> None:
    limits = resources.read_limits()
    assert 0 < limits.cpu_cores <= len(os.sched_getaffinity(0))
    assert 0 < limits.memory_bytes <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
