"""The command that measures what services cost to hold."""

import os
from pathlib import Path
from typing import Annotated

import typer

from serving_lab.commands.console import console
from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack.choice import Choice
from serving_lab.stack.environment import Settings

app = typer.Typer()


@app.command()
def footprint(
    profile: Annotated[
        Path | None, typer.Option(help="The API, how to start and load its services, their code [default: the lab's]")
    ] = None,
    image: Annotated[
        list[str] | None, typer.Option(help="NAME=IMAGE of an image to weigh, instead of the lab's; may be repeated.")
    ] = None,
    base: Annotated[str | None, typer.Option(help="Base image of these [default: what their labels say]")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port that these listen on; given, they are started.")
    ] = None,
    ready_path: Annotated[str, typer.Option(help="Path that answers 200 when these are ready.")] = "/ready",
    starts: Annotated[int, typer.Option(min=0, max=1000, help="Starts of each target; 0 leaves them out.")] = 10,
    rounds: Annotated[int, typer.Option(min=0, max=100, help="Rounds of memory and CPU time; 0 leaves them out.")] = 3,
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="Length of a round's load.")] = 10.0,
    type_check: Annotated[bool, typer.Option(help="Check the code with mypy, which takes some seconds.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="Of the requests and the order of targets.")] = 0,
    output: Annotated[Path, typer.Option(help="Folder of footprint.json.")] = Path("results"),
) -> None:
    """Measure images, start-up, memory, CPU time and code. Exit code 2: that cannot be done."""
    from serving_lab.footprint import command
    from serving_lab.footprint.measurement import FootprintPlan
    from serving_lab.footprint.subjects import Lab

    if not image and (base or port):
        raise LabError("--base and --port belong to images", hint="--image NAME=IMAGE")

    environment, lab = dict(os.environ), None
    if profile is None and not image:
        project = Project.find(otherwise="--profile FILE, or --image NAME=IMAGE")
        settings = Settings.load(project)
        lab = Lab(project, settings, Choice(project, settings, console).required().mode)
        profile = project.footprint_file
        environment = dict(settings.environment)
    options = command.FootprintOptions(
        profile=profile,
        images=image or (),
        base=base,
        port=port,
        ready_path=ready_path,
        plan=FootprintPlan(starts, rounds, seconds, seed, type_check),
        output=output,
    )
    code = command.footprint(options, lab, environment, console)
    raise typer.Exit(code)
