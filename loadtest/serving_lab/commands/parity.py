"""The command that compares what services answer."""

import os
from pathlib import Path
from typing import Annotated

import typer

from serving_lab.commands.console import console
from serving_lab.project import Project
from serving_lab.stack.choice import Choice
from serving_lab.stack.environment import Settings
from serving_lab.stack.services import running_targets

app = typer.Typer()


@app.command()
def parity(
    primary: Annotated[
        str | None,
        typer.Option(help="The old service: its base URL, or its name in the lab's catalogue [default: the baseline]"),
    ] = None,
    candidate: Annotated[
        str | None,
        typer.Option(help="The new one, likewise [default: every candidate that runs, one after another]"),
    ] = None,
    second_primary: Annotated[
        str | None, typer.Option(help="Another instance of the old one, to learn from what varies by itself.")
    ] = None,
    profile: Annotated[Path | None, typer.Option(help="What must be known of the API [default: the lab's own]")] = None,
    openapi: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|FILE|URL",
            help="The OpenAPI document: a path on the candidate, a file, a URL [default: profile's, or a usual place]",
        ),
    ] = None,
    corpus: Annotated[list[Path] | None, typer.Option(help="More requests; may be repeated.")] = None,
    intended: Annotated[
        list[Path] | None,
        typer.Option(help="Differences that are meant; may be repeated [default: those of the catalogue or profile]"),
    ] = None,
    har: Annotated[list[Path] | None, typer.Option(help="Recorded traffic (HAR); may be repeated.")] = None,
    postman: Annotated[list[Path] | None, typer.Option(help="Postman collections; may be repeated.")] = None,
    tap: Annotated[list[Path] | None, typer.Option(help="Traffic that lab tap recorded; may be repeated.")] = None,
    prediction_log: Annotated[list[Path] | None, typer.Option(help="Logged predictions; may be repeated.")] = None,
    generate: Annotated[int, typer.Option(min=0, help="Requests to generate.")] = 1000,
    repeat: Annotated[int, typer.Option(min=1, help="How often the corpus is sent.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Another one generates other requests.")] = 0,
    require_success: Annotated[
        bool, typer.Option("--require-success", help="Cannot tell if an operation never answered 2xx.")
    ] = False,
    accept: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write what differs to this new file, as intended differences to edit."),
    ] = None,
    output: Annotated[
        Path,
        typer.Option(help="Where parity.json and parity.html go; for several candidates parity-NAME.json, .html"),
    ] = Path("results"),
) -> None:
    """Prove that a new service answers like an old one. Exit code 0: same, 1: different, 2: could not tell.

    Of several candidates: 1 if any of them is different, else 2 if one could not be told, else 0.
    """
    from serving_lab.parity import command, pairs

    environment = dict(os.environ)
    declared = tuple(intended) if intended else None
    if pair := pairs.of_urls(primary, candidate, declared):
        chosen = [pair]
    else:
        project = Project.find(otherwise="--primary URL --candidate URL")
        settings = Settings.load(project)
        running = running_targets(Choice(project, settings, console).required(), settings)
        urls = {service.name: service.url for service in running}
        chosen = pairs.of_catalogue(primary, candidate, declared, settings.catalogue, urls)
        profile = profile or project.parity_profile
        environment = dict(settings.environment)
    options = command.Options(
        pairs=chosen,
        second_primary=second_primary,
        profile=profile,
        openapi=openapi,
        corpus=corpus or (),
        har=har or (),
        postman=postman or (),
        tapped=tap or (),
        prediction_log=prediction_log or (),
        generate=generate,
        repeat=repeat,
        seed=seed,
        require_success=require_success,
        accept=accept,
        output=output,
    )
    raise typer.Exit(command.compare(options, environment, console))
