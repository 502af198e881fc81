"""What Prometheus answers to each query of a dashboard, in the form that `panels.jsx` draws."""

from dataclasses import asdict, dataclass
from typing import Any

from support import local_http
from support.dashboards import panels, substituted

_STEP_SECONDS = 2
_RATE_INTERVAL = "8s"  # of Grafana, for a short range: four scrapes
_CLIENT = local_http.client(timeout=20)


@dataclass(frozen=True)
class Range:
    """The time that is shown: Unix seconds, multiples of the step between two points."""

    from_: int
    to: int

    @classmethod
    def until(cls, now: float, seconds: float) -> "Range":
        """The last seconds before a moment."""
        return cls(_on_step(now - seconds), _on_step(now))

    def as_json(self) -> dict[str, int]:
        """As the page reads it."""
        return {"from": self.from_, "to": self.to, "step": _STEP_SECONDS}


@dataclass(frozen=True)
class Answer:
    """One query's name, its legend, the form its series are drawn in, and the series as Prometheus writes them."""

    refId: str  # noqa: N815 - as Grafana has it
    legend: str
    form: str
    series: list[dict[str, Any]]


def answers(
    prometheus_url: str, dashboard: dict[str, Any], variables: dict[str, str], shown: Range
) -> dict[int, list[dict[str, Any]]]:
    """The answers to the queries of each panel, by the panel's id."""
    values = variables | {"__rate_interval": _RATE_INTERVAL, "__range": f"{shown.to - shown.from_}s"}
    return {
        panel["id"]: [asdict(_ask(prometheus_url, target, values, shown)) for target in panel["targets"]]
        for panel in panels(dashboard)
    }


def _ask(prometheus_url: str, target: dict[str, Any], values: dict[str, str], shown: Range) -> Answer:
    expression = substituted(target["expr"], values)
    at_once = target.get("instant", False)
    form = "table" if target.get("format") == "table" else "now" if at_once else "range"
    when: dict[str, int] = (
        {"time": shown.to} if at_once else {"start": shown.from_, "end": shown.to, "step": _STEP_SECONDS}
    )
    path = "query" if at_once else "query_range"
    answer = _CLIENT.get(f"{prometheus_url}/api/v1/{path}", params={"query": expression, **when}).json()
    assert answer["status"] == "success", f"{expression}\n{answer.get('error')}"
    return Answer(target["refId"], target["legendFormat"], form, answer["data"]["result"])


def _on_step(moment: float) -> int:
    return int(moment // _STEP_SECONDS * _STEP_SECONDS)
