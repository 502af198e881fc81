"""The laboratory: brings two prediction services up, loads them, watches, compares and measures them."""

import sys

import typer

from lab.commands import bench, footprint, parity, report, results, stack
from lab.commands.could_not_tell import USAGE_EXIT_CODE
from lab.errors import LabError

INTERRUPTED_EXIT_CODE = 130

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
for module in (stack, parity, bench, results, footprint, report):
    app.add_typer(module.app)


def main() -> None:
    """Run the command line; a person's mistake is a line on standard error and an exit code, never a traceback."""
    try:
        sys.exit(app(standalone_mode=False))
    except LabError as error:
        sys.stderr.write(f"error: {error}\n")
        if error.mend:
            sys.stderr.write(f" mend: {error.mend}\n")
        sys.exit(error.exit_code)
    except typer.TyperException as error:
        sys.stderr.write(f"error: {error.format_message()}\n")
        sys.exit(USAGE_EXIT_CODE)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(INTERRUPTED_EXIT_CODE)
