"""The command that compares what two services answer."""

import os
from pathlib import Path
from typing import Annotated

import typer

from serving_lab.commands.console import console
from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack.choice import Choice
from serving_lab.stack.environment import Settings
from serving_lab.stack.services import running_targets

app = typer.Typer()


@app.command()
def parity(
    primary: Annotated[
        str | None, typer.Option(help="Base URL of the old service [default: the lab's baseline]")
    ] = None,
    candidate: Annotated[str | None, typer.Option(help="Base URL of the new one [default: its candidate]")] = None,
    second_primary: Annotated[
        str | None, typer.Option(help="Another instance of the old one, to learn from what varies by itself.")
    ] = None,
    profile: Annotated[Path | None, typer.Option(help="What must be known of the API [default: the lab's own]")] = None,
    corpus: Annotated[list[Path] | None, typer.Option(help="More requests; may be repeated.")] = None,
    intended: Annotated[
        Path | None, typer.Option(help="Differences that are meant [default: those that the profile names]")
    ] = None,
    har: Annotated[list[Path] | None, typer.Option(help="Recorded traffic (HAR); may be repeated.")] = None,
    prediction_log: Annotated[list[Path] | None, typer.Option(help="Logged predictions; may be repeated.")] = None,
    generate: Annotated[int, typer.Option(min=0, help="Requests to generate.")] = 1000,
    repeat: Annotated[int, typer.Option(min=1, help="How often the corpus is sent.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Another one generates other requests.")] = 0,
    output: Annotated[Path, typer.Option(help="Where parity.json and parity.html go.")] = Path("results"),
) -> None:
    """Prove that a new service answers like an old one. Exit code 0: same, 1: different, 2: could not tell."""
    from serving_lab.parity import command

    environment = dict(os.environ)
    if primary is None and candidate is None:
        project = Project.find()
        settings = Settings.load(project)
        running = running_targets(Choice(project, settings, console).required(), settings)
        primary, candidate = running[0].url, running[1].url
        if profile is None:
            profile = project.parity_profile
            intended = intended or settings.catalogue.intended(running[1].name)
        environment = dict(settings.environment)
    if primary is None or candidate is None:
        raise LabError("there are two services to compare", hint="--primary URL --candidate URL")
    options = command.Options(
        primary=primary,
        candidate=candidate,
        second_primary=second_primary,
        profile=profile,
        corpus=corpus or (),
        intended=intended,
        har=har or (),
        prediction_log=prediction_log or (),
        generate=generate,
        repeat=repeat,
        seed=seed,
        output=output,
    )
    result = command.compare(options, environment, console)
    raise typer.Exit(result.exit_code)
