"""A service in all arrangements at once: its instances, the gateway before them, and the caches that they share."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from support.gateway import running_gateway
from support.redis import RunningRedis, running_redis
from support.services import RunningService, launched_service, terminate, wait_stopped, wait_until_ready

from benchmark.scaling.result import Arrangement

ALONE = Arrangement()
PLANNED = Arrangement(instances=4, workers=1, gateway=True, caches=1, held_out=True)
ARRANGEMENTS = (
    ALONE,
    Arrangement(workers=2),
    Arrangement(workers=4, held_out=True),
    Arrangement(gateway=True),
    Arrangement(instances=2, gateway=True),
    Arrangement(instances=4, gateway=True, held_out=True),
    Arrangement(gateway=True, caches=1),
    Arrangement(instances=2, gateway=True, caches=1),
    PLANNED,
    Arrangement(instances=4, gateway=True, caches=2, held_out=True),
)
_THREADS = 4


@dataclass(frozen=True)
class Running:
    """An arrangement that answers."""

    arrangement: Arrangement
    url: str
    parts: Mapping[str, Sequence[int]]
    """The first processes of each part: service, gateway, caches."""

    def cpu_seconds(self) -> dict[str, float]:
        """The processor time of each part so far, of all its processes."""
        return {part: sum(map(_cpu_seconds, pids)) for part, pids in self.parts.items()}


@contextlib.contextmanager
def running(name: str, model_dir: Path, arrangements: Sequence[Arrangement] = ARRANGEMENTS) -> Iterator[list[Running]]:
    """Start the service in each of these, and end all of it whatever became of it."""
    with contextlib.ExitStack() as stack:
        caches = [
            stack.enter_context(running_redis(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
            for _ in range(max(each.caches for each in arrangements))
        ]
        groups = [_launched(stack, name, model_dir, arrangement, caches) for arrangement in arrangements]
        for service in [each for group in groups for each in group]:
            wait_until_ready(service)
        yield [
            _in_front(stack, arrangement, group, caches)
            for arrangement, group in zip(arrangements, groups, strict=True)
        ]
        for end in (terminate, wait_stopped):
            for service in [each for group in groups for each in group]:
                end(service)


def _launched(
    stack: contextlib.ExitStack, name: str, model_dir: Path, arrangement: Arrangement, caches: Sequence[RunningRedis]
) -> list[RunningService]:
    # As in the images.
    settings = {"WORKERS": arrangement.workers, "THREADS": _THREADS, "DOCUMENTATION": None, "OPENBLAS_NUM_THREADS": 1}
    urls = [
        caches[number % arrangement.caches].url if arrangement.caches else None
        for number in range(arrangement.instances)
    ]
    return [stack.enter_context(launched_service(name, model_dir, CACHE_URL=url, **settings)) for url in urls]


def _in_front(
    stack: contextlib.ExitStack,
    arrangement: Arrangement,
    group: Sequence[RunningService],
    caches: Sequence[RunningRedis],
) -> Running:
    parts = {
        "service": [service.pid for service in group],
        "caches": [int(cache.client().info("server")["process_id"]) for cache in caches[: arrangement.caches]],
    }
    if not arrangement.gateway:
        return Running(arrangement, group[0].base_url, parts)
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    first, *others = group
    services = {first.name: first.base_url}
    gateway = stack.enter_context(running_gateway(directory, services, also=[service.base_url for service in others]))
    return Running(arrangement, gateway.url, {**parts, "gateway": [gateway.process.pid]})


def _cpu_seconds(pid: int) -> float:
    first = psutil.Process(pid)
    return sum(sum(process.cpu_times()[:2]) for process in (first, *first.children(recursive=True)))
