"""The checklist as Markdown: for a pull request or a wiki, where its boxes are boxes."""

from collections.abc import Iterator

from serving_lab.checklist.checklist import Checklist
from serving_lab.checklist.judging import Box, State
from serving_lab.checklist.words import command
from serving_lab.text.markdown import escape
from serving_lab.text.phrases import moment


def render(checklist: Checklist) -> str:
    """Return the checklist as Markdown."""
    return "\n".join(_lines(checklist)).rstrip() + "\n"


def _lines(checklist: Checklist) -> Iterator[str]:
    now = moment(checklist.now.moment.isoformat(timespec="minutes"))
    yield f"# Migration checklist: {escape(str(checklist.subject))}"
    yield from ("", f"{checklist.ticked} of {len(checklist.boxes)} boxes are ticked ({escape(now)}).")
    yield f"A tick needs {escape(checklist.about)}."
    if checklist.remarks:
        yield from ("", *(f"- **Note:** {escape(remark)}" for remark in checklist.remarks))
    for phase in checklist.phases:
        yield from ("", f"## {escape(phase.name)} ({phase.ticked} of {len(phase.boxes)})", "")
        for box in phase.boxes:
            yield from _box(box)


def _box(box: Box) -> Iterator[str]:
    state = "" if box.state is State.TICKED else f" **{box.state.capitalize()}.**"
    yield f"- [{'x' if box.ticked else ' '}] {escape(box.item.text)}.{state}"
    where = f", in {escape(box.path.name)}" if box.path else ""
    date = f" ({escape(moment(box.date))}{where})" if box.date else ""
    yield f"  - {escape(box.why)}{date}"
    if not box.ticked and (line := command(box.item)):
        yield f"  - To tick it: `` {' '.join(line.split())} ``"
