"""The runbook, docs/runbook.md, where those who see an alert in Grafana can read it: a panel for each alert."""

import re
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import text
from grafana_foundation_sdk.models.text import TextMode

from grafana_dashboards.frame import dashboard, generator_banner

PAGE = Path(__file__).parents[2] / "docs" / "runbook.md"
_SECTION = re.compile(r"^## (\w+)\n\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def sections() -> dict[str, str]:
    """What the page says of each alert, as Markdown, by the alert's name."""
    return {name: body.strip() for name, body in _SECTION.findall(PAGE.read_text(encoding="utf-8"))}


def runbook() -> builders.Dashboard:
    """The dashboard to which open alerts link."""
    board = dashboard("runbook", "Runbook", "For each alert: what it means, what to look at, what to do.")
    board = board.with_panel(generator_banner().span(24))
    texts = [*sections().items()]
    for number, (name, body) in enumerate(texts, start=1):
        alone = number == len(texts) and number % 2
        board = board.with_panel(_section(name, body, width=24 if alone else 12))
    return board


def _section(name: str, body: str, width: int) -> text.Panel:
    return text.Panel().title(name).mode(TextMode.MARKDOWN).content(body).span(width).height(8)
