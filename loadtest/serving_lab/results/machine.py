"""The machine that something was measured on."""

import os
import platform
from pathlib import Path
from typing import Self

import msgspec
import psutil


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The machine that something was measured on."""

    processor: str
    cores: int
    memory_bytes: int
    kernel: str
    """The operating system's name and release."""
    load: float | None = None
    """Average number of runnable processes over the last minute, before anything was sent; None: not recorded."""

    @classmethod
    def here(cls) -> Self:
        """This machine, as it is now."""
        return cls(
            processor=_processor(),
            cores=psutil.cpu_count() or 1,
            memory_bytes=int(psutil.virtual_memory().total),
            kernel=f"{platform.system()} {platform.release()}",
            load=os.getloadavg()[0],
        )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
