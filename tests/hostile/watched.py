"""A service that is watched while bad requests reach it: its workers, their memory, what it logs and counts."""

from pathlib import Path
from statistics import median

from support.exposition import scrape
from support.services import RunningService, wait_until

_KIB = 1024
# What the allocator and the caches of an interpreter still take after the first half.
_GROWTH, _GROWTH_MIB = 1.05, 4.0


class Watched:
    """Sees a service from the first look on."""

    def __init__(self, service: RunningService, workers: int) -> None:
        self._service = service
        wait_until(lambda: len(service.worker_pids()) == workers, "all workers")
        self._workers = service.worker_pids()
        self._memory: list[float] = []

    def look(self) -> None:
        """Look in between."""
        self._memory.append(sum(map(_pss_mib, self._workers)))
        assert self._service.worker_pids() == self._workers, f"{self._service.name}: a worker was restarted"

    def memory(self) -> str:
        """For people: its memory at first, half-way and at last."""
        first, *_, last = self._memory
        return f"{first:.0f} MiB at first, {self._halves()[0]:.0f} in the first half, {last:.0f} at last"

    def check(self) -> None:
        """Check that it has taken it all."""
        self.look()
        said = [line for line in self._service.stderr().splitlines() if '"ERROR"' in line or "Traceback" in line]
        assert not said, f"{self._service.name} logged {len(said)} errors, the first:\n{said[0][:3000]}"
        failed = {
            series: value
            for series, value in scrape(self._service).series("http_requests_total")
            if value and dict(series[1])["status"] >= "500"
        }
        assert not failed, f"{self._service.name}: {failed}"

    def check_memory(self) -> None:
        """Check that the second half of the looks has seen no more memory than the first."""
        first, second = self._halves()
        assert second <= first * _GROWTH + _GROWTH_MIB, f"{self._service.name}: {self._memory}"

    def _halves(self) -> tuple[float, float]:
        """The memory late in each half."""
        count = len(self._memory)
        return median(self._memory[count // 4 : count // 2]), median(self._memory[-count // 4 :])


def _pss_mib(pid: int) -> float:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1]) / _KIB
