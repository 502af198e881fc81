"""The result files a report is made from; any may be missing, but not all."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from serving_lab.bench.result import BenchResult
from serving_lab.errors import LabError
from serving_lab.experiment.records import TargetRecord
from serving_lab.footprint.result import FootprintResult
from serving_lab.model_drift.result import DriftResult
from serving_lab.model_judge.result import JudgementResult
from serving_lab.parity.result import ParityResult
from serving_lab.report.targets import ShownTarget, shown
from serving_lab.results import files
from serving_lab.results.envelope import Envelope
from serving_lab.rollout.result import RolloutResult
from serving_lab.targets.addresses import place_of
from serving_lab.text import how_to

_HOLDS = {
    "bench": "throughput and latency",
    "parity": "whether the services answer alike",
    "footprint": "image sizes, start-up, memory and code",
}
_A_PAIR = 2
_OF_CANDIDATE = re.compile(r"parity-(?P<candidate>.+)\.json")


@dataclass(frozen=True)
class Missing:
    """A result that is not there."""

    name: str
    holds: str
    """What it would have said."""
    command: str
    """What writes it."""


@dataclass(frozen=True)
class Compared:
    """A comparison of answers."""

    result: ParityResult
    candidate: str | None = None
    """Whose answers they are, where the file is called parity-CANDIDATE.json."""


@dataclass(frozen=True)
class ReportInputs:
    """What there is; None or empty where a result is missing."""

    bench: BenchResult | None = None
    parities: tuple[Compared, ...] = ()
    footprint: FootprintResult | None = None
    rollout: RolloutResult | None = None
    judgement: JudgementResult | None = None
    """Of the last version of the model; it and the next two are about the model, which all services share."""
    model_rollout: RolloutResult | None = None
    drift: DriftResult | None = None

    @classmethod
    def read(
        cls,
        folder: Path,
        bench: Path | None,
        parity: Sequence[Path],
        footprint: Path | None,
        rollout: Path | None = None,
    ) -> "ReportInputs":
        """Read the results of a folder; a file that is named must be there.

        Raises:
            LabError: a file cannot be read, is not a result or compares nothing, or there is none at all.
        """
        inputs = cls(
            bench=files.read(path, BenchResult) if (path := _found(folder, "bench", bench)) else None,
            parities=tuple(_compared(path) for path in parity or _parities(folder)),
            footprint=files.read(path, FootprintResult) if (path := _found(folder, "footprint", footprint)) else None,
            rollout=files.read(path, RolloutResult) if (path := _found(folder, "rollout", rollout)) else None,
            judgement=files.read(path, JudgementResult) if (path := _found(folder, "judgement", None)) else None,
            model_rollout=files.read(path, RolloutResult) if (path := _found(folder, "model-rollout", None)) else None,
            drift=files.read(path, DriftResult) if (path := _found(folder, "drift", None)) else None,
        )
        if not inputs.results:
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
    def results(self) -> list[Envelope]:
        """All there are about services."""
        all_of_them = (self.bench, *(each.result for each in self.parities), self.footprint, self.rollout)
        return [result for result in all_of_them if result]

    @cached_property
    def targets(self) -> list[ShownTarget]:
        """The targets, the baseline first."""
        if self.bench:
            return shown(self.bench.targets)
        if self.footprint and len(self.footprint.targets) > 1:
            return shown(self.footprint.targets)
        if self.rollout and not self.parities:
            moved = self.rollout.primary, self.rollout.candidate
            return shown([TargetRecord(name=name, url="") for name in moved])
        candidates = [each.candidate or "candidate" for each in self.parities] or ["candidate"]
        return shown([TargetRecord(name=name, url="") for name in ("primary", *dict.fromkeys(candidates))])

    @property
    def names(self) -> list[str]:
        """Of the targets, the baseline first."""
        return [target.name for target in self.targets]

    def label(self, name: str) -> str:
        """Return what people call a target."""
        return next((target.label for target in self.targets if target.name == name), name)

    @property
    def missing(self) -> list[Missing]:
        """What is not there, and what writes it."""
        there = {"bench": self.bench, "parity": self.parities, "footprint": self.footprint}
        return [Missing(name, _HOLDS[name], f"lab {name}") for name, result in there.items() if not result]

    def parity_of(self, candidate: str) -> ParityResult | None:
        """Return the comparison of a candidate's answers with the baseline's; None where there is none.

        A file named after a candidate is about that one. Of others it is told by their address, and where there are
        only two targets, they are about those.
        """
        named = [each.result for each in self.parities if each.candidate == candidate]
        unnamed = [each.result for each in self.parities if each.candidate is None]
        about = [result for result in unnamed if self._is_about(result, candidate)]
        return next(iter((*named, *about)), None)

    def _is_about(self, parity: ParityResult, candidate: str) -> bool:
        if len(self.targets) <= _A_PAIR:
            return True
        if self.bench is None:
            return candidate == "candidate"
        urls = {target.name: target.url for target in self.bench.targets}
        measured = place_of(self.bench.baseline.url), place_of(urls[candidate])
        return (place_of(parity.primary.url), place_of(parity.candidate.url)) == measured


def _found(folder: Path, name: str, given: Path | None) -> Path | None:
    path = folder / f"{name}.json"
    return given or (path if path.exists() else None)


def _parities(folder: Path) -> Iterator[Path]:
    path = folder / "parity.json"
    if path.exists():
        yield path
    yield from sorted(path for path in folder.glob("parity-*.json") if _OF_CANDIDATE.fullmatch(path.name))


def _compared(path: Path) -> Compared:
    named = _OF_CANDIDATE.fullmatch(path.name)
    return Compared(files.read(path, ParityResult), named["candidate"] if named else None)
