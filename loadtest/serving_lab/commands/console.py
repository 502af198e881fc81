"""Where commands print."""

import sys
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from serving_lab.text.phrases import visible

_UNATTENDED_WIDTH = 140


class _PlainConsole(Console):
    """A console that writes control characters out: texts of services are for people to read, not for a terminal."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            obeyed = not segment.control and not segment.text.isprintable()
            yield segment._replace(text=visible(segment.text)) if obeyed else segment


console = _PlainConsole(width=None if sys.stdout.isatty() else _UNATTENDED_WIDTH, highlight=False)
aside = _PlainConsole(stderr=True, width=None if sys.stderr.isatty() else _UNATTENDED_WIDTH, highlight=False)
"""For people, where standard output is for a program."""
