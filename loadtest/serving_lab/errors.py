"""What a person is told when something cannot be done."""

from serving_lab import exit_codes


class LabError(Exception):
    """One line that says what is wrong and a hint what to do; the command line prints both, exits with `exit_code`."""

    exit_code = exit_codes.CANNOT_TELL

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class InterruptedBeforeResultError(LabError):
    """Somebody pressed Ctrl-C before there was anything to show."""

    exit_code = exit_codes.INTERRUPTED
