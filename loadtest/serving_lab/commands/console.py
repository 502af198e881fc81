"""Where commands print."""

import sys

from rich.console import Console

_UNATTENDED_WIDTH = 140

console = Console(width=None if sys.stdout.isatty() else _UNATTENDED_WIDTH, highlight=False)
