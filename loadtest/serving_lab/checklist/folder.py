"""Everything in a folder of results that may be evidence, and what of it could not be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from serving_lab.bench.result import BenchResult
from serving_lab.checklist import junit
from serving_lab.checklist.junit import JUnitRun
from serving_lab.errors import LabError
from serving_lab.footprint.result import FootprintResult
from serving_lab.inventory.result import InventoryResult
from serving_lab.model_drift.result import DriftResult
from serving_lab.model_judge.result import JudgementResult
from serving_lab.parity.result import ParityResult
from serving_lab.results import files
from serving_lab.results.envelope import Envelope, Format
from serving_lab.rollout.result import RolloutResult

_RESULTS: dict[str, type[Envelope]] = {
    form.kind: kind
    for kind in (
        *(InventoryResult, ParityResult, BenchResult, FootprintResult, RolloutResult),
        *(JudgementResult, DriftResult),
    )
    if isinstance(form := kind.file_format, Format)
}
"""By the kind of file, which is also the beginning of its name."""


@dataclass(frozen=True)
class Unreadable:
    """A file that should be evidence."""

    path: Path
    kind: str
    """As what it was read, such as `parity` or `tests`."""
    why: str


@dataclass(frozen=True)
class Folder:
    """What there is."""

    results: tuple[tuple[Path, Envelope], ...] = ()
    runs: tuple[JUnitRun, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

    @classmethod
    def read(cls, folder: Path, junit_files: Sequence[Path]) -> "Folder":
        """Read the results of the lab (*.json) and runs of tests (*.xml) in a folder, and JUnit files elsewhere.

        Raises:
            LabError: a file that was named is not there.
        """
        results: list[tuple[Path, Envelope]] = []
        runs: list[JUnitRun] = []
        unreadable: list[Unreadable] = []
        for path in sorted(folder.glob("*.json")):
            kind = _kind(path)
            if kind is None:
                continue
            try:
                results.append((path, files.read(path, _RESULTS[kind])))
            except LabError as error:
                unreadable.append(Unreadable(path, kind, str(error)))
        for path in dict.fromkeys((*sorted(folder.glob("*.xml")), *junit_files)):
            if path in junit_files and not path.exists():
                raise LabError(f"{path}: there is no such file", hint="--junit FILE, which a test run wrote")
            try:
                runs.append(junit.read(path))
            except LabError as error:
                unreadable.append(Unreadable(path, "tests", str(error)))
        return cls(tuple(results), tuple(runs), tuple(unreadable))


class _Head(msgspec.Struct, frozen=True):
    schema: str = ""


def _kind(path: Path) -> str | None:
    """Of which kind a file is, by its schema, else by its name; None: of none that can be evidence."""
    try:
        schema = msgspec.json.decode(path.read_bytes(), type=_Head).schema
    except (OSError, msgspec.DecodeError):
        schema = ""
    owner, _, kind = schema.partition("/")[0].partition(".")
    if owner in {"serving-lab", "lab"}:
        return kind if kind in _RESULTS else None
    named = path.stem.partition("-")[0]
    return named if named in _RESULTS else None
