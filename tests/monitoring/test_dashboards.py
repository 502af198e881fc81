"""The dashboards as files: Grafana can load them offline, and they hold for any services."""

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_dashboards.files import contents
from grafana_dashboards.panels import query
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from serving_lab.targets.catalogue import Catalogue
from support.dashboards import DASHBOARDS_DIR, OF_SERVICE, annotation_queries, dashboards, panel_queries, panels

MONITORING_DIR = Path(__file__).resolve().parents[2] / "monitoring"
CATALOGUE = Catalogue.read(MONITORING_DIR.parent / "loadtest" / "catalogue.yaml")
RULES = sorted((MONITORING_DIR / "prometheus" / "rules").glob("*.yml"))
CORE_PANELS = {"timeseries", "stat", "table", "heatmap"}
NARROWEST = {
    "timeseries": 8,
    "stat": 4,
    "table": 12,
    "heatmap": 8,
    "text": 12,
}  # of 24 columns: 200 pixels of 1280 hold a number

ALL_DASHBOARDS = [pytest.param(dashboard, id=dashboard["uid"]) for dashboard in dashboards()]
ALL_PANELS = [
    pytest.param(panel, id=f"{dashboard['uid']} / {panel['id']} {panel['title']}")
    for dashboard in dashboards()
    for panel in panels(dashboard)
]
EVERY_PANEL = [panel for dashboard in dashboards() for panel in panels(dashboard)]
GRAPHS = [pytest.param(panel, id=panel["title"]) for panel in EVERY_PANEL if panel["type"] == "timeseries"]

# A page of 1280 pixels with the menu docked leaves 980 for 24 columns. A title has this much beside it: padding,
# and the icons of a description and of links. Its letters are this wide on average.
COLUMN_PIXELS, BESIDE_TITLE_PIXELS, LETTER_PIXELS = 980 / 24, 52, 7.3


@pytest.fixture(scope="module")
def datasources() -> dict[str, dict[str, Any]]:
    path = MONITORING_DIR / "grafana" / "provisioning" / "datasources" / "prometheus.yaml"
    return {datasource["uid"]: datasource for datasource in yaml.safe_load(path.read_text())["datasources"]}


def test_files_are_what_make_dashboards_writes() -> None:
    files = {path.name: path.read_text() for path in DASHBOARDS_DIR.glob("*.json")}

    assert files == contents(), "run `make dashboards`"


@pytest.mark.parametrize("dashboard", ALL_DASHBOARDS)
def test_dashboard_keeps_everything_through_the_models_of_grafana(dashboard: dict[str, Any]) -> None:
    register_default_plugins()

    # Models drop what they do not know, so that a field Grafana has no place for would be missing here.
    read = json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard)))

    assert _lost(dashboard, read) == []


@pytest.mark.parametrize("dashboard", ALL_DASHBOARDS)
def test_dashboard_needs_no_import_dialogue(dashboard: dict[str, Any]) -> None:
    assert "__inputs" not in dashboard
    assert "__requires" not in dashboard
    assert "id" not in dashboard, "a database id belongs to one Grafana"
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_each_dashboard_has_the_address_its_file_is_named_after() -> None:
    assert {path.stem: json.loads(path.read_text())["uid"] for path in DASHBOARDS_DIR.glob("*.json")} == {
        "side-by-side": "side-by-side",
        "service": "service",
        "generator": "generator",
        "moving-over": "moving-over",
        "runbook": "runbook",
    }


@pytest.mark.parametrize("dashboard", ALL_DASHBOARDS)
def test_links_lead_to_dashboards_that_exist(dashboard: dict[str, Any]) -> None:
    uids = {other["uid"] for other in dashboards()}
    linked = set(re.findall(r'"/d/([^"/?]+)', json.dumps(dashboard)))
    [navigation] = dashboard["links"]

    assert linked
    assert linked <= uids
    assert all(navigation["tags"] == other["tags"] for other in dashboards())


