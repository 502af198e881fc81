"""The checklist as a page: one file that opens anywhere, without a network and without scripts."""

from serving_lab import pages
from serving_lab.checklist.checklist import Checklist
from serving_lab.checklist.judging import State
from serving_lab.checklist.words import command
from serving_lab.text.phrases import moment, visible

_TONES = {State.TICKED: "good", State.BY_HAND: "good", State.FAILED: "bad", State.OPEN: "none"}


def render(checklist: Checklist) -> str:
    """Return the checklist as HTML."""
    environment = pages.environment("serving_lab.checklist")
    environment.filters |= {"visible": visible}
    left = len(checklist.boxes) - checklist.ticked
    failed = sum(box.state is State.FAILED for box in checklist.boxes)
    return environment.get_template("page.html.j2").render(
        checklist=checklist,
        now=moment(checklist.now.moment.isoformat(timespec="minutes")),
        command=command,
        moment=moment,
        tone=lambda box: _TONES.get(box.state, "unsure"),
        overall="bad" if failed else "unsure" if left else "good",
        counts=[(state, count) for state in State if (count := sum(box.state is state for box in checklist.boxes))],
    )
