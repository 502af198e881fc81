"""What every result file says of how it was made, and how that is collected."""

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ClassVar, Self

import msgspec

from serving_lab.results.checkout import Checkout
from serving_lab.results.machine import Machine

_LAB = "serving-lab"

Decoded = dict[str, Any]
"""A decoded result file of an earlier version."""


@dataclass(frozen=True)
class Format:
    """What tells one kind of result file from others."""

    schema: str
    """`serving-lab.KIND/VERSION`, as it is written; the version changes with the form."""
    command: str
    """What writes it, such as `bench`."""
    earlier: Mapping[str, Callable[[Decoded], Decoded]] = field(default_factory=dict)
    """By schema of an earlier version: what turns its document into one of this version."""

    @property
    def kind(self) -> str:
        """What the schema calls this kind, such as `judgement`."""
        return self.schema.partition("/")[0].rpartition(".")[2]


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that all results share; the result of a command adds its own, and a default for `schema`."""

    file_format: ClassVar[Format]

    schema: str
    started: str
    """UTC, ISO 8601."""
    seconds: float
    """How long it took."""
    partial: bool = False
    """Whether it ended before all that was planned was done."""
    seed: int
    revision: str | None = None
    """Commit of the checkout it was made in, with `+` if files were changed since; None: unknown."""
    revision_unknown: str | None = None
    """Why the commit is unknown, where that was recorded."""
    machine: Machine | None = None
    """None: not recorded, as in parity results of version 1."""
    versions: dict[str, str] = {}
    """Of the lab, of Python, and of the packages that matter for the result."""
    warnings: list[str] = []

    @property
    def commit(self) -> str:
        """The commit in words, with the reason where there is none."""
        return self.revision or f"unknown: {self.revision_unknown or 'not recorded'}"


@dataclass(frozen=True)
class Metadata:
    """What an envelope needs, collected when the work begins."""

    started: str
    revision: str | None
    revision_unknown: str | None
    machine: Machine
    versions: dict[str, str]
    _clock: float

    @classmethod
    def begin(cls, packages: Sequence[str] = (), root: Path | None = None) -> Self:
        """Collect it now.

        Args:
            packages: Distributions whose versions matter; those that are not installed are left out.
            root: The checkout; None: where the command runs.
        """
        found = {name: number for name in (_LAB, *packages) if (number := _version(name))}
        checkout = Checkout.at(root or Path.cwd())
        return cls(
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            revision=checkout.revision,
            revision_unknown=checkout.unknown,
            machine=Machine.here(),
            versions=found | {"python": platform.python_version()},
            _clock=time.monotonic(),
        )

    @property
    def seconds(self) -> float:
        """Seconds since it was collected."""
        return time.monotonic() - self._clock


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
