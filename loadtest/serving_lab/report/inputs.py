"""The result files a report is made from; any may be missing, but not all."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from serving_lab.bench.result import BenchResult
from serving_lab.errors import LabError
from serving_lab.footprint.result import FootprintResult
from serving_lab.parity.result import ParityResult
from serving_lab.results import files
from serving_lab.text import how_to

_HOLDS = {
    "bench": "throughput and latency",
    "parity": "whether the services answer alike",
    "footprint": "image sizes, start-up, memory and code",
}
_A_PAIR = 2
_THIS_MACHINE = {"localhost", "::1", "0.0.0.0"}  # noqa: S104 - compared with, not bound to


@dataclass(frozen=True)
class Missing:
    """A result that is not there."""

    name: str
    holds: str
    """What it would have said."""
    command: str
    """What makes it."""


@dataclass(frozen=True)
class ReportInputs:
    """What there is; None where a result is missing."""

    bench: BenchResult | None = None
    parity: ParityResult | None = None
    footprint: FootprintResult | None = None

    @classmethod
    def read(cls, folder: Path, bench: Path | None, parity: Path | None, footprint: Path | None) -> "ReportInputs":
        """Read the results of a folder; a file that is named must be there.

        Raises:
            LabError: a file cannot be read, is no result or compares nothing, or there is none at all.
        """
        inputs = cls(
            bench=files.read(path, BenchResult) if (path := _found(folder, "bench", bench)) else None,
            parity=files.read(path, ParityResult) if (path := _found(folder, "parity", parity)) else None,
            footprint=files.read(path, FootprintResult) if (path := _found(folder, "footprint", footprint)) else None,
        )
        if inputs == cls():
            raise LabError(
                f"{folder} holds no result to report",
                hint=f"{', '.join(map(how_to.run, _HOLDS))}: each writes one, and one is enough",
            )
        for name, result, fewest in (("bench", inputs.bench, 2), ("footprint", inputs.footprint, 1)):
            if result is not None and len(result.targets) < fewest:
                raise LabError(
                    f"the result of lab {name} has too few targets: {len(result.targets)}",
                    hint=f"{how_to.run(name)} writes another",
                )
        return inputs

    @property
    def names(self) -> list[str]:
        """Of the targets, the baseline first."""
        if self.bench:
            return [target.name for target in self.bench.targets]
        if self.footprint and len(self.footprint.targets) > 1:
            return [target.name for target in self.footprint.targets]
        return ["primary", "candidate"]

    @property
    def missing(self) -> list[Missing]:
        """What is not there, and what makes it."""
        there = {"bench": self.bench, "parity": self.parity, "footprint": self.footprint}
        return [Missing(name, _HOLDS[name], f"lab {name}") for name, result in there.items() if result is None]

    def parity_of(self, candidate: str) -> ParityResult | None:
        """Return the comparison of a candidate's answers with the baseline's; None where there is none.

        Where there are two targets, it is about those; where there are more, the one at the compared address.
        """
        if self.parity is None or self.bench is None or len(self.bench.targets) <= _A_PAIR:
            return self.parity
        urls = {target.name: target.url for target in self.bench.targets}
        compared = _address(self.parity.primary.url), _address(self.parity.candidate.url)
        return self.parity if compared == (_address(self.bench.baseline.url), _address(urls[candidate])) else None


def _found(folder: Path, name: str, given: Path | None) -> Path | None:
    path = folder / f"{name}.json"
    return given or (path if path.exists() else None)


def _address(url: str) -> tuple[str, int | None, str]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return "127.0.0.1" if host in _THIS_MACHINE else host, parts.port, parts.path.rstrip("/")