@pytest.mark.parametrize("dashboard", ALL_DASHBOARDS)
def test_every_dashboard_says_whether_its_numbers_can_be_trusted(dashboard: dict[str, Any]) -> None:
    [banner] = [panel for panel in panels(dashboard) if panel["title"] == "Can these numbers be trusted?"]
    words = banner["fieldConfig"]["defaults"]["mappings"][0]["options"]

    assert banner["gridPos"]["y"] == 0
    assert {value for value, word in words.items() if word["color"] == "red"} == {"3", "4"}
    assert all("[$__range]" in target["expr"] for target in banner["targets"]), "the whole range shown counts"


@pytest.mark.parametrize("dashboard", ALL_DASHBOARDS)
def test_load_runs_are_annotated_from_prometheus(dashboard: dict[str, Any]) -> None:
    annotations = dashboard["annotations"]["list"]
    configuration = yaml.safe_load((MONITORING_DIR / "prometheus" / "prometheus.yml").read_text())

    assert all(annotation["enable"] for annotation in annotations)
    assert annotations[0]["textFormat"] == "{{users}} users"
    # Grafana joins points that are no further apart than this into one run.
    assert {annotation["target"]["interval"] for annotation in annotations} == {
        configuration["global"]["evaluation_interval"]
    }
    *loads, model = dict.fromkeys(annotation_queries())
    assert loads == ["load:users:info", "load:elsewhere:per_second > 0"]
    assert "model_version" in model


@pytest.mark.parametrize("panel", ALL_PANELS)
def test_panel_reads_from_a_provisioned_datasource(
    panel: dict[str, Any], datasources: dict[str, dict[str, Any]]
) -> None:
    for reference in [panel["datasource"], *(target["datasource"] for target in panel["targets"])]:
        assert reference["type"] == datasources[reference["uid"]]["type"]
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


@pytest.mark.parametrize("panel", ALL_PANELS)
def test_panel_is_of_the_core_and_has_a_unit_a_description_and_words_for_nothing(panel: dict[str, Any]) -> None:
    assert panel["type"] in CORE_PANELS
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["fieldConfig"]["defaults"]["noValue"]
    assert panel["description"]


@pytest.mark.parametrize("path", [*DASHBOARDS_DIR.glob("*.json"), *RULES], ids=lambda path: str(path.name))
def test_dashboards_and_rules_name_no_service_and_hold_no_colour_of_one(path: Path) -> None:
    text = path.read_text().lower()
    own = [word.lower() for entry in CATALOGUE.entries for word in (entry.name, entry.label, entry.colour)]

    assert [word for word in own if word in text] == []


@pytest.mark.parametrize("panel", ALL_PANELS)
def test_a_series_of_a_service_is_called_by_its_label_and_has_no_colour_of_its_own(panel: dict[str, Any]) -> None:
    """So that whatever colours the services must only look for their labels."""
    legends = [target["legendFormat"] for target in panel["targets"]]

    assert not [legend for legend in legends if "{{service}}" in legend]
    if OF_SERVICE in legends:
        assert {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]} <= set(legends)


@pytest.mark.parametrize("dashboard", ALL_DASHBOARDS)
def test_panels_are_readable_at_1280_pixels_and_leave_no_hole(dashboard: dict[str, Any]) -> None:
    cells: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        x, y, width, height = (panel["gridPos"][key] for key in "xywh")
        covered = {(column, line) for column in range(x, x + width) for line in range(y, y + height)}
        assert width >= NARROWEST.get(panel["type"], 24), panel["title"]
        assert x + width <= 24
        assert not covered & cells, panel["title"]
        cells |= covered
    assert len(cells) == 24 * (1 + max(line for _, line in cells))


@pytest.mark.parametrize("panel", ALL_PANELS)
def test_title_is_not_cut_off_beside_a_docked_menu(panel: dict[str, Any]) -> None:
    room = panel["gridPos"]["w"] * COLUMN_PIXELS - BESIDE_TITLE_PIXELS

    assert len(panel["title"]) * LETTER_PIXELS <= room


