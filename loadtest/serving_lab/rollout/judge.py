"""The judgement of a stage: a pure function of what was seen of the candidate and of its control in the same time.

Each criterion has an interval. The candidate goes on where every interval lies within the stage's limits, and is rolled
back where one lies beyond. The looks are fixed beforehand and share the stage's alpha equally, with the criteria
(Bonferroni), so that looking often proves nothing by itself. What is missing is never taken for good.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from serving_lab.experiment.validity import MOST_VOID_SHARE
from serving_lab.parity.ledger import detectable_rate
from serving_lab.rollout import harm, memory
from serving_lab.rollout.intervals import Interval, error_difference, quantile_ratio
from serving_lab.rollout.memory import MemoryReading
from serving_lab.rollout.plan import RolloutPlan, ShadowStage, Stage
from serving_lab.rollout.requests import Columns
from serving_lab.text.phrases import MINUS, counted, duration, rarest_seen, some

_CRITERIA = 5
"""Errors, two quantiles, memory, and all groups together share the probability of a false alarm."""
_NAMED = 3


class Outcome(StrEnum):
    """What is to be done with a stage."""

    PROMOTE = "promote"
    HOLD = "hold"
    ROLL_BACK = "roll back"
    CANNOT_TELL = "cannot tell"


class Standing(StrEnum):
    """Where an interval lies."""

    WITHIN = "within"
    BEYOND = "beyond"
    OPEN = "open"
    NOT_ASKED = "not asked"


class Criterion(msgspec.Struct, frozen=True, kw_only=True):
    """One interval against its limits."""

    name: str
    """`errors`, `p50`, `p99`, or `memory`."""
    value: float | None
    """Difference of error shares, ratio of quantiles, or growth in an hour; None: not known."""
    low: float | None
    high: float | None
    """Ends of the interval; None: nothing is excluded on this side."""
    within: float | None
    """To be proven before the share grows; None: not asked."""
    beyond: float | None
    """Proof of this rolls back; None: not asked."""
    standing: Standing

    @property
    def text(self) -> str:
        """The interval and its limit, in words."""
        if self.value is None:
            return f"{_TITLES[self.name]}: not known yet"
        ends = f"{_shown(self.name, self.low)} to {_shown(self.name, self.high)}"
        return f"{_TITLES[self.name]} {ends}, limit {_shown(self.name, self.limit)}"

    @property
    def limit(self) -> float | None:
        """The limit that matters: of the two, the one that was passed, else the one that is still to be proven."""
        if self.standing is Standing.BEYOND or self.within is None:
            return self.beyond
        return self.within


@dataclass(frozen=True)
class Machine:
    """How much of the stage the machine was fit to measure."""

    starved_seconds: float = 0.0
    why: str = ""


@dataclass(frozen=True)
class AtOnce:
    """What ends a stage at any moment, without statistics."""

    causes: tuple[str, ...] = ()
    """Undeclared differences between answers of both services to the same requests."""
    dead: str = ""
    """Why the candidate cannot answer at all; empty: it can."""
    in_a_row: int = 0
    """The candidate's latest requests that failed, without any between them that did not."""


@dataclass(frozen=True)
class Evidence:
    """All that is known of a stage."""

    seconds: float
    """Since it began."""
    candidate: Columns
    control: Columns
    """Of the same time; in the last stage, where no slice is left for it, of the stage before."""
    operations: tuple[str, ...]
    past: harm.Past
    """On the primary."""
    met: harm.Past
    """On the candidate."""
    memory: Sequence[MemoryReading] = ()
    at_once: AtOnce = AtOnce()
    blind: str = ""
    """Why nothing is seen at present; empty: it is."""
    machine: Machine = Machine()


@dataclass(frozen=True)
class Judgement:
    """What follows."""

    outcome: Outcome
    why: str
    criteria: tuple[Criterion, ...] = ()


@dataclass(frozen=True)
class Look:
    """Whether this is one of the moments that were fixed beforehand."""

    final: bool = False
    """The longest hold is over: what is not proven by now is not told."""
    may_promote: bool = True
    """The shortest hold is over."""


def judge_at_once(seen: AtOnce, plan: RolloutPlan) -> Judgement:
    """Judge what needs no statistics: it holds, or rolls back."""
    if seen.causes:
        return Judgement(Outcome.ROLL_BACK, f"it answers otherwise: {some(seen.causes, _NAMED)}")
    if seen.dead:
        return Judgement(Outcome.ROLL_BACK, seen.dead)
    if seen.in_a_row >= plan.failures_in_a_row:
        return Judgement(Outcome.ROLL_BACK, f"its last {counted(seen.in_a_row, 'request')} failed")
    return Judgement(Outcome.HOLD, "")


def judge(evidence: Evidence, stage: Stage, plan: RolloutPlan, look: Look) -> Judgement:
    """Judge a stage at one of its looks."""
    at_once = judge_at_once(evidence.at_once, plan)
    alpha = plan.alpha / len(stage.hold.looks) / _CRITERIA
    criteria = tuple(_criteria(evidence, stage, plan.users, alpha))
    if at_once.outcome is Outcome.ROLL_BACK:
        return Judgement(at_once.outcome, at_once.why, criteria)
    missing = _missing(evidence, plan)
    proven = [each.text for each in criteria if each.standing is Standing.BEYOND and _tells(each, look)]
    proven += map(str, _harm(evidence, alpha))
    if proven:
        return Judgement(Outcome.ROLL_BACK, some(proven, _NAMED), criteria)
    open_ones = [each.text for each in criteria if each.within is not None and each.standing is not Standing.WITHIN]
    if not missing and not open_ones and look.may_promote:
        return Judgement(
            Outcome.PROMOTE, "; ".join(each.text for each in criteria if each.within is not None), criteria
        )
    why = missing or some(open_ones, _NAMED) if missing or open_ones else "held for the shortest time"
    if look.final:
        return Judgement(Outcome.CANNOT_TELL, f"not proven within {duration(stage.hold.most)}: {why}", criteria)
    return Judgement(Outcome.HOLD, why, criteria)


