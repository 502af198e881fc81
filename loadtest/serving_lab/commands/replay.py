"""The command that sends recorded traffic again."""

import os
from pathlib import Path
from typing import Annotated

import typer

from serving_lab.commands.console import console
from serving_lab.errors import LabError
from serving_lab.text.environment import Environment

app = typer.Typer()


@app.command()
def replay(
    recording: Annotated[Path, typer.Argument(metavar="FILE", help="What lab tap recorded.")],
    to: Annotated[str | None, typer.Option(metavar="URL", help="Where it is sent: a service's base URL.")] = None,
    description: Annotated[
        Path | None, typer.Option(help="Of the API: how to sign in, for tokens older than the recording.")
    ] = None,
    pace: Annotated[
        str, typer.Option(help="1 as recorded, 2 twice as fast, max: each request once the one before is answered.")
    ] = "1",
    limit: Annotated[int | None, typer.Option(min=1, help="Send so many requests at most.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="Send for so long at most.")] = None,
    order: Annotated[
        str, typer.Option(metavar="session|connection", help="Within what requests keep their order.")
    ] = "session",
    profile: Annotated[
        Path | None, typer.Option(metavar="OUT.yaml", help="Send nothing: write a profile for lab bench, fitted to it.")
    ] = None,
    output: Annotated[Path, typer.Option(help="File of the result.")] = Path("results/replay.json"),
) -> None:
    """Send recorded traffic again. Exit code 1: a status is not the recorded one, 2: could not tell."""
    environment = Environment(os.environ)
    if order not in {"session", "connection"}:
        raise LabError(f"--order {order}: choose session or connection")
    if profile is not None:
        from serving_lab.tap.replay import fitting

        raise typer.Exit(fitting.write(recording, profile, description, console))
    if to is None:
        raise LabError("where is it to be sent?", hint="--to URL, or --profile OUT.yaml")
    from serving_lab.tap.replay import command as replay_command

    options = replay_command.ReplayOptions(
        recording, to, description, pace, limit, seconds, order == "connection", output
    )
    raise typer.Exit(replay_command.replay(options, environment, console))
