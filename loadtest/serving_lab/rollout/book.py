"""Writes down what happens in a rollout: state, log, page, and at last the result."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import msgspec
import numpy as np

from serving_lab.results.envelope import Metadata
from serving_lab.rollout.judge import Evidence, Judgement
from serving_lab.rollout.page import PageFile
from serving_lab.rollout.requests import Columns
from serving_lab.rollout.result import (
    Decision,
    Ending,
    LookRecord,
    MirrorRecord,
    RolloutResult,
    SideRecord,
    StageRecord,
)
from serving_lab.rollout.state import State, StateFile
from serving_lab.rollout.traffic import TakenBack
from serving_lab.text.phrases import counted, seconds


class Told(Protocol):
    """Is told what happens, for people to see."""

    def decision(self, decision: Decision) -> None:
        """Something was decided."""

    def look(self, stage: StageRecord, look: LookRecord) -> None:
        """A stage was judged."""


@dataclass
class Book:
    """What is known of a rollout; everything is in its file before anything else happens.

    Args:
        state: How far it is.
        file: Where that is kept.
        told: Is told what happens.
        page: Shows it to people.
        mirror: Says what mirrored requests have shown; None: nothing is mirrored.

    Its methods raise LabError if a file cannot be written.
    """

    state: State
    file: StateFile
    told: Told
    page: PageFile
    mirror: Callable[[], MirrorRecord] | None
    _open: StageRecord | None = None
    _began: float = 0.0
    _taken_back: TakenBack | None = field(default=None, init=False)

    @property
    def share(self) -> int:
        """What the gateway was last told, in basis points."""
        return self.state.share

    def begin(self, number: int, name: str, share: int, *, before: bool) -> None:
        """A stage is going to begin; with `before`, its control is of the stage before."""
        self._began = time.monotonic()
        self._open = StageRecord(name=name, share=share, started=now(), before=before)
        self._write(stage=number, stage_name=name, share=share)
        self.decide("begins")

    def looked(self, elapsed: float, judgement: Judgement, evidence: Evidence | None) -> None:
        """The present stage was judged."""
        assert self._open is not None  # noqa: S101 - a stage has begun
        record = LookRecord(
            seconds=round(elapsed, 1),
            outcome=judgement.outcome,
            why=judgement.why,
            criteria=list(judgement.criteria),
            candidate=_side(evidence.candidate if evidence else Columns.none()),
            control=_side(evidence.control if evidence else Columns.none()),
        )
        self._open = msgspec.structs.replace(self._open, looks=[*self._open.looks, record])
        self.told.look(self._open, record)
        self._show()

    def over(self, judgement: Judgement, observed_share: float | None = None) -> None:
        """The present stage is over, if there is one."""
        if self._open is None:
            return
        done = msgspec.structs.replace(
            self._open,
            seconds=round(time.monotonic() - self._began, 1),
            outcome=judgement.outcome,
            why=judgement.why,
            observed_share=observed_share if self._open.share else None,
        )
        self._open = None
        self._write(stages=[*self.state.stages, done])
        self.decide(str(judgement.outcome), judgement.why)

    def decide(self, what: str, why: str = "") -> None:
        """A line for the log."""
        decision = Decision(at=now(), stage=self.state.stage_name, what=what, why=why)
        self._write(decisions=[*self.state.decisions, decision])
        self.told.decision(decision)
        self._show()

    def end(self, ending: Ending, why: str, back: TakenBack | None = None) -> None:
        """The rollout ends; `back` says how the share was taken back."""
        told = broken = ""
        if back is not None and self.state.share:
            # In the shadow nobody was at the candidate, whom one could have taken back.
            self._taken_back = back
            told = f", the last request at {self.state.candidate} ended after {seconds(back.seconds)}"
            broken = f", {counted(back.ended, 'request')} broken off" if back.ended else ""
        self._write(ending=ending, why=why, share=self.state.share if back is None else 0)
        self.decide(f"{ending}{told}{broken}", why)

    def result(self, metadata: Metadata, warnings: list[str]) -> RolloutResult:
        """All of it, once it has ended."""
        state, back = self.state, self._taken_back
        assert state.ending is not None  # noqa: S101 - `end` comes first
        return RolloutResult(
            started=metadata.started,
            seconds=metadata.seconds,
            partial=state.ending is Ending.INTERRUPTED,
            seed=0,
            revision=metadata.revision,
            revision_unknown=metadata.revision_unknown,
            machine=metadata.machine,
            versions=metadata.versions,
            warnings=warnings,
            primary=state.primary,
            candidate=state.candidate,
            model=state.model,
            ending=state.ending,
            why=state.why,
            share=state.share,
            stages=state.stages,
            decisions=state.decisions,
            mirror=self.mirror() if self.mirror else None,
            rollback_seconds=back.seconds if back else None,
            ended_sessions=back.ended if back else 0,
        )

    def _show(self) -> None:
        self.page.write(self.state, self._open, self.mirror() if self.mirror else None)

    def _write(self, **changes: object) -> None:
        self.state = msgspec.structs.replace(self.state, **changes)
        self.file.write(self.state)


def now() -> str:
    """This moment as results have it: UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _side(columns: Columns) -> SideRecord:
    timed = columns.timed.log_ms
    p50, p99 = (float(np.exp(np.quantile(timed, share))) for share in (0.5, 0.99)) if len(timed) else (None, None)
    return SideRecord(
        requests=len(columns), failed=int(columns.failed.sum()), users=columns.users, p50_ms=p50, p99_ms=p99
    )
