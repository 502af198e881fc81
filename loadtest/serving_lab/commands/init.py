"""The command that drafts the description of an API."""

import os
from pathlib import Path
from typing import Annotated

import typer

from serving_lab.commands.console import console

app = typer.Typer()


@app.command()
def init(
    url: Annotated[str, typer.Argument(help="Base URL of a service that answers, best a test instance.")],
    openapi: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|FILE|URL",
            help="Its OpenAPI document: a path on it, a file, a URL [default: it is looked for at the usual places]",
        ),
    ] = None,
    har: Annotated[list[Path] | None, typer.Option(help="Recorded traffic (HAR); may be repeated.")] = None,
    postman: Annotated[list[Path] | None, typer.Option(help="Postman collections; may be repeated.")] = None,
    base: Annotated[
        str | None, typer.Option(help="What the URLs of recorded requests to it begin with [default: URL]")
    ] = None,
    output: Annotated[Path, typer.Option(help="The file to write.")] = Path("api.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite it if it exists.")] = False,
) -> None:
    """Draft the file that parity and bench need, by GET and by signing in: requests, right answers, a load."""
    from serving_lab.drafting import command

    options = command.Options(url, openapi, har or (), postman or (), base, output, force)
    raise typer.Exit(command.init(options, dict(os.environ), console))
