"""The checklist as a table on the terminal."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from serving_lab.checklist.checklist import Checklist
from serving_lab.checklist.judging import State
from serving_lab.checklist.words import command
from serving_lab.text.phrases import visible

_STYLES: Mapping[State, str] = {
    State.TICKED: "green",
    State.BY_HAND: "green",
    State.FAILED: "bold red",
    State.STALE: "yellow",
    State.CANNOT_TELL: "yellow",
    State.OPEN: "dim",
}


def print_checklist(console: Console, checklist: Checklist) -> None:
    """Print every box with its evidence, or what would tick it."""
    table = Table(title=visible(str(checklist.subject)), title_justify="left", title_style="bold")
    for name in ("", "Box", "State", "Evidence, or the command that ticks it"):
        table.add_column(name, overflow="fold")
    for phase in checklist.phases:
        for at, box in enumerate(phase.boxes):
            told = Text(visible(box.why)) if box.state is not State.OPEN else Text()
            if box.date:
                told.append(f" ({box.date[:10]})", style="dim")
            if not box.ticked and (line := command(box.item)):
                told.append("\n" if told else "").append(visible(line), style="bold")
            table.add_row(
                Text("[x]" if box.ticked else "[ ]"),
                Text(f"{visible(box.item.text)}\n").append(box.item.id, style="dim"),
                Text(str(box.state), style=_STYLES[box.state]),
                told or Text(visible(box.why)),
                end_section=at == len(phase.boxes) - 1,
            )
    console.print(table)
    for remark in checklist.remarks:
        console.print(Text(f"note: {visible(remark)}"), soft_wrap=True)
    console.print(Text(f"{checklist.ticked} of {len(checklist.boxes)} are ticked: {checklist.about}"), soft_wrap=True)
