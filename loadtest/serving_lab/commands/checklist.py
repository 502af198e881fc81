"""The commands that say how far a migration is, and take down what people say of it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from serving_lab.commands.console import console
from serving_lab.errors import LabError
from serving_lab.project import Project

app = typer.Typer()
_group = typer.Typer(invoke_without_command=True)
app.add_typer(_group, name="checklist")

_Items = Annotated[Path | None, typer.Option(help="Items and what is evidence for each [default: the lab's own]")]
_ByHand = Annotated[
    Path | None, typer.Option(help="What people say [default: checklist.yaml, in a checkout that of its root]")
]


@_group.callback()
def checklist(
    context: typer.Context,
    results: Annotated[Path, typer.Option(help="Folder of results, and of JUnit files (*.xml).")] = Path("results"),
    junit: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A test run in another place; may be repeated.")
    ] = None,
    items: _Items = None,
    by_hand: _ByHand = None,
    baseline: Annotated[
        str | None, typer.Option(metavar="NAME|URL|NAME=URL", help="The old service [default: the catalogue's]")
    ] = None,
    candidate: Annotated[
        str | None, typer.Option(metavar="NAME|URL|NAME=URL", help="The new one [default: the catalogue's first]")
    ] = None,
    max_age: Annotated[int, typer.Option(min=0, max=36500, help="Days after which evidence is stale.")] = 30,
    require: Annotated[
        list[str] | None,
        typer.Option(metavar="all|ITEM|PHASE", help="Exit code 1 if one of these is not ticked; may be repeated."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder of checklist.html and checklist.md [default: that of the results]")
    ] = None,
) -> None:
    """Say which boxes of the migration's checklist are ticked by evidence. Exit code 1: a required one is not."""
    if context.invoked_subcommand:
        return
    from serving_lab.checklist import command, subject
    from serving_lab.checklist.items import Items

    options = command.ChecklistOptions(
        subject=subject.here(baseline, candidate),
        items=Items.read(items),
        results=results,
        junit=junit or (),
        by_hand=by_hand or _default_by_hand(),
        most_days=max_age,
        require=require or (),
        output=output or results,
    )
    raise typer.Exit(command.checklist(options, console))


@_group.command()
def tick(
    item: Annotated[str, typer.Argument(metavar="ITEM", help="Its id, as the checklist shows it.")],
    by: Annotated[str, typer.Option(metavar="NAME", help="Who says so.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why it may be ticked.")],
    items: _Items = None,
    by_hand: _ByHand = None,
) -> None:
    """Tick a box by hand, with a name and a reason, in a file to be kept with the code."""
    from serving_lab.checklist import command
    from serving_lab.checklist.items import Items

    path = by_hand or _default_by_hand()
    said = command.tick(item, by, reason, path, Items.read(items))
    console.print(Text(f"{path}: {said.item} is ticked by {said.by}"), soft_wrap=True)


def _default_by_hand() -> Path:
    try:
        return Project.find().root / "checklist.yaml"
    except LabError:
        return Path("checklist.yaml")
