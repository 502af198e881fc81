"""The dashboards as the files Grafana reads."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel, RowPanel

from grafana_dashboards.frame import lay_out
from grafana_dashboards.generator import generator
from grafana_dashboards.moving_over import moving_over
from grafana_dashboards.runbook import runbook
from grafana_dashboards.service import service
from grafana_dashboards.side_by_side import side_by_side

DIRECTORY = Path(__file__).parents[1] / "grafana" / "dashboards"

_ENCODER = JSONEncoder()
_NOT_IN_SCHEMA = ("auto", "auto_min", "auto_count")


def contents() -> dict[str, str]:
    """The text of each file by its name."""
    return {f"{dashboard.uid}.json": _encode(dashboard) for dashboard in _dashboards()}


def write() -> list[Path]:
    """Write all files, remove those of dashboards that no longer exist, and return the paths."""
    texts = contents()
    for path in DIRECTORY.glob("*.json"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (DIRECTORY / name).write_text(text, encoding="utf-8")
    return sorted(DIRECTORY.glob("*.json"))


def _dashboards() -> list[Dashboard]:
    dashboards = [
        side_by_side().build(),
        service().build(),
        generator().build(),
        moving_over().build(),
        runbook().build(),
    ]
    for dashboard in dashboards:
        panels = dashboard.panels or []
        lay_out(panels)
        # Grafana gives panels without ids a new number each time: links to a panel would break.
        for number, panel in enumerate(_with_folded(panels), start=1):
            panel.id_val = number
    return dashboards


def _with_folded(panels: Sequence[Panel | RowPanel]) -> Iterator[Panel | RowPanel]:
    for panel in panels:
        yield panel
        if isinstance(panel, RowPanel):
            yield from panel.panels


def _encode(dashboard: Dashboard) -> str:
    document = json.loads(_ENCODER.encode(dashboard))
    # The SDK adds these: its only placement hides links and annotations behind a menu, and the rest is not in the
    # schema of the pinned Grafana.
    for shown in (*document["links"], *document["annotations"]["list"]):
        del shown["placement"]
    for panel in document["panels"]:
        for drawn in (panel, *panel.get("panels", [])):
            drawn.get("options", {}).pop("footer", None)
    for variable in document["templating"].setdefault("list", []):
        for setting in _NOT_IN_SCHEMA:
            variable.pop(setting, None)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
