"""What a person is told when something cannot be done."""


class LabError(Exception):
    """One line that says what is wrong, and what mends it; the command line prints it and exits with `exit_code`."""

    def __init__(self, message: str, *, mend: str | None = None, exit_code: int = 1) -> None:
        super().__init__(message)
        self.mend = mend
        self.exit_code = exit_code
