"""The dashboards as files: Grafana can load them offline, and a reader can tell the services apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from support.dashboards import DASHBOARDS_DIR, dashboards, panel_queries, panels

PROVISIONING_DIR = Path(__file__).resolve().parents[2] / "monitoring" / "grafana" / "provisioning"
COLOURS = {"flask": "#E0751A", "fastapi": "#0F97B0"}
CORE_PANELS = {"timeseries", "stat", "gauge", "bargauge", "barchart", "table", "heatmap", "state-timeline", "text"}

ALL_PANELS = [
    pytest.param(panel, id=f"{dashboard['title']} / {panel['title']}")
    for dashboard in dashboards()
    for panel in panels(dashboard)
]


@pytest.fixture(scope="module")
def datasources() -> dict[str, dict[str, Any]]:
    provisioned = yaml.safe_load((PROVISIONING_DIR / "datasources" / "prometheus.yaml").read_text())
    return {datasource["uid"]: datasource for datasource in provisioned["datasources"]}


@pytest.mark.parametrize("dashboard", dashboards(), ids=lambda dashboard: str(dashboard["uid"]))
def test_dashboard_needs_no_import_dialogue(dashboard: dict[str, Any]) -> None:
    assert "__inputs" not in dashboard
    assert "id" not in dashboard, "a database id belongs to one Grafana"
    assert dashboard["uid"]
    assert len({panel["id"] for panel in panels(dashboard)}) == len(list(panels(dashboard)))


def test_home_dashboard_is_the_side_by_side_one() -> None:
    assert "side-by-side" in {dashboard["uid"] for dashboard in dashboards()}
    assert (DASHBOARDS_DIR / "side-by-side.json").is_file()


@pytest.mark.parametrize("panel", ALL_PANELS)
def test_panel_reads_from_a_provisioned_datasource(
    panel: dict[str, Any], datasources: dict[str, dict[str, Any]]
) -> None:
    for reference in [panel["datasource"], *(target["datasource"] for target in panel["targets"])]:
        assert reference["type"] == datasources[reference["uid"]]["type"]


@pytest.mark.parametrize("panel", ALL_PANELS)
def test_panel_is_of_the_core_and_has_a_unit_and_a_description(panel: dict[str, Any]) -> None:
    assert panel["type"] in CORE_PANELS
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["description"]


@pytest.mark.parametrize("panel", ALL_PANELS)
def test_a_service_has_one_colour_everywhere(panel: dict[str, Any]) -> None:
    drawn = {
        override["matcher"]["options"]: setting["value"]["fixedColor"]
        for override in panel["fieldConfig"]["overrides"]
        for setting in override["properties"]
        if setting["id"] == "color"
    }

    assert drawn == COLOURS
    assert [target["legendFormat"] for target in panel["targets"]] == ["{{service}}"]


@pytest.mark.parametrize("dashboard", dashboards(), ids=lambda dashboard: str(dashboard["uid"]))
def test_panels_are_readable_at_1280_pixels_and_do_not_overlap(dashboard: dict[str, Any]) -> None:
    cells: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        x, y, width, height = (panel["gridPos"][key] for key in "xywh")
        covered = {(column, line) for column in range(x, x + width) for line in range(y, y + height)}
        assert width >= 8
        assert x + width <= 24
        assert not covered & cells, panel["title"]
        cells |= covered


def test_rates_follow_the_scrape_interval(datasources: dict[str, dict[str, Any]]) -> None:
    scrape = yaml.safe_load((PROVISIONING_DIR.parents[1] / "prometheus" / "prometheus.yml").read_text())
    expressions = [
        target["expr"] for dashboard in dashboards() for panel in panels(dashboard) for target in panel["targets"]
    ]
    rates = [expression for expression in expressions if "rate(" in expression]

    assert datasources["prometheus"]["jsonData"]["timeInterval"] == scrape["global"]["scrape_interval"]
    assert rates
    assert all("[$__rate_interval]" in expression for expression in rates)


def test_every_variable_of_a_query_can_be_put_in() -> None:
    assert not any("$" in query.expression for query in panel_queries())
