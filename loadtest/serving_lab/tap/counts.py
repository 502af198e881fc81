"""What a tap counts, for people and for Prometheus."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


def _counted(says: str) -> Any:  # noqa: ANN401 - what dataclasses.field gives
    return field(default=0, metadata={"says": says})


@dataclass
class Counts:
    """Since the tap began; each field says in its metadata what it counts."""

    connections: int = _counted("Connections that clients opened.")
    forwarded: int = _counted("Exchanges that were passed on and are over.")
    refused: int = _counted("Requests answered with 502, because the primary accepted no connection.")
    unreadable: int = _counted("Connections that were passed on without being understood.")
    mirrored: int = _counted("Requests that were sent to the candidate too.")
    mirror_dropped: int = _counted("Requests not sent to the candidate: the queue was full, or they were too large.")
    recorded: int = _counted("Exchanges in the recording.")
    record_dropped: int = _counted("Exchanges that are not in the recording: they came too fast, or it is full.")
    client_bytes: int = _counted("Bytes that clients sent.")
    primary_bytes: int = _counted("Bytes that the primary sent.")
    recorded_bytes: int = _counted("Bytes in the recording.")


class CountsCollector(Collector):
    """The counts as metrics `lab_tap_…_total`, and how long the mirror's queue is."""

    def __init__(self, counts: Counts, queue_length: Callable[[], int]) -> None:
        self._counts = counts
        self._queue_length = queue_length

    def collect(self) -> Iterator[Metric]:
        """Prometheus asks."""
        for each in fields(Counts):
            value = getattr(self._counts, each.name)
            yield CounterMetricFamily(f"lab_tap_{each.name}", each.metadata["says"], value=value)
        yield GaugeMetricFamily("lab_tap_queue_length", "Requests that wait for the candidate.", self._queue_length())
