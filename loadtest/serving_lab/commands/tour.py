"""The command that walks a newcomer through the lab."""

import os
import shutil
import sys
from typing import Annotated

import typer

from serving_lab import exit_codes
from serving_lab.commands.console import console
from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack.base import Mode, on_this_machine
from serving_lab.stack.choice import Choice
from serving_lab.stack.environment import Settings

app = typer.Typer()


@app.command()
def tour(
    mode: Annotated[Mode | None, typer.Option(help="How the lab runs; by default what this machine can.")] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Go straight through; so does YES=1, and where nobody types.")
    ] = False,
    load_seconds: Annotated[int, typer.Option(min=5, help="How long load is sent.")] = 30,
    generate: Annotated[int, typer.Option(min=0, help="Requests to generate for the comparison of answers.")] = 200,
    pairs: Annotated[int, typer.Option(min=3, max=1000, help="Arms of each target in the measurement.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.5, max=600, help="Length of an arm.")] = 2.0,
) -> None:
    """Walk through the lab in ten minutes: up, load, the live page, two planted faults found, the report, down.

    Results go to results/tour. Exit code 1: a planted fault was not found, 2: it could not be judged.
    """
    from serving_lab.tour.steps import COUNT, Lengths, Steps
    from serving_lab.tour.walk import Stopped, Walk

    project = Project.find()
    if shutil.which("curl") is None:
        raise LabError("the tour sends requests with curl, which is not installed", hint="apt-get install curl")
    was_up = _is_up(project)
    waits = not yes and os.environ.get("YES") != "1" and sys.stdin.isatty()
    walk = Walk(console, project.root, COUNT, waits=waits)
    steps = Steps(walk, project, Lengths(load_seconds, generate, pairs, seconds))
    try:
        steps.up(on_this_machine(mode), is_up=was_up)
        steps.request()
        steps.load()
        steps.live()
        steps.difference()
        refused = steps.slowdown()
        steps.report()
        steps.down(was_up=was_up)
    except BaseException as end:
        if not was_up and _is_up(project):
            console.print("\nThe tour ends here, and takes the lab down.")
            walk.hurry()
            steps.end()
        if isinstance(end, Stopped):
            raise typer.Exit(exit_codes.OK) from None
        raise
    if refused:
        raise refused


def _is_up(project: Project) -> bool:
    return Choice(project, Settings.load(project), console).running() is not None
