"""The exit codes of `lab`, the same for every command."""

OK = 0
FOUND = 1
"""What the command looks for was found: a difference, a condition of --fail-if, a wrong answer under load."""
CANNOT_TELL = 2
"""No conclusion: wrong usage, bad input, something missing, no data, a measurement that was refused."""
INTERNAL_ERROR = 70
"""A bug in the lab itself (EX_SOFTWARE of sysexits.h)."""
INTERRUPTED = 130
"""Ctrl-C, as shells report SIGINT (128 + 2)."""
