"""Grafana's provisioned dashboards, read as Grafana reads them: panels and their queries, variables put in."""

import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import local_http

DASHBOARDS_DIR = Path(__file__).resolve().parents[2] / "monitoring" / "grafana" / "dashboards"
OF_SERVICE = "{{label}}"
"""The legend of a query that has a series for each service."""
ROW, TEXT = "row", "text"

_CLIENT = local_http.client(timeout=10)  # one for all: to make one costs more than a query


@dataclass(frozen=True)
class Sample:
    """One series of an answer, at one moment."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class PanelQuery:
    """One PromQL expression of a dashboard, ready to be sent."""

    dashboard: str
    panel: str
    expression: str
    legend: str
    choice: str

    def __str__(self) -> str:
        return " / ".join(filter(None, (self.dashboard, self.panel, self.choice)))

    @property
    def needed_labels(self) -> list[str]:
        """The labels without which its series would have no name, or only a part of one."""
        return re.findall(r"\{\{(\w+)\}\}", self.legend)

    @property
    def speaks_for_all(self) -> bool:
        """Whether it has a series for each service."""
        return self.legend == OF_SERVICE


def dashboards() -> list[dict[str, Any]]:
    """Return every dashboard that is provisioned."""
    return [json.loads(path.read_text()) for path in sorted(DASHBOARDS_DIR.glob("*.json"))]


def panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every panel that draws something, those folded into rows too."""
    for panel in dashboard["panels"]:
        if panel["type"] == ROW:
            yield from panel.get("panels", [])
        elif panel["type"] != TEXT:
            yield panel


def panel_queries(services: Sequence[str], rate_interval: str = "8s") -> list[PanelQuery]:
    """Every query of every dashboard, once for each of the services that can be chosen, for all endpoints.

    `rate_interval` stands for $__rate_interval, which is four scrape intervals on a short time range.
    """
    return [
        PanelQuery(
            dashboard["uid"],
            panel["title"],
            substituted(target["expr"], values | {"__rate_interval": rate_interval, "__range": "5m"}),
            target["legendFormat"],
            values.get("service", ""),
        )
        for dashboard in dashboards()
        for values in _choices(dashboard, services)
        for panel in panels(dashboard)
        for target in panel["targets"]
    ]


def annotation_queries() -> list[str]:
    """Return the query of every annotation."""
    return [
        annotation["target"]["expr"] for dashboard in dashboards() for annotation in dashboard["annotations"]["list"]
    ]


def ask(prometheus_url: str, expression: str, at: float | None = None) -> list[Sample]:
    """Ask Prometheus for the value of each series, now or at this Unix time."""
    when = {} if at is None else {"time": at}
    response = _CLIENT.get(f"{prometheus_url}/api/v1/query", params={"query": expression, **when})
    answer = response.json()
    assert answer["status"] == "success", f"{expression}\n{answer.get('error')}"
    return [Sample(series["metric"], float(series["value"][1])) for series in answer["data"]["result"]]


def values_by_service(prometheus_url: str, expression: str, at: float | None = None) -> dict[str, float]:
    """The value of each service; a value that is not a number draws nothing and is left out."""
    samples = ask(prometheus_url, expression, at)
    return {sample.labels.get("service", ""): sample.value for sample in samples if math.isfinite(sample.value)}


def _choices(dashboard: dict[str, Any], services: Sequence[str]) -> list[dict[str, str]]:
    """The values of the variables: of $service each service, which Grafana asks Prometheus for, and else everything."""
    variables = dashboard["templating"].get("list", [])
    values = {
        variable["name"]: [variable["allValue"]] if variable["includeAll"] else services for variable in variables
    }
    return [dict(zip(values, choice, strict=True)) for choice in itertools.product(*values.values())]


def substituted(expression: str, values: Mapping[str, str]) -> str:
    """A query with its variables put in."""
    # In a regular expression's replacement, such as label_replace's "$1", the dollar is no variable.
    return re.sub(r"\$\{?([a-z_]\w*)(?::\w+)?\}?", lambda found: values[found[1]], expression)
