"""Processors for measurements: how to have one whenever it is wanted, and how much of them others take."""

import contextlib
import os
import subprocess
import time

MOST_LOST = 0.002
"""Share of the time that others may take of a processor: P99 of a generator's lag shows one percent, and rightly so."""


def undisturbed() -> list[str]:
    """What a command begins with to have a processor whenever it wants one; nothing where this user may not.

    The command must not start the engine's programs: one waited for another without leaving its processor, and both of
    them held two processors for ten minutes.
    """
    first = ["chrt", "--fifo", "1"]
    return first if subprocess.run([*first, "true"], capture_output=True, check=False).returncode == 0 else []


def lost_to_others(seconds: float = 0.5) -> float:
    """Share of the time in which a program that never waits stood still for more than a millisecond.

    It comes before all other programs where this user may say so: then the host of a virtual machine had the processor.
    The worst of all processors.

    Args:
        seconds: How long to look at each.
    """
    return max(_lost(processor, seconds) for processor in os.sched_getaffinity(0))


def _lost(processor: int, seconds: float) -> float:
    before = os.sched_getaffinity(0)
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    os.sched_setaffinity(0, {processor})
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    try:
        lost, last = 0.0, time.perf_counter()
        end = last + seconds
        while last < end:
            now = time.perf_counter()
            lost += now - last if now - last > 0.001 else 0.0
            last = now
        return lost / seconds
    finally:
        os.sched_setscheduler(0, policy, parameters)
        os.sched_setaffinity(0, before)
