"""The command that passes traffic on, records it, and mirrors it."""

from pathlib import Path
from typing import Annotated

import typer

from serving_lab.commands.console import console

app = typer.Typer()


@app.command()
def tap(
    primary: Annotated[str, typer.Option(help="The service that answers: its base URL, without a path.")],
    candidate: Annotated[
        str | None, typer.Option(help="A second one, which is sent every repeatable request afterwards.")
    ] = None,
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where clients connect.")] = "127.0.0.1:8092",
    record: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What is recorded, in a new file [default: nothing]")
    ] = None,
    description: Annotated[
        Path | None,
        typer.Option(help="Of the API: how to sign in, what is repeatable and what is personal [default: nothing]"),
    ] = None,
    queue: Annotated[
        int, typer.Option(min=0, help="Requests that may wait for the candidate; more are left out and counted.")
    ] = 1000,
    max_bytes: Annotated[
        int | None, typer.Option(min=1000, help="How long the file may get; then traffic is only passed on.")
    ] = None,
    again: Annotated[
        float, typer.Option(min=0, max=1, help="Share of mirrored requests that the primary is sent once more.")
    ] = 0.05,
    source: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of this machine, for connections to the services.")
    ] = None,
    relay: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Where a gateway sends WebSockets that `lab rollout` moves over."),
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where Prometheus reads what the tap counts.")
    ] = None,
) -> None:
    """Pass HTTP traffic on to a service as it is, record it without secrets, and mirror it to a second service."""
    from serving_lab.tap import command

    options = command.Options(
        primary, candidate, listen, record, description, queue, max_bytes, again, metrics, source, relay
    )
    raise typer.Exit(command.run(options, console))


if __name__ == "__main__":  # in the lab's image, which has no other command
    app()
