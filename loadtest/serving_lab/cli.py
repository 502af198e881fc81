"""The laboratory: starts prediction services, sends load to them, watches, compares and measures them."""

import sys
import traceback
from importlib.metadata import version
from typing import Annotated

import typer

from serving_lab import exit_codes
from serving_lab.commands import (
    bench,
    checklist,
    footprint,
    gate,
    generator,
    init,
    inventory,
    model,
    parity,
    replay,
    report,
    results,
    rollout,
    stack,
    tap,
    token,
    tour,
)
from serving_lab.errors import LabError
from serving_lab.text import how_to
from serving_lab.text.phrases import visible

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"lab {version('serving-lab')}\n")
        raise typer.Exit


_Version = Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")]


@app.callback()
def options(_version: _Version = False) -> None:
    """The laboratory: brings prediction services up, loads them, watches, compares and measures them."""


for module in (
    stack,
    tour,
    token,
    inventory,
    init,
    parity,
    bench,
    results,
    footprint,
    gate,
    generator,
    report,
    tap,
    replay,
    rollout,
    model,
    checklist,
):
    app.add_typer(module.app)


def main() -> None:
    """Run the command line; a user's mistake is a line on standard error and an exit code, never a traceback."""
    sys.exit(_exit_code())


def _exit_code() -> int:
    try:
        code = app(standalone_mode=False)
    except LabError as error:
        _say(str(error), error.hint)
        return error.exit_code
    except typer.TyperException as error:
        _say(error.format_message())
        return exit_codes.CANNOT_TELL
    except (KeyboardInterrupt, typer.Abort):
        return exit_codes.INTERRUPTED
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("serving_lab"):
            return _internal_error()
        _say(f"{error.name}, which this command needs, is not installed", how_to.install("stack,load"))
        return exit_codes.CANNOT_TELL
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            # Typer and Rich exit with 1 where nobody reads any more what is printed.
            return exit_codes.CANNOT_TELL
        raise
    except Exception:  # noqa: BLE001
        return _internal_error()
    return code or exit_codes.OK


def _say(problem: str, hint: str | None = None) -> None:
    # A problem may quote what a service said: nothing of that is for a terminal to obey.
    sys.stderr.write(f"error: {visible(problem)}\n")
    if hint:
        sys.stderr.write(f" hint: {visible(hint)}\n")


def _internal_error() -> int:
    traceback.print_exc()
    _say(
        "this is a bug in the lab, not in your input",
        "report it in the project's issue tracker, with the lines above and the command",
    )
    return exit_codes.INTERNAL_ERROR
