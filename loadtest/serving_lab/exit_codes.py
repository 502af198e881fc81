"""The exit codes of `lab`, the same for every command."""

OK = 0
FOUND = 1
"""What was looked for is there: a difference, a condition of --fail-if, a wrong answer under load."""
CANNOT_TELL = 2
"""Nothing can be said: wrong usage, bad input, something missing, a measurement that was refused."""
INTERNAL_ERROR = 70
"""A mistake in the lab itself (EX_SOFTWARE of sysexits.h)."""
INTERRUPTED = 130
"""Ctrl-C, as shells report SIGINT (128 + 2)."""
