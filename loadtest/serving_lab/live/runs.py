"""Runs of load, from start to stop: the exact figures of each service, and the points drawn meanwhile."""

import csv
import io
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from serving_lab.live.figures import Figures
from serving_lab.live.series import Series, State, figures_between

KEPT_RUNS = 20


@dataclass
class Run:
    """One run; times are Unix seconds, `stopped` is None while it is running."""

    started: float
    elsewhere: bool = False
    """Whether this Locust did not send it: `make load`, a measurement, or a client of somebody's own."""
    ending: bool = False
    """Whether its load has stopped; one more point belongs to it."""
    stopped: float | None = None
    """When its last point was taken."""
    users: int = 0
    """The most users seen at once."""
    finding: str | None = None
    """What a load shape found, such as the number of users at which a service failed."""
    saturated: bool = False
    """Whether the generator was saturated at any time."""
    peak_memory_bytes: dict[str, float] = field(default_factory=dict)
    _first: dict[str, State] = field(default_factory=dict)
    _last: dict[str, State] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Its start, written so that it can be part of a file name."""
        return datetime.fromtimestamp(self.started, UTC).strftime("%Y%m%dT%H%M%SZ")

    def observe(self, service: str, series: Series) -> None:
        """Take in the last reading of a service."""
        if series.latest:
            self._first.setdefault(service, series.latest)
            self._last[service] = series.latest
        if series.gauges and series.gauges.memory_bytes:
            peak = self.peak_memory_bytes.get(service, 0.0)
            self.peak_memory_bytes[service] = max(peak, series.gauges.memory_bytes)

    def summary(self) -> dict[str, dict[str, float | None]]:
        """Each service's figures over the whole run; a service that was not read twice is left out."""
        return {
            service: asdict(figures) | {"peak_memory_bytes": self.peak_memory_bytes.get(service)}
            for service, figures in self._figures()
        }

    def describe(self) -> dict[str, Any]:
        """Everything but the points, for JSON."""
        return {
            "id": self.id,
            "started": self.started,
            "elsewhere": self.elsewhere,
            "stopped": self.stopped,
            "users": self.users,
            "finding": self.finding,
            "saturated": self.saturated,
            "summary": self.summary(),
        }

    def _figures(self) -> Iterator[tuple[str, Figures]]:
        for service, first in self._first.items():
            if figures := figures_between(first, self._last[service]):
                yield service, figures


class RunLog:
    """The last runs, the newest at the end."""

    def __init__(self) -> None:
        self.runs: deque[Run] = deque(maxlen=KEPT_RUNS)

    @property
    def unfinished(self) -> list[Run]:
        """Those that still get points: the one that runs, and one that is ending."""
        return [run for run in self.runs if run.stopped is None]

    def running(self, *, elsewhere: bool) -> list[Run]:
        """Those that have not ended: of this Locust, or from elsewhere."""
        return [run for run in self.unfinished if run.elsewhere == elsewhere]

    def find(self, run_id: str) -> Run | None:
        """The run of this id, or the newest for `latest`."""
        if run_id == "latest":
            return self.runs[-1] if self.runs else None
        return next((run for run in self.runs if run.id == run_id), None)


def as_csv(points: list[Mapping[str, Any]]) -> str:
    """Points as CSV: a row each, and a column for each figure of each service; unknown figures are empty.

    Columns are named `<service>_<figure>`, with the figure's unit in its name.
    """
    rows = [_row(point) for point in points]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _row(point: Mapping[str, Any]) -> dict[str, object]:
    row = {"sequence": point["sequence"], "time": point["time"]}
    for owner, figures in (*point["services"].items(), ("generator", point["generator"])):
        row |= {f"{owner}_{name}": value for name, value in figures.items()}
    return row
