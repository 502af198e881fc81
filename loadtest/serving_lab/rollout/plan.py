"""What a rollout is to do: its stages, what it proves at each, and how sure it must be; read from a file."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from serving_lab.text.yaml_file import YamlFile

WHOLE = 10_000
"""Basis points of all traffic."""

_LOOKS = 12
_EARLY = (1 / 4, 1 / 2)
"""Looks before the shortest hold, as shares of it: at those a stage may end badly, but not well."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much worse than its control a candidate may be; None: that is not asked."""

    error_points: float | None = None
    """Percentage points of failed requests."""
    p50: float | None = None
    """Ratio of the medians."""
    p99: float | None = None
    """Ratio of the 99th percentiles."""
    memory_per_hour: float | None = None
    """Growth of resident memory within an hour beyond the primary's, as a share of what it is; 1.0: it doubles."""


@dataclass(frozen=True)
class Hold:
    """How long a stage is held, in seconds."""

    least: float
    most: float

    @property
    def looks(self) -> tuple[float, ...]:
        """When it is judged, in seconds since its beginning: fixed beforehand, each later by the same factor."""
        factor = (self.most / self.least) ** (1 / (_LOOKS - 1))
        late = (self.least * factor**number for number in range(_LOOKS - 1))
        return (*(share * self.least for share in _EARLY), *late, self.most)


@dataclass(frozen=True)
class Stage:
    """A share of the traffic, and what is proven before the next one."""

    share: int
    """Basis points."""
    within: Limits
    """The candidate must be proven to be within these before the share grows."""
    beyond: Limits
    """It is rolled back once it is proven to be beyond one of these."""
    hold: Hold

    @property
    def name(self) -> str:
        """Such as `5%`."""
        return f"{self.share / 100:g}%"


@dataclass(frozen=True)
class ShadowStage:
    """Traffic is answered by the primary alone, and mirrored to the candidate."""

    requests: int
    """Fewest to compare."""
    hold: Hold


class MachineLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From when on a second says nothing, because the machine was starved."""

    stolen: float = 0.25
    """Share of its processors' time that the host of a virtual machine took."""
    waiting: float = 0.95
    """Share of the time in which some process waited for a processor (Linux's pressure stall information)."""


@dataclass(frozen=True)
class RolloutPlan:
    """All of a rollout."""

    primary: str
    candidate: str
    shadow: ShadowStage | None
    """None: it is left out."""
    stages: tuple[Stage, ...]
    alpha: float
    """Probability that any of a stage's intervals misses at any look."""
    users: int
    """Fewest buckets of users on each side: fewer say more about these users than about the services."""
    failures_in_a_row: int
    """So many of the candidate's requests, one after the other, end a stage at once."""
    machine: MachineLimits


class _Hold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    least: float
    most: float


class _Shadow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    requests: int = 1500
    hold: _Hold | None = None


class _Stage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    share: float
    within: dict[str, float | None] = {}
    beyond: dict[str, float | None] = {}
    hold: _Hold | None = None


_LIMITS = Limits(error_points=0.2, p50=1.1, p99=1.5, memory_per_hour=1.0)
_STAGES = (
    _Stage(1, within={"error_points": 3.0, "p50": 2.0, "p99": None}),
    _Stage(5, within={"error_points": 1.0, "p50": 1.5, "p99": 3.0}),
    _Stage(25, within={"error_points": 0.5, "p50": 1.2, "p99": 2.0}),
    _Stage(50),
    _Stage(
        100,
        within={"error_points": 0.5, "p50": 1.5, "p99": 3.0},
        beyond={"error_points": 0.5, "p50": 1.5, "p99": 3.0},
    ),
)


class _Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    primary: str | None = None
    candidate: str | None = None
    shadow: _Shadow | None = _Shadow()
    stages: tuple[_Stage, ...] = _STAGES
    limits: Limits = _LIMITS
    hold: _Hold = _Hold(60, 1800)
    alpha: float = 0.05
    users: int = 5
    failures_in_a_row: int = 20
    machine: MachineLimits = MachineLimits()


def read(path: Path | None, primary: str, candidate: str) -> RolloutPlan:
    """Read a file of stages; what it leaves out is as by default, and so is everything without a file.

    Args:
        path: The file.
        primary: The service that is replaced, unless the file says another.
        candidate: The one that replaces it, likewise.

    Raises:
        LabError: the file cannot be read, or is wrong.
    """
    if path is None:
        return _plan(_Form(), primary, candidate)
    file = YamlFile.read(path, {})
    form = file.convert(_Form)
    for place, problem in _faults(form):
        raise file.fault(place, problem)
    return _plan(form, primary, candidate)


def _plan(form: _Form, primary: str, candidate: str) -> RolloutPlan:
    return RolloutPlan(
        primary=form.primary or primary,
        candidate=form.candidate or candidate,
        shadow=ShadowStage(form.shadow.requests, _hold(form.shadow.hold or form.hold)) if form.shadow else None,
        stages=tuple(
            Stage(
                share=round(stage.share * 100),
                within=msgspec.structs.replace(form.limits, **stage.within),
                beyond=msgspec.structs.replace(form.limits, **stage.beyond),
                hold=_hold(stage.hold or form.hold),
            )
            for stage in form.stages
        ),
        alpha=form.alpha,
        users=form.users,
        failures_in_a_row=form.failures_in_a_row,
        machine=form.machine,
    )


def _hold(hold: _Hold) -> Hold:
    return Hold(hold.least, hold.most)


def _faults(form: _Form) -> Iterator[tuple[str, str]]:
    if not form.stages:
        yield "stages", "there is none"
    shares = [0.0, *(stage.share for stage in form.stages)]
    for number, (before, share) in enumerate(itertools.pairwise(shares)):
        if not before < share <= 100 or round(share * 100) < 1:
            yield f"stages[{number}].share", "is a percentage above the one before, 0.01 at least and 100 at most"
    holds = [("hold", form.hold), *((f"stages[{n}].hold", each.hold) for n, each in enumerate(form.stages))]
    if form.shadow:
        holds.append(("shadow.hold", form.shadow.hold))
        if form.shadow.requests < 1:
            yield "shadow.requests", "is 1 at least: without any request nothing was compared"
    for place, hold in holds:
        if hold and not 0 < hold.least < hold.most:
            yield place, "least is above 0, and most is above least"
    if not 0 < form.alpha < 1:
        yield "alpha", "is a probability between 0 and 1"
    for place, number in (("users", form.users), ("failures_in_a_row", form.failures_in_a_row)):
        if number < 1:
            yield place, "is 1 at least"
    names = Limits.__struct_fields__
    for number, stage in enumerate(form.stages):
        for key, limits in (("within", stage.within), ("beyond", stage.beyond)):
            for name in limits.keys() - set(names):
                yield f"stages[{number}].{key}.{name}", f"is no limit; choose from {', '.join(names)}"
        if all(
            value is None for value in msgspec.structs.astuple(msgspec.structs.replace(form.limits, **stage.within))
        ):
            yield f"stages[{number}]", "proves nothing: one limit at least must be asked for"
