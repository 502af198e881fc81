"""The command that says what an existing service has."""

import os
from pathlib import Path
from typing import Annotated

import typer

from serving_lab.commands.console import console

app = typer.Typer()


@app.command()
def inventory(
    target: Annotated[
        str,
        typer.Argument(
            help="package.module:app, path/app.py, path/app.py:create_app, a folder, the URL of a service with an "
            "OpenAPI document, such a document as a file, a HAR file, or a Postman collection."
        ),
    ],
    python: Annotated[
        Path | None,
        typer.Option(
            help="The interpreter that has its packages [default: the active environment, or the one beside it]"
        ),
    ] = None,
    source: Annotated[bool, typer.Option("--source", help="Only read the source: import nothing.")] = False,
    timeout: Annotated[float, typer.Option(min=0.1, max=600, help="Seconds that its import may take.")] = 30.0,
    base: Annotated[str | None, typer.Option(help="What the URLs of recorded requests to it begin with.")] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for drafts: inventory.md, .json, models.py, openapi.json, api.yaml, corpus.yaml."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite drafts that exist.")] = False,
) -> None:
    """List what an old service has: routes, sign-in, checks, blocking calls, errors. Draft models and requests.

    The application is imported in a process of its own, which runs what stands at module level; no request is sent.
    """
    from serving_lab.inventory import command

    options = command.Options(target, python, source, timeout, base, output, force)
    raise typer.Exit(command.inventory(options, dict(os.environ), console))
