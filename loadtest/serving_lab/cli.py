"""The laboratory: brings prediction services up, loads them, watches, compares and measures them."""

import sys
import traceback
from importlib.metadata import version
from typing import Annotated

import typer

from serving_lab import exit_codes
from serving_lab.commands import bench, footprint, parity, report, results, stack
from serving_lab.errors import LabError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"lab {version('serving-lab')}\n")
        raise typer.Exit


_Version = Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")]


@app.callback()
def options(_version: _Version = False) -> None:
    """The laboratory: brings prediction services up, loads them, watches, compares and measures them."""


for module in (stack, parity, bench, results, footprint, report):
    app.add_typer(module.app)


def main() -> None:
    """Run the command line; a person's mistake is a line on standard error and an exit code, never a traceback."""
    try:
        sys.exit(app(standalone_mode=False))
    except LabError as error:
        _say(str(error), error.hint)
        sys.exit(error.exit_code)
    except typer.TyperException as error:
        _say(error.format_message())
        sys.exit(exit_codes.CANNOT_TELL)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(exit_codes.INTERRUPTED)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("serving_lab"):
            _internal_error()
        _say(f"{error.name}, which this command needs, is not installed", "pip install 'serving-lab[stack,load]'")
        sys.exit(exit_codes.CANNOT_TELL)
    except Exception:  # noqa: BLE001
        _internal_error()


def _say(problem: str, hint: str | None = None) -> None:
    sys.stderr.write(f"error: {problem}\n")
    if hint:
        sys.stderr.write(f" hint: {hint}\n")


def _internal_error() -> None:
    traceback.print_exc()
    _say("this is a mistake in the lab, not in what you gave it", "report it with the lines above and the command")
    sys.exit(exit_codes.INTERNAL_ERROR)
