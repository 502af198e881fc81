"""What is known of the model: how its last version was judged, how users moved to it, whether it has drifted."""

from collections.abc import Iterator
from dataclasses import dataclass

from serving_lab.model_drift.result import DriftResult, Standing
from serving_lab.model_judge.result import JudgementResult, Verdict
from serving_lab.report.tables import Cell, Row, Table, Tone
from serving_lab.rollout.result import Ending, RolloutResult
from serving_lab.text.phrases import counted, moment

_TONES: dict[str, Tone] = {
    Verdict.PROMOTE: "good",
    Verdict.REFUSE: "bad",
    Ending.PROMOTED: "good",
    Ending.ROLLED_BACK: "bad",
    Standing.NONE: "good",
    Standing.LITTLE: "good",
    Standing.DRIFTED: "bad",
}


def of(judgement: JudgementResult | None, rollout: RolloutResult | None, drift: DriftResult | None) -> Table | None:
    """A row for each question that was asked; None where none was."""
    rows = tuple(_rows(judgement, rollout, drift))
    return Table(("About", "Found", "Why", "When"), rows) if rows else None


@dataclass(frozen=True)
class _Said:
    about: str
    word: str
    why: str
    started: str

    @property
    def row(self) -> Row:
        cells = Cell(self.word, tone=_TONES.get(self.word, "unsure")), Cell(self.why), Cell(moment(self.started[:19]))
        return Row(self.about, cells)


def _rows(judgement: JudgementResult | None, rollout: RolloutResult | None, drift: DriftResult | None) -> Iterator[Row]:
    if judgement:
        versions = " against ".join(each.version for each in (judgement.new, judgement.old) if each)
        reasons = [each.text for each in judgement.reasons] if judgement.verdict is not Verdict.PROMOTE else []
        why = "; ".join(reasons) or "nothing speaks against it"
        yield _Said(f"judged: {versions}", judgement.verdict, why, judgement.started).row
    if rollout:
        moved = "; ".join(rollout.mirror.moves) if rollout.mirror else ""
        why = f"{rollout.why}; {moved}" if moved else rollout.why
        yield _Said(f"rolled out: version {rollout.model}", rollout.ending, why, rollout.started).row
    if drift:
        for each in drift.models:
            why = f"{each.why} ({counted(each.rows, 'different row')})"
            yield _Said(f"drift: version {each.version}", each.standing, why, drift.started).row
