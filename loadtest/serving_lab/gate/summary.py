"""A gate's result as Markdown: a job summary, or a comment on a pull request.

GitHub shows no picture that a summary brings along: it removes `data:` addresses. So characters draw the intervals.
"""

from collections.abc import Iterator

from serving_lab.experiment.records import METRICS
from serving_lab.explain import wording
from serving_lab.gate.judgement import Concluded, concluded
from serving_lab.gate.result import CheckOutcome, Gated, GateResult
from serving_lab.gate.table import footprint_lines
from serving_lab.text.markdown import escape
from serving_lab.text.phrases import duration, short

MARK = "<!-- serving-lab gate -->"
"""By which a comment is found again to be updated."""
_SIGNS: dict[CheckOutcome, str] = {"passed": "✅", "failed": "❌", "cannot tell": "⚠️", "not judged": "⚪"}
_HALF = 20
"""Characters on each side of no change."""
_MOST_CHECKS = 30


def markdown(result: GateResult) -> str:
    """Return the document."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: GateResult) -> Iterator[str]:
    yield MARK
    yield f"## {_SIGNS[result.outcome]} {escape(result.sentence)}"
    yield ""
    for service in result.services:
        yield from _service(service)
    fails = ", ".join(escape(each) for each in result.fail_if)
    yield f"{duration(result.seconds)} of {duration(result.budget_seconds)}. Fails if answers differ, or: {fails}."
    yield f"Commit {escape(result.commit)}."


def _service(service: Gated) -> Iterator[str]:
    if service.name:
        yield f"### {escape(service.name)}"
        yield ""
    if picture := list(_picture(service)):
        yield "```text"
        yield from picture
        yield "```"
        yield ""
    rows = sorted(service.checks, key=lambda each: list(_SIGNS).index(each.outcome) if each.outcome != "failed" else -1)
    if rows:
        yield "| | part | what | why |"
        yield "|---|---|---|---|"
        for each in rows[:_MOST_CHECKS]:
            yield f"| {_SIGNS[each.outcome]} | {each.part} | {escape(each.name)} | {escape(each.why)} |"
        if len(rows) > _MOST_CHECKS:
            yield f"| | | and {len(rows) - _MOST_CHECKS} more | |"
        yield ""
    for line in _why(service):
        yield f"- {escape(line)}"
    for line in footprint_lines(service):
        yield f"- {escape(line)}"
    if service.footprint or any(_why(service)):
        yield ""


def _why(service: Gated) -> Iterator[str]:
    """What makes the difference, in each scenario that was measured again."""
    for scenario in service.confirmation.scenarios if service.confirmation else ():
        for each in scenario.explanation.candidates if scenario.explanation else ():
            yield f"{scenario.name}: why: {wording.of_candidate(each, 'base')}"


def _picture(service: Gated) -> Iterator[str]:
    """Each interval on one scale: left of the line is better, right of it worse."""
    found = concluded(service.bench, service.confirmation) if service.bench else []
    known = [(each, ends) for each in found if (ends := _worse(each)) is not None]
    if not known:
        return
    reach = max(0.01, *(abs(end) for _, ends in known for end in ends))
    names = [f"{each.scenario.name} {METRICS[each.first.metric].title}" for each, _ in known]
    width = max(map(len, names))
    yield f"{'':{width}}  {'better':<{_HALF}}│{'worse':>{_HALF}}"
    for name, (each, (low, high)) in zip(names, known, strict=True):
        first, last = (round((end / reach) * _HALF) + _HALF for end in (low, high))
        bar = "".join("━" if first <= at <= last else "│" if at == _HALF else " " for at in range(2 * _HALF + 1))
        as_measured = f"{short(each.last.low or 1)} to {short(each.last.high or 1)}"
        yield f"{name:{width}}  {bar}  {each.word}: {as_measured}"


def _worse(each: Concluded) -> tuple[float, float] | None:
    """The ends of an interval as shares by which it is worse, smaller first; None where it is not known."""
    low, high = each.last.low, each.last.high
    if low is None or high is None:
        return None
    better_high = METRICS[each.last.metric].better == "higher"
    return (1 - high, 1 - low) if better_high else (low - 1, high - 1)
