"""Errors that a user reads: what is wrong and what to do next."""

from serving_lab import exit_codes


class LabError(Exception):
    """One line that says what is wrong, and a hint what to do; the command line prints both and exits."""

    exit_code = exit_codes.CANNOT_TELL

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class InterruptedBeforeResultError(LabError):
    """Ctrl-C came before there was any result to keep."""

    exit_code = exit_codes.INTERRUPTED
