"""The items of a checklist, and what is evidence for each: read from a file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Literal

import msgspec

from serving_lab.text.yaml_file import YamlFile

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class ParityAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A comparison of answers."""

    has: Literal["same", "all", "operations"] = "same"
    """The answers are the same; and that at all operations of the inventory, where there is one; or requests to
    operations were compared, whatever the answers."""
    operations: str = ""
    """A pattern of the operations (`METHOD /path`) of which at least one must have been compared; empty: any."""


class InventoryAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An inventory of the old service that has operations."""


class BenchAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A measurement."""

    of: Literal["baseline", "candidate"]
    """The baseline was measured; or the candidate was compared with it, and nothing is slower."""


class FootprintAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A footprint of the candidate."""

    has: Literal["image", "documentation"]
    """It was started from an image; or it serves an OpenAPI document with operations."""


class RolloutAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rollout to the candidate that ended with its promotion."""


class JudgementAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A version of the model that was judged not to be worse than the one before."""


class DriftAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A prediction log whose rows are like the training data."""


class TestsAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tests that passed, of the JUnit files."""

    name: str = ""
    """A pattern of their names (`module.Class.test`); {baseline} and {candidate} stand for the services' names."""
    properties: dict[str, str] = {}
    """What a test must have as a property, such as `tier: unit`."""
    suite: dict[str, str] = {}
    """What its test suite must have as a property, such as `ci: true`."""
    fewest: int = 1
    """So many of them must have passed."""


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that ticks a box: exactly one of these."""

    inventory: InventoryAsked | None = None
    parity: ParityAsked | None = None
    bench: BenchAsked | None = None
    footprint: FootprintAsked | None = None
    rollout: RolloutAsked | None = None
    judgement: JudgementAsked | None = None
    drift: DriftAsked | None = None
    tests: TestsAsked | None = None

    @property
    def kind(self) -> str:
        """Its name, such as `parity`."""
        return next(name for name in Evidence.__struct_fields__ if getattr(self, name) is not None)


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A box."""

    id: str
    text: str
    """What is true once it is ticked."""
    evidence: list[Evidence] = []
    """Any of these ticks it; none: only a person does."""
    if_any: bool = False
    """Whether it is left out where there is neither evidence nor a tick: not every service has a model, for example."""
    command: str = ""
    """What would tick it; {lab}, {test} and {program} stand for what runs a command, the tests and `lab` here."""


class Phase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the migration."""

    name: str
    items: list[Item]


@dataclass(frozen=True)
class Items:
    """A whole checklist."""

    phases: tuple[Phase, ...]

    @classmethod
    def read(cls, path: Path | None) -> "Items":
        """Read a file of items; without one, those of the lab.

        Raises:
            LabError: the file cannot be read or is wrong.
        """
        if path is not None:
            return cls._of(YamlFile.parse(path))
        with as_file(files(__package__) / "items.yaml") as own:
            return cls._of(YamlFile.parse(own))

    @property
    def ids(self) -> list[str]:
        """Of all items."""
        return [item.id for phase in self.phases for item in phase.items]

    @classmethod
    def _of(cls, file: YamlFile) -> "Items":
        form = file.convert(_Form)
        for place, problem in _faults(form):
            raise file.fault(place, problem)
        return cls(tuple(form.phases))


class _Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    phases: list[Phase]


def _faults(form: _Form) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    if not any(phase.items for phase in form.phases):
        yield "phases", "there is no item"
    for number, phase in enumerate(form.phases):
        for at, item in enumerate(phase.items):
            place = f"phases[{number}].items[{at}]"
            if not _ID.fullmatch(item.id):
                yield f"{place}.id", f"{item.id!r} is not valid, write it like smoke-tests"
            if item.id in seen:
                yield f"{place}.id", f"another item is called {item.id!r} already"
            if not item.text.strip():
                yield f"{place}.text", "says nothing"
            seen.add(item.id)
            for index, evidence in enumerate(item.evidence):
                yield from _evidence_faults(evidence, f"{place}.evidence[{index}]")


def _evidence_faults(evidence: Evidence, place: str) -> Iterator[tuple[str, str]]:
    kinds = Evidence.__struct_fields__
    if sum(getattr(evidence, kind) is not None for kind in kinds) != 1:
        yield place, f"is exactly one of {', '.join(kinds)}"
        return
    patterns = {"parity.operations": evidence.parity and evidence.parity.operations}
    if tests := evidence.tests:
        patterns["tests.name"] = tests.name
        if not (tests.name or tests.properties or tests.suite):
            yield f"{place}.tests", "name, properties or suite say which tests are meant"
        if tests.fewest < 1:
            yield f"{place}.tests.fewest", "is 1 at least: without any test nothing is shown"
    for key, pattern in patterns.items():
        try:
            re.compile(pattern or "")
        except re.error as error:
            yield f"{place}.{key}", f"is not a regular expression: {error}"
