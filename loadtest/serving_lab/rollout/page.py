"""The page of a rollout: written again at each look, so that whoever has it open sees how far it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from serving_lab import pages
from serving_lab.errors import LabError
from serving_lab.rollout import words
from serving_lab.rollout.judge import Criterion, Standing
from serving_lab.rollout.plan import RolloutPlan
from serving_lab.rollout.result import LookRecord, MirrorRecord, StageRecord
from serving_lab.rollout.state import State
from serving_lab.text.phrases import UNKNOWN, duration, moment, percent, seconds, visible

_TEMPLATE = "page.html.j2"
_REFRESH_SECONDS = 2
_WIDTH, _HEIGHT = 220.0, 18.0
_TONES = {Standing.WITHIN: "good", Standing.BEYOND: "bad", Standing.OPEN: "unsure", Standing.NOT_ASKED: ""}
_NEUTRAL = {"errors": 0.0, "p50": 1.0, "p99": 1.0, "memory": 0.0}
"""The value of each criterion where the two do not differ."""


@dataclass(frozen=True)
class PageFile:
    """Where the page goes, and what of a rollout does not change."""

    path: Path
    plan: RolloutPlan

    def write(self, state: State, stage: StageRecord | None, mirror: MirrorRecord | None) -> None:
        """Write it, so that a browser never reads half of it.

        Args:
            state: How far the rollout is.
            stage: The present one, which is not over; None: there is none.
            mirror: What mirrored requests have shown; None: nothing is mirrored.

        Raises:
            LabError: it cannot be written.
        """
        temporary = self.path.with_suffix(".new")
        try:
            temporary.write_text(render(self.plan, state, stage, mirror), encoding="utf-8")
            temporary.replace(self.path)
        except OSError as error:
            raise LabError(f"{self.path}: {error.strerror}", hint="--output DIR") from error


def render(plan: RolloutPlan, state: State, stage: StageRecord | None, mirror: MirrorRecord | None) -> str:
    """The page as HTML."""
    stages = [*state.stages, *([stage] if stage else [])]
    looks = [(each, each.looks[-1]) for each in stages if each.looks]
    environment = pages.environment("serving_lab.rollout")
    environment.filters |= {"visible": visible}
    return environment.get_template(_TEMPLATE).render(
        plan=plan,
        who=words.who(plan.candidate, state.model),
        state=state,
        refresh=_REFRESH_SECONDS if state.ending is None else None,
        word=str(state.ending or state.stage_name or "begins"),
        tone={"promoted": "good", "rolled back": "bad"}.get(str(state.ending), "unsure"),
        share=f"{state.share / 100:g}%",
        ahead=[(each.name, _progress(each.name, state, stages)) for each in plan.stages],
        looks=list(reversed(looks)),
        mirror=mirror,
        decisions=[words.decision_line(each) for each in reversed(state.decisions)],
        drawing=drawing,
        tone_of=lambda criterion: _TONES[criterion.standing],
        side=_side,
        duration=duration,
        moment=moment,
        percent=percent,
    )


def drawing(criterion: Criterion) -> Markup:
    """An interval as a bar, the limit and no difference as lines; what has no end reaches the border."""
    limit, neutral = criterion.limit, _NEUTRAL[criterion.name]
    known = [each for each in (criterion.value, limit, neutral) if each is not None]
    ends = [each for each in (criterion.low, criterion.high) if each is not None]
    reach = max((abs(each - neutral) for each in known), default=1.0) * 2 or 1.0
    reach = min(max([reach, *(abs(each - neutral) * 1.1 for each in ends)]), reach * 3)

    def x(value: float) -> float:
        return round((min(max((value - neutral) / reach, -1.0), 1.0) + 1) / 2 * _WIDTH, 1)

    low = 0.0 if criterion.low is None else x(criterion.low)
    high = _WIDTH if criterion.high is None else x(criterion.high)
    middle = _HEIGHT / 2
    bar = f'<rect x="{low}" y="{middle - 3}" width="{max(high - low, 1.0)}" height="6" rx="3" class="interval"/>'
    lines = f'<line x1="{x(neutral)}" x2="{x(neutral)}" y1="0" y2="{_HEIGHT}" class="neutral"/>'
    if limit is not None:
        lines += f'<line x1="{x(limit)}" x2="{x(limit)}" y1="0" y2="{_HEIGHT}" class="limit"/>'
    size = f'width="{_WIDTH:g}" height="{_HEIGHT:g}" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}"'
    known_value = criterion.value is not None
    return Markup(f'<svg {size} aria-hidden="true">{lines}{bar if known_value else ""}</svg>')  # noqa: S704 - numbers


def _progress(name: str, state: State, stages: Sequence[StageRecord]) -> str:
    done = next((stage for stage in reversed(stages) if stage.name == name), None)
    if done is None:
        return ""
    return "now" if state.ending is None and name == state.stage_name and done is stages[-1] else str(done.outcome)


def _side(look: LookRecord, which: str) -> tuple[str, str, str]:
    """Failures, P50 and P99 of `candidate` or `control`."""
    side = look.candidate if which == "candidate" else look.control
    times = tuple(UNKNOWN if each is None else seconds(each / 1e3) for each in (side.p50_ms, side.p99_ms))
    return f"{side.failed:,} of {side.requests:,}", times[0], times[1]
