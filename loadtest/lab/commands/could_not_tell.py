"""Exit code 2 for what could not be measured: 1 says that something was found."""

import contextlib
from collections.abc import Iterator

from lab.errors import LabError

USAGE_EXIT_CODE = 2


@contextlib.contextmanager
def could_not_tell(command: str) -> Iterator[None]:
    """Make every error of a command's an exit with 2, also a library of its own that is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise LabError(
            f"{error.name}, which {command} needs, is not installed",
            mend=f"make {command} installs it",
            exit_code=USAGE_EXIT_CODE,
        ) from None
    except LabError as error:
        raise LabError(str(error), mend=error.mend, exit_code=USAGE_EXIT_CODE) from error
