"""Resources that a service uses and its limits, read from /proc and the control groups without privileges.

Sources: proc(5); cgroup v1 and v2 in the kernel's admin guide. Reading takes about a millisecond per process.
"""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_UNLIMITED_FROM_BYTES = 1 << 60  # version 1 says "no limit" with a number near 2**63
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class ProcessTree:
    """The arbiter of a service and its living children at one moment: workers, and whatever else it has started."""

    children: int
    pss_bytes: int
    """Sum of the proportional set sizes: shared pages count once for all processes together."""
    cpu_seconds: float
    """User and system time of all processes, including dead ones."""


def read_process_tree(arbiter_pid: int) -> ProcessTree:
    """Measure an arbiter and its children."""
    children, cpu_ticks = _read_cpu_ticks(arbiter_pid)
    return ProcessTree(
        children=len(children),
        pss_bytes=sum(_pss_bytes(pid) for pid in (arbiter_pid, *children)),
        cpu_seconds=cpu_ticks / _TICKS_PER_SECOND,
    )


def _read_cpu_ticks(arbiter_pid: int) -> tuple[list[int], int]:
    """The living children, and the clock ticks of all: those of a dead child belong to its parent once it has waited.

    Read again if the parent waited for a child meanwhile: its ticks would be missed or counted twice.
    """
    while True:
        before = _own_and_waited_ticks(arbiter_pid)
        children = {pid: _own_and_waited_ticks(pid) for pid in _children(arbiter_pid)}
        after = _own_and_waited_ticks(arbiter_pid)
        if before is None or after is None or before[1] == after[1]:
            ticks = [before, *children.values()]
            return [pid for pid, used in children.items() if used], sum(sum(used) for used in ticks if used)


def _own_and_waited_ticks(pid: int) -> tuple[int, int] | None:
    """Clock ticks of a process itself and of the children it has waited for; None if the process is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    user, system, waited_user, waited_system = map(int, fields[11:15])
    return user + system, waited_user + waited_system


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _pss_bytes(pid: int) -> int:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:")), 0)


@dataclass(frozen=True)
class Limits:
    """The limits of a service; without limits, the resources of the machine."""

    memory_bytes: int
    cpu_cores: float


def read_limits() -> Limits:
    """Read the limits of this process's control group."""
    memory_bytes = _read_memory_limit_bytes()
    machine_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    cpu_cores = _read_cpu_quota_cores()
    machine_cores = len(os.sched_getaffinity(0))
    return Limits(
        memory_bytes=machine_bytes if memory_bytes is None else min(memory_bytes, machine_bytes),
        cpu_cores=machine_cores if cpu_cores is None else min(cpu_cores, machine_cores),
    )


def read_cgroup_memory_bytes(arbiter_pid: int) -> int | None:
    """The memory that is charged to the container; None outside a container, where other programs share the group.

    A control group counts as the service's own if it limits memory or if the arbiter is process 1.
    """
    if arbiter_pid != 1 and _read_memory_limit_bytes() is None:
        return None
    return _read_number("memory", "memory.current", "memory.usage_in_bytes")


def _read_memory_limit_bytes() -> int | None:
    limit = _read_number("memory", "memory.max", "memory.limit_in_bytes")
    return None if limit is None or limit >= _UNLIMITED_FROM_BYTES else limit


def _read_cpu_quota_cores() -> float | None:
    unified = _read("", "cpu.max")
    if unified:
        quota, period = unified.split()
        return None if quota == "max" else int(quota) / int(period)
    quota_us = _read_number("cpu", "", "cpu.cfs_quota_us")
    period_us = _read_number("cpu", "", "cpu.cfs_period_us")
    return None if not period_us or not quota_us or quota_us < 0 else quota_us / period_us


def _read_number(controller: str, unified_file: str, version1_file: str) -> int | None:
    text = _read("", unified_file) if unified_file else None
    text = text if text is not None else _read(controller, version1_file)
    return None if text is None or text == "max" else int(text)


def _read(controller: str, file: str) -> str | None:
    """A file of this process's control group; controller "" is the unified hierarchy of version 2."""
    directory = _control_group(controller)
    try:
        return (directory / file).read_text().strip() if directory else None
    except OSError:
        return None


@cache
def _control_group(controller: str) -> Path | None:
    """The directory of this process's control group (a container sees its own group as the root of the mount).

    Cached: a process stays in its group, and every scrape reads five files there.
    """
    memberships = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    path = next((path for _, names, path in memberships if controller in names.split(",")), None)
    if path is None:
        return None
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, filesystem = line.partition(" - ")
        root, mount_point = fields.split()[3:5]
        kind, _, options = filesystem.split()[:3]
        if kind == ("cgroup" if controller else "cgroup2") and (not controller or controller in options.split(",")):
            below = Path(path.removeprefix(root).lstrip("/")) if path.startswith(root) else Path()
            return Path(mount_point) / below
    return None
