"""The command that lends a machine to a laboratory elsewhere, to send load from."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from serving_lab.commands.console import console

app = typer.Typer()


@app.command()
def generator(
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where a laboratory connects.")],
    secret_file: Annotated[Path, typer.Option(metavar="FILE", help="What the laboratory must know, too.")],
    tls_cert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Certificate, in PEM format; needed beyond this machine.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="Its key.")] = None,
) -> None:
    """Send load for a `lab bench --generators HOST:PORT` on another machine, until Ctrl-C."""
    from serving_lab.generator import listener
    from serving_lab.text import host_port

    plan = listener.listening(host_port.parse("--listen", listen), secret_file, tls_cert, tls_key)
    asyncio.run(listener.listen(plan, partial(console.print, soft_wrap=True, markup=False, highlight=False)))


if __name__ == "__main__":  # in the lab's image, which has no other command
    app()