@pytest.mark.parametrize("dashboard", ALL_DASHBOARDS)
def test_titles_of_a_dashboard_differ(dashboard: dict[str, Any]) -> None:
    titles = [panel["title"] for panel in panels(dashboard)]

    assert sorted(titles) == sorted(set(titles))


@pytest.mark.parametrize("panel", GRAPHS)
def test_an_axis_of_zeros_ends_somewhere_sensible(panel: dict[str, Any]) -> None:
    defaults = panel["fieldConfig"]["defaults"]

    assert defaults["min"] == 0
    assert 0 < defaults["custom"]["axisSoftMax"] <= defaults.get("max", 1024)


@pytest.mark.parametrize("panel", ALL_PANELS)
def test_a_unit_has_no_blank_of_its_own(panel: dict[str, Any]) -> None:
    """Grafana puts one before it already."""
    assert not re.search(r":\s|\s$", panel["fieldConfig"]["defaults"]["unit"])


@pytest.mark.parametrize("panel", GRAPHS)
def test_a_legend_is_read_without_scrolling(panel: dict[str, Any]) -> None:
    """Below a panel there is room for a list of a few names; where there may be more, a table stands at the right."""
    legend = panel["options"]["legend"]
    by_endpoint = any("{{handler}}" in target["legendFormat"] for target in panel["targets"])

    assert legend["showLegend"]
    if legend["placement"] == "bottom":
        assert legend["displayMode"] == "list"
        assert legend["calcs"] == []
        assert not by_endpoint or panel["gridPos"]["h"] >= 8
    else:
        assert panel["gridPos"]["w"] >= 12


@pytest.mark.parametrize("panel", [panel for panel in EVERY_PANEL if panel["type"] == "stat"], ids=lambda p: p["title"])
def test_several_numbers_in_one_panel_have_names_that_can_be_read(panel: dict[str, Any]) -> None:
    """Grafana shrinks names to fit, unless they have a size."""
    several = len(panel["targets"]) > 1 or "{{label}}" in panel["targets"][0]["legendFormat"]

    assert not several or panel["options"]["text"]["titleSize"] >= 11


@pytest.mark.parametrize("dashboard", ALL_DASHBOARDS)
def test_links_from_values_keep_what_was_chosen(dashboard: dict[str, Any]) -> None:
    [navigation] = dashboard["links"]
    urls = [link["url"] for panel in panels(dashboard) for link in panel["fieldConfig"]["defaults"].get("links", [])]

    assert navigation["keepTime"]
    assert navigation["includeVars"]
    for url in urls:
        assert "${__url_time_range}" in url
        if url.startswith("/d/service"):
            assert "service" in url.partition("?")[2]
            assert "handler" in url.partition("?")[2]


@pytest.mark.parametrize("dashboard", ALL_DASHBOARDS)
def test_variables_are_listed_even_where_there_are_none(dashboard: dict[str, Any]) -> None:
    assert isinstance(dashboard["templating"]["list"], list)


def test_all_endpoints_are_those_that_clients_asked_whatever_they_are() -> None:
    for dashboard in dashboards():
        for variable in dashboard["templating"]["list"]:
            if variable["name"] == "handler":
                assert variable["allValue"] == ".*"
                assert variable["query"] == 'label_values(http_requests_total{handler!~"/metrics|/ready"}, handler)'


def test_what_is_off_unless_it_is_set_is_folded() -> None:
    [service] = [dashboard for dashboard in dashboards() if dashboard["uid"] == "service"]
    folded = [panel["title"] for panel in service["panels"] if panel["type"] == "row" and panel["collapsed"]]

    assert [title.partition(":")[0] for title in folded] == ["Redis", "WebSocket", "Rate limit", "Prediction log"]


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ("up or vector(0)", True),
        ("sum(up) or  vector(NaN)", True),
        ("up or on () vector(0)", False),
        ('up or on () label_replace(vector(0), "job", "none", "", "")', False),
    ],
)
def test_a_zero_that_would_stand_beside_other_series_cannot_be_written(expression: str, wrong: bool) -> None:
    refused = pytest.raises(ValueError, match="use or_zero") if wrong else contextlib.nullcontext()

    with refused:
        query(expression)


