"""Conducts a rollout: holds each stage until the judge can tell, moves the share, and writes down every decision."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import msgspec
import numpy as np

from serving_lab.errors import LabError
from serving_lab.results.envelope import Metadata
from serving_lab.rollout.judge import (
    AtOnce,
    Evidence,
    Judgement,
    Look,
    Outcome,
    judge,
    judge_at_once,
    judge_shadow,
)
from serving_lab.rollout.mirror import Shadow
from serving_lab.rollout.page import PageFile
from serving_lab.rollout.plan import WHOLE, Hold, RolloutPlan, Stage
from serving_lab.rollout.requests import Columns, stretched
from serving_lab.rollout.result import (
    Decision,
    Ending,
    LookRecord,
    RolloutResult,
    SideRecord,
    StageRecord,
)
from serving_lab.rollout.state import State, StateFile
from serving_lab.rollout.surroundings import Surroundings
from serving_lab.rollout.traffic import TakenBack, Traffic
from serving_lab.rollout.watch import Watch
from serving_lab.text.phrases import counted, seconds

SHADOW = "shadow"
TICK_SECONDS = 0.25

_SILENT_SECONDS = 5.0
"""How long the gateway may be silent before a stage ends: nothing is known of the candidate's requests then."""
_ENDINGS = {Outcome.ROLL_BACK: Ending.ROLLED_BACK, Outcome.CANNOT_TELL: Ending.CANNOT_TELL}


class Told(Protocol):
    """Is told what happens, for people to see."""

    def decision(self, decision: Decision) -> None:
        """Something was decided."""

    def look(self, stage: StageRecord, look: LookRecord) -> None:
        """A stage was judged."""


Approve = Callable[[str], bool | None]
"""Whether a person lets a rollout go on to a stage; None: they have not said yet."""