@dataclass(frozen=True)
class ShadowView:
    """What mirrored requests have shown so far."""

    compared: int
    """Requests that both have answered."""
    causes: tuple[str, ...] = ()
    """Undeclared differences that are proven."""
    suspicions: tuple[str, ...] = ()
    """Those that are not."""
    missing: str = ""
    """What it takes to tell how far values moved that are meant to; empty: nothing."""
    dead: str = ""
    """Why nothing is mirrored; empty: it is."""


def judge_shadow(view: ShadowView, stage: ShadowStage, look: Look | None) -> Judgement:
    """Judge what mirrored requests have shown; without a look only whether something is proven."""
    if view.causes:
        return Judgement(Outcome.ROLL_BACK, f"it answers otherwise: {some(view.causes, _NAMED)}")
    if view.dead:
        return Judgement(Outcome.CANNOT_TELL, view.dead)
    if look is None:
        return Judgement(Outcome.HOLD, "")
    missing = []
    if view.compared < stage.requests:
        missing.append(f"{counted(view.compared, 'request')} compared, and {stage.requests:,} are needed")
    if view.missing:
        missing.append(view.missing)
    if view.suspicions:
        missing.append(f"not told yet whether this is the candidate's: {some(view.suspicions, _NAMED)}")
    if not missing and look.may_promote:
        sure = rarest_seen(detectable_rate(view.compared))
        return Judgement(Outcome.PROMOTE, f"{counted(view.compared, 'request')} answered alike: {sure}")
    why = "; ".join(missing) or "held for the shortest time"
    if look.final:
        return Judgement(Outcome.CANNOT_TELL, f"not proven within {duration(stage.hold.most)}: {why}")
    return Judgement(Outcome.HOLD, why)


def _harm(evidence: Evidence, alpha: float) -> Iterator[harm.Harm]:
    seen = evidence
    return harm.harmed(seen.candidate, seen.control, seen.past, seen.met, seen.operations, alpha)


def _missing(evidence: Evidence, plan: RolloutPlan) -> str:
    """What forbids a pass, whatever the figures say."""
    if evidence.blind:
        return evidence.blind
    for who, side in (("the candidate", evidence.candidate), ("its control", evidence.control)):
        if not len(side):
            return f"no request reached {who}"
        if side.users < plan.users:
            return f"only {counted(side.users, 'bucket')} of users sent requests to {who}, and {plan.users} are needed"
    if evidence.machine.starved_seconds > MOST_VOID_SHARE * evidence.seconds:
        return f"the machine was not fit to judge on: {evidence.machine.why}"
    return ""


def _criteria(evidence: Evidence, stage: Stage, users: int, alpha: float) -> Iterator[Criterion]:
    candidate, control, seconds = evidence.candidate, evidence.control, evidence.seconds
    if min(candidate.users, control.users) < users:
        # A few users differ from a few others, whoever answers them.
        candidate = control = Columns.none()
    limits = stage.within, stage.beyond
    within, beyond = (limit.error_points and limit.error_points / 100 for limit in limits)
    yield _criterion("errors", error_difference(candidate, control, seconds, alpha), within, beyond)
    answered = candidate.timed, control.timed
    for name, quantile in (("p50", 0.5), ("p99", 0.99)):
        within, beyond = (getattr(limit, name) for limit in limits)
        if within is not None or beyond is not None:
            yield _criterion(name, quantile_ratio(*answered, quantile, seconds, alpha), within, beyond)
    within, beyond = (limit.memory_per_hour for limit in limits)
    if within is not None or beyond is not None:
        yield _criterion("memory", memory.growth_per_hour(evidence.memory, alpha), within, beyond, evidence)


def _criterion(
    name: str, found: Interval | None, within: float | None, beyond: float | None, evidence: Evidence | None = None
) -> Criterion:
    standing = Standing.OPEN
    if found is not None:
        # What has hardly grown yet may still be filling its caches.
        real = evidence is None or memory.grown(evidence.memory) >= memory.LEAST_GROWTH
        if beyond is not None and found.low > beyond and real:
            standing = Standing.BEYOND
        elif within is None:
            standing = Standing.NOT_ASKED
        elif found.high <= within:
            standing = Standing.WITHIN
    elif within is None:
        standing = Standing.NOT_ASKED
    ends = (found.value, found.low, found.high) if found else (None, None, None)
    value, low, high = (end if end is not None and math.isfinite(end) else None for end in ends)
    return Criterion(name=name, value=value, low=low, high=high, within=within, beyond=beyond, standing=standing)


def _tells(criterion: Criterion, look: Look) -> bool:
    # Memory grows at every beginning.
    return criterion.name != "memory" or look.may_promote


_TITLES = {"errors": "failed requests", "p50": "P50", "p99": "P99", "memory": "memory per hour"}


def _shown(name: str, value: float | None) -> str:
    if value is None:
        return "anything"
    if name == "errors":
        return f"{value * 100:+.2f} points".replace("-", MINUS)
    if name == "memory":
        return f"{value:+.0%}".replace("-", MINUS)
    return f"{value:.2f} times"