def test_rates_follow_the_scrape_interval(datasources: dict[str, dict[str, Any]]) -> None:
    scrape = yaml.safe_load((MONITORING_DIR / "prometheus" / "prometheus.yml").read_text())
    over_time = [target["expr"] for panel in EVERY_PANEL for target in panel["targets"] if not target.get("instant")]
    rates = [expression for expression in over_time if "rate(" in expression]

    assert datasources["prometheus"]["jsonData"]["timeInterval"] == scrape["global"]["scrape_interval"]
    assert rates
    assert all(expression.count("rate(") == expression.count("[$__rate_interval]") for expression in rates)


def test_a_present_value_looks_back_over_a_fixed_time() -> None:
    """Grafana's own interval follows the panel's width: the same number would differ from window to window."""
    now = [target["expr"] for panel in EVERY_PANEL for target in panel["targets"] if target.get("instant")]

    assert any("[1m]" in expression for expression in now)
    assert [expression for expression in now if "_interval]" in expression] == []


def test_every_alert_has_its_section_in_the_runbook_and_leads_to_it() -> None:
    alerts = [
        rule
        for path in RULES
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]
    [shown] = [dashboard for dashboard in dashboards() if dashboard["uid"] == "runbook"]
    texts = {panel["title"]: panel["options"]["content"] for panel in shown["panels"] if panel["type"] == "text"}

    assert texts.keys() == {alert["alert"] for alert in alerts}
    for alert in alerts:
        assert alert["annotations"]["runbook"] == f"docs/runbook.md#{alert['alert'].lower()}"
        assert re.findall(r"^\*\*(.+?):\*\*", texts[alert["alert"]], re.MULTILINE) == ["Means", "Look at", "Do"]


def test_what_the_runbook_names_exists() -> None:
    page = (MONITORING_DIR.parent / "docs" / "runbook.md").read_text()
    places = {panel["title"] for dashboard in dashboards() for panel in dashboard["panels"]} | {
        dashboard["title"] for dashboard in dashboards()
    }
    settings = re.findall(r"^#? ?([A-Z_]+)=", (MONITORING_DIR.parent / ".env.example").read_text(), re.MULTILINE)
    targets = re.findall(r"^([a-z-]+):", (MONITORING_DIR.parent / "Makefile").read_text(), re.MULTILINE)

    named = set(re.findall(r'"(\w[^"]+)"', page.replace("\n", " ")))
    assert {name for name in named if not any(place.startswith(name) for place in places)} == set()
    assert set(re.findall(r"\b[A-Z]+_[A-Z_]+\b", page)) <= {*settings, "LOCUST_WORKERS"}
    assert set(re.findall(r"`make ([a-z-]+)", page)) <= set(targets)


def test_grafana_lists_the_alerts_of_prometheus(datasources: dict[str, dict[str, Any]]) -> None:
    assert datasources["prometheus"]["jsonData"]["manageAlerts"] is True


def test_every_variable_of_a_query_can_be_put_in() -> None:
    assert not [query for query in panel_queries(["any"]) if re.search(r"\$[a-z_{]", query.expression)]


def test_recorded_series_that_are_drawn_are_recorded() -> None:
    recorded = {
        rule["record"]
        for path in (MONITORING_DIR / "prometheus" / "rules").glob("*.yml")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if "record" in rule
    }
    expressions = [*(query.expression for query in panel_queries(["any"])), *annotation_queries()]
    asked = set(re.findall(r"\b[a-z]+:[a-z_]+:[a-z0-9_]+\b", " ".join(expressions)))

    assert asked
    assert asked <= recorded


def _lost(before: object, after: object, path: str = "") -> list[str]:
    """Where something of a document is missing or another in what was read of it; what is only added is left out."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [lost for key in before for lost in _lost(before[key], after.get(key), f"{path}/{key}")]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [
            lost for at, pair in enumerate(zip(before, after, strict=True)) for lost in _lost(*pair, f"{path}/{at}")
        ]
    return [] if before == after else [path]
