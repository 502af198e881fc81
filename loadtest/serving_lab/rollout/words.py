"""What a rollout says in a terminal."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from serving_lab.rollout.judge import Criterion, Outcome, Standing
from serving_lab.rollout.result import Decision, Ending, LookRecord, RolloutResult, SideRecord, StageRecord
from serving_lab.rollout.state import State
from serving_lab.text.phrases import UNKNOWN, duration, moment, percent, seconds, visible

_STYLES = {
    Outcome.PROMOTE: "green",
    Outcome.ROLL_BACK: "red",
    Outcome.CANNOT_TELL: "yellow",
    Outcome.HOLD: "dim",
    Ending.PROMOTED: "bold green",
    Ending.ROLLED_BACK: "bold red",
}
_MARKS = {Standing.WITHIN: "within", Standing.BEYOND: "beyond", Standing.OPEN: "open", Standing.NOT_ASKED: UNKNOWN}


class Terminal:
    """Prints decisions, and each look in a line."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def decision(self, decision: Decision) -> None:
        """Print a decision."""
        self._console.print(Text(decision_line(decision)), soft_wrap=True)

    def look(self, stage: StageRecord, look: LookRecord) -> None:
        """Print a look."""
        line = Text(f"  {stage.name} after {duration(look.seconds)}: ")
        line.append(str(look.outcome), style=_STYLES.get(look.outcome, ""))
        line.append(f"; {sides(look)}" if look.candidate.requests else "")
        if look.outcome is Outcome.HOLD and look.why:
            line.append(f"; {visible(look.why)}", style="dim")
        self._console.print(line, soft_wrap=True)


def decision_line(decision: Decision) -> str:
    """A decision in a line."""
    why = f": {decision.why}" if decision.why else ""
    return visible(f"{moment(decision.at[:19])} {decision.stage}: {decision.what}{why}")


def sides(look: LookRecord) -> str:
    """Both sides in a few words."""
    return f"candidate {_side(look.candidate)}, control {_side(look.control)}"


def criterion_row(criterion: Criterion) -> tuple[str, str]:
    """A criterion with its interval, and where that lies."""
    return criterion.text, _MARKS[criterion.standing]


def print_result(console: Console, result: RolloutResult, path: str) -> None:
    """Print how it ended."""
    table = Table(title="Stages", title_justify="left")
    for name in ("stage", "held", "outcome", "requests", "share seen", "why"):
        table.add_column(name, overflow="fold")
    for stage in result.stages:
        table.add_row(*map(visible, stage_row(stage)))
    console.print(table)
    for warning in result.warnings:
        console.print(Text(f"warning: {visible(warning)}"), soft_wrap=True)
    for moved in result.mirror.moves if result.mirror else []:
        console.print(Text(visible(moved)), soft_wrap=True)
    line = Text(f"{who(result.candidate, result.model)}: ")
    line.append(str(result.ending), style=_STYLES.get(result.ending, "bold yellow")).append(f": {visible(result.why)}")
    console.print(line, soft_wrap=True)
    if result.rollback_seconds is not None:
        after = f"Its last request ended {seconds(result.rollback_seconds)} after the decision."
        console.print(Text(after), soft_wrap=True)
    console.print(Text(path), soft_wrap=True)


def who(candidate: str, model: str | None) -> str:
    """What is rolled out."""
    return candidate if model is None else f"version {model} of the model"


def stage_row(stage: StageRecord) -> tuple[str, ...]:
    """A stage in the columns of a table."""
    last = stage.looks[-1] if stage.looks else None
    return (
        stage.name,
        duration(stage.seconds),
        str(stage.outcome),
        f"{last.candidate.requests:,} + {last.control.requests:,}" if last and stage.share else UNKNOWN,
        percent(stage.observed_share) if stage.observed_share is not None else UNKNOWN,
        stage.why,
    )


def status_lines(state: State, share: int | None, holder: int | None) -> Iterator[str]:
    """What is known of a rollout, beginning with what is true now."""
    told, candidate = f"{state.share / 100:g}%", who(state.candidate, state.model)
    stage = f"in stage {state.stage_name or 'none'}"
    if holder is not None:
        yield f"A rollout of {candidate} runs (process {holder}), {stage}."
    elif state.ending is None:
        yield f"The rollout of {candidate} was killed {stage}."
        yield "lab rollout resume goes on with it, lab rollout abort ends it."
    else:
        yield f"No rollout runs. The last one, of {candidate}, ended: {state.ending}: {visible(state.why)}"
    if share is None:
        yield f"The gateway does not answer, so its share is unknown; it was told {told}."
    elif share == state.share:
        yield f"The gateway sends {share / 100:g}% of the users to {state.candidate}."
    else:
        yield f"The gateway sends {share / 100:g}% of the users to {state.candidate}, but was told {told} last."
    for decision in state.decisions:
        yield f"  {decision_line(decision)}"


def _side(side: SideRecord) -> str:
    failed = f"{side.failed:,} of {side.requests:,} failed"
    if side.p50_ms is None or side.p99_ms is None:
        return failed
    return f"{failed}, P50 {seconds(side.p50_ms / 1e3)}, P99 {seconds(side.p99_ms / 1e3)}"
