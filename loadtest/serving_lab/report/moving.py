"""How traffic went over: the stages of a rollout, what was proven in each, and the log of decisions."""

from collections.abc import Iterator
from dataclasses import dataclass

from serving_lab.report.tables import Cell, Row, Table, Tone
from serving_lab.rollout.result import Ending, LookRecord, RolloutResult, SideRecord, StageRecord
from serving_lab.text import phrases
from serving_lab.text.phrases import counted, duration, moment, percent

_TONES: dict[Ending, Tone] = {Ending.PROMOTED: "good", Ending.ROLLED_BACK: "bad"}
_STAGE_TONES: dict[str, Tone] = {"promote": "good", "roll back": "bad"}


@dataclass(frozen=True)
class Moved:
    """A rollout as a report tells it."""

    ending: str
    tone: Tone
    why: str
    facts: list[tuple[str, str]]
    stages: Table
    decisions: list[str]

    @classmethod
    def of(cls, result: RolloutResult) -> "Moved":
        """What the result of a rollout says."""
        return cls(
            ending=str(result.ending),
            tone=_TONES.get(result.ending, "unsure"),
            why=result.why,
            facts=list(_facts(result)),
            stages=_stages(result),
            decisions=[
                f"{moment(each.at[:19])} {each.stage}: {each.what}{f': {each.why}' if each.why else ''}"
                for each in result.decisions
            ],
        )


def _facts(result: RolloutResult) -> Iterator[tuple[str, str]]:
    yield "moved", f"{moment(result.started)}, {duration(result.seconds)}"
    yield "from", result.primary
    yield "to", result.candidate
    yield "share at the end", f"{result.share / 100:g}% of the users"
    if mirror := result.mirror:
        operations = counted(len(mirror.compared), "operation")
        yield "compared while mirrored", f"{counted(sum(mirror.compared.values()), 'request')} to {operations}"
        for cause in (each for each in mirror.causes if not each.unsteady):
            yield "", f"{cause.operation}: {cause.what}, {counted(cause.count, 'request')}"
    if result.rollback_seconds is not None:
        yield "taken back within", f"{phrases.seconds(result.rollback_seconds)} of the decision"


def _stages(result: RolloutResult) -> Table:
    columns = ("Stage", "Held", "Outcome", "Share seen", "Candidate", "Control", "Proven")
    return Table(columns, tuple(map(_row, result.stages)))


def _row(stage: StageRecord) -> Row:
    last = stage.looks[-1] if stage.looks else None
    unknown = Cell(phrases.UNKNOWN)
    measured = last if last and stage.share else None
    return Row(
        stage.name,
        (
            Cell(duration(stage.seconds)),
            Cell(str(stage.outcome), tone=_STAGE_TONES.get(str(stage.outcome), "unsure")),
            Cell(percent(stage.observed_share)) if stage.observed_share is not None else unknown,
            _side(measured.candidate) if measured else unknown,
            _side(measured.control, "of the stage before" if stage.before else "") if measured else unknown,
            _proven(stage, last),
        ),
    )


def _side(side: SideRecord, hint: str = "") -> Cell:
    failed = f"{side.failed:,} of {counted(side.requests, 'request')} failed"
    if side.p50_ms is None or side.p99_ms is None:
        return Cell(failed, hint=hint)
    times = f"P50 {phrases.seconds(side.p50_ms / 1e3)}, P99 {phrases.seconds(side.p99_ms / 1e3)}"
    return Cell(times, hint=f"{failed}; {hint}" if hint else failed)


def _proven(stage: StageRecord, last: LookRecord | None) -> Cell:
    if not last or not last.criteria:
        return Cell(stage.why)
    asked = [each for each in last.criteria if each.within is not None or each.standing == "beyond"]
    return Cell("; ".join(f"{each.text}: {each.standing}" for each in asked))
