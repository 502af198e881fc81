"""Grafana's provisioned dashboards, read as Grafana reads them: panels and their queries, variables put in."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

DASHBOARDS_DIR = Path(__file__).resolve().parents[2] / "monitoring" / "grafana" / "dashboards"
ROW = "row"


@dataclass(frozen=True)
class PanelQuery:
    """One PromQL expression of a dashboard, ready to be sent."""

    dashboard: str
    panel: str
    expression: str

    def __str__(self) -> str:
        return f"{self.dashboard} / {self.panel}"


def dashboards() -> list[dict[str, Any]]:
    """Return every dashboard that is provisioned."""
    return [json.loads(path.read_text()) for path in sorted(DASHBOARDS_DIR.glob("*.json"))]


def panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every panel that draws something, those folded into rows too."""
    for panel in dashboard["panels"]:
        if panel["type"] == ROW:
            yield from panel.get("panels", [])
        else:
            yield panel


def panel_queries(rate_interval: str = "8s") -> list[PanelQuery]:
    """Return every query of every dashboard, variables at their first value and "All" as Grafana expands it.

    `rate_interval` stands for $__rate_interval, which is four scrape intervals on a short time range.
    """
    return [
        PanelQuery(dashboard["title"], panel["title"], _substitute(target["expr"], dashboard, rate_interval))
        for dashboard in dashboards()
        for panel in panels(dashboard)
        for target in panel.get("targets", [])
    ]


def values_by_service(prometheus_url: str, expression: str) -> dict[str, float]:
    """Ask Prometheus and return the value of each service; a value that is no number draws nothing and is left out."""
    response = httpx.get(f"{prometheus_url}/api/v1/query", params={"query": expression}, timeout=10, trust_env=False)
    answer = response.json()
    assert answer["status"] == "success", f"{expression}\n{answer.get('error')}"
    values = {series["metric"].get("service", ""): float(series["value"][1]) for series in answer["data"]["result"]}
    return {service: value for service, value in values.items() if math.isfinite(value)}


def _substitute(expression: str, dashboard: dict[str, Any], rate_interval: str) -> str:
    values = {"__rate_interval": rate_interval, "__interval": "2s", "__range": "5m"}
    for variable in dashboard.get("templating", {}).get("list", []):
        current = variable["current"]["value"]
        values[variable["name"]] = variable["allValue"] if current == "$__all" else current
    return re.sub(r"\$\{?(\w+)(?::\w+)?\}?", lambda found: values[found[1]], expression)