@dataclass
class Rollout:
    """One rollout, from where its state says it is.

    Args:
        plan: What is to be done.
        state: How far it is.
        file: Where that is kept.
        traffic: Moves the share.
        watch: What became of the requests.
        surroundings: Memory and machine.
        shadow: Mirrored requests; None: there are none.
        approve: Asks a person before each stage; None: nobody is asked.
        told: Is told what happens.
        page: Shows it to people.
    """

    plan: RolloutPlan
    state: State
    file: StateFile
    traffic: Traffic
    watch: Watch
    surroundings: Surroundings
    shadow: Shadow | None
    approve: Approve | None
    told: Told
    page: PageFile
    _before: tuple[Columns, float] | None = None
    """Requests of the control slice in the stage before, and its length."""
    _taken_back: TakenBack | None = None
    _open: StageRecord | None = None
    _began: float = 0.0
    _warnings: list[str] = field(default_factory=list)

    def run(self, metadata: Metadata) -> RolloutResult:
        """Go on until it is promoted or stopped; an interruption takes the share back.

        Raises:
            LabError: the gateway does not answer, so that its share is unknown.
        """
        try:
            judgement = self._stages()
            if judgement.outcome is Outcome.PROMOTE:
                self._end(Ending.PROMOTED, judgement.why)
            else:
                self._stop(_ENDINGS.get(judgement.outcome, Ending.REFUSED), judgement.why)
        except KeyboardInterrupt:
            self._stop(Ending.INTERRUPTED, "interrupted")
        except LabError as error:
            self._stop(Ending.CANNOT_TELL, str(error))
        return self._result(metadata)

    def _stages(self) -> Judgement:
        judgement = Judgement(Outcome.PROMOTE, "there was nothing to do")
        steps: list[tuple[int, Stage | None]] = list(enumerate([None, *self.plan.stages]))
        for number, stage in steps[self.state.stage :]:
            if stage is None and self.shadow is None:
                continue
            judgement = self._shadow_stage() if stage is None else self._weight_stage(number, stage)
            if judgement.outcome is Outcome.PROMOTE and number < len(self.plan.stages):
                judgement = self._approved(judgement, self.plan.stages[number].name)
            if judgement.outcome is not Outcome.PROMOTE:
                break
        return judgement

    # stages

    def _shadow_stage(self) -> Judgement:
        plan, shadow = self.plan.shadow, self.shadow
        assert plan is not None  # noqa: S101 - `_stages` asked
        assert shadow is not None  # noqa: S101
        self._begin(0, SHADOW, 0)

        def judged(look: Look | None) -> tuple[Judgement, Evidence | None]:
            if dead := self.traffic.dead():
                return Judgement(Outcome.ROLL_BACK, dead), None
            shadow.settle()
            return judge_shadow(shadow.view(), plan, look), None

        return self._held(plan.hold, judged)

    def _weight_stage(self, number: int, stage: Stage) -> Judgement:
        self._begin(number, stage.name, stage.share)
        whole = stage.share >= WHOLE
        self._open = msgspec.structs.replace(self._stage_record, before=whole)
        began = time.monotonic()

        def judged(look: Look | None) -> tuple[Judgement, Evidence | None]:
            if look is None:
                return judge_at_once(self._at_once(), self.plan), None
            evidence = self._evidence(time.monotonic() - began, whole=whole)
            return judge(evidence, stage, self.plan, look), evidence

        judgement = self._held(stage.hold, judged)
        if not whole:
            self._before = self.watch.requests[1], time.monotonic() - began
        return judgement

    def _held(self, hold: Hold, judged: Callable[[Look | None], tuple[Judgement, Evidence | None]]) -> Judgement:
        """Hold a stage until it is judged: at once at any time, by its figures at the looks fixed beforehand."""
        began = answered = time.monotonic()
        looks: Iterator[float] = iter(hold.looks)
        due = next(looks)
        while True:
            time.sleep(TICK_SECONDS)
            elapsed = time.monotonic() - began
            try:
                judgement, evidence = judged(None)
                if judgement.outcome is Outcome.HOLD and elapsed >= due:
                    look = Look(final=due >= hold.most, may_promote=due >= hold.least)
                    judgement, evidence = judged(look)
                    due = next((each for each in looks if each > elapsed or each >= hold.most), hold.most)
                    self._looked(elapsed, judgement, evidence)
                answered = time.monotonic()
            except LabError as error:
                if time.monotonic() - answered < _SILENT_SECONDS:
                    continue
                judgement = Judgement(Outcome.CANNOT_TELL, str(error))
            if judgement.outcome is not Outcome.HOLD:
                self._over(elapsed, judgement)
                return judgement

    def _at_once(self) -> AtOnce:
        return AtOnce(
            causes=self.shadow.view().causes if self.shadow else (),
            dead=self.traffic.dead(),
            in_a_row=self.watch.in_a_row,
        )

    def _evidence(self, elapsed: float, *, whole: bool) -> Evidence:
        candidate, control = self.watch.requests
        if whole and self._before is not None:
            before, length = self._before
            control = stretched(before, elapsed / length)
        return Evidence(
            seconds=elapsed,
            candidate=candidate,
            control=control,
            operations=self.watch.operations,
            past=self.watch.past,
            memory=self.surroundings.memory,
            at_once=self._at_once(),
            blind=self.watch.blind() or (self.shadow.view().dead if self.shadow and not whole else ""),
            machine=self.surroundings.machine,
        )

    def _approved(self, judgement: Judgement, next_stage: str) -> Judgement:
        """Wait for a person, and go on to judge meanwhile."""
        if self.approve is None:
            return judgement
        while (said := self.approve(next_stage)) is None:
            time.sleep(TICK_SECONDS)
            at_once = judge_at_once(self._at_once(), self.plan)
            if at_once.outcome is Outcome.ROLL_BACK:
                return at_once
        if said:
            return judgement
        self._decide(f"not approved to go on to {next_stage}")
        return Judgement(Outcome.HOLD, f"nobody approved {next_stage}")

    # what is written down

    @property
    def _stage_record(self) -> StageRecord:
        assert self._open is not None  # noqa: S101 - a stage has begun
        return self._open

    def _begin(self, number: int, name: str, share: int) -> None:
        """Write down that a stage begins, then let it."""
        self._began = time.monotonic()
        self._open = StageRecord(name=name, share=share, started=_now())
        self._write(stage=number, stage_name=name, share=share)
        self.traffic.give(share)
        if self.shadow:
            self.shadow.set_share(share)
        self.watch.begin_stage()
        self.surroundings.begin_stage()
        self._decide("begins")

    def _looked(self, elapsed: float, judgement: Judgement, evidence: Evidence | None) -> None:
        record = LookRecord(
            seconds=round(elapsed, 1),
            outcome=judgement.outcome,
            why=judgement.why,
            criteria=list(judgement.criteria),
            candidate=_side(evidence.candidate if evidence else Columns.none()),
            control=_side(evidence.control if evidence else Columns.none()),
        )
        stage = self._stage_record
        self._open = msgspec.structs.replace(stage, looks=[*stage.looks, record])
        self.told.look(self._open, record)
        self._show()

    def _over(self, elapsed: float, judgement: Judgement) -> None:
        seen = self.watch.seen
        share = len(self.watch.requests[0]) / seen if seen and self._stage_record.share else None
        done = msgspec.structs.replace(
            self._stage_record,
            seconds=round(elapsed, 1),
            outcome=judgement.outcome,
            why=judgement.why,
            observed_share=share,
        )
        self._open = None
        self._write(stages=[*self.state.stages, done])
        self._decide(str(judgement.outcome), judgement.why)

    def _stop(self, ending: Ending, why: str) -> None:
        """Take the share back at once, then write down why."""
        back = self.traffic.take_back(self.shadow.set_share if self.shadow else lambda _: None)
        # In the shadow nobody was at the candidate, whom one could have taken back.
        self._taken_back = back if self.state.share else None
        if self._open is not None:
            self._over(time.monotonic() - self._began, Judgement(Outcome.CANNOT_TELL, why))
        self._end(ending, why, share=0)

    def _end(self, ending: Ending, why: str, share: int | None = None) -> None:
        back = self._taken_back
        told = f", the last request at {self.plan.candidate} ended after {seconds(back.seconds)}" if back else ""
        broken = f", {counted(back.ended, 'request')} broken off" if back and back.ended else ""
        self._write(ending=ending, why=why, share=self.state.share if share is None else share)
        self._decide(f"{ending}{told}{broken}", why)

    def _decide(self, what: str, why: str = "") -> None:
        decision = Decision(at=_now(), stage=self.state.stage_name, what=what, why=why)
        self._write(decisions=[*self.state.decisions, decision])
        self._show()
        self.told.decision(decision)

    def _show(self) -> None:
        self.page.write(self.state, self._open, self.shadow.record() if self.shadow else None)

    def _write(self, **changes: object) -> None:
        self.state = msgspec.structs.replace(self.state, **changes)
        self.file.write(self.state)

    def _result(self, metadata: Metadata) -> RolloutResult:
        state, back = self.state, self._taken_back
        assert state.ending is not None  # noqa: S101 - `run` has ended it
        return RolloutResult(
            started=metadata.started,
            seconds=metadata.seconds,
            partial=state.ending is Ending.INTERRUPTED,
            seed=0,
            revision=metadata.revision,
            revision_unknown=metadata.revision_unknown,
            machine=metadata.machine,
            versions=metadata.versions,
            warnings=[*self._warnings, *(self.shadow.warnings if self.shadow else ())],
            primary=self.plan.primary,
            candidate=self.plan.candidate,
            ending=state.ending,
            why=state.why,
            share=state.share,
            stages=state.stages,
            decisions=state.decisions,
            mirror=self.shadow.record() if self.shadow else None,
            rollback_seconds=back.seconds if back else None,
            ended_sessions=back.ended if back else 0,
        )


def _side(columns: Columns) -> SideRecord:
    timed = columns.timed.log_ms
    p50, p99 = (float(np.exp(np.quantile(timed, share))) for share in (0.5, 0.99)) if len(timed) else (None, None)
    return SideRecord(
        requests=len(columns), failed=int(columns.failed.sum()), users=columns.users, p50_ms=p50, p99_ms=p99
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
