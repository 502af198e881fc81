"""What all dashboards share: refresh, links, load runs as annotations, and the verdict on the load generator."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import stat
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models

from grafana_dashboards.panels import PROMETHEUS, in_words, number, query, query_now
from grafana_dashboards.promql import ALL

TAG = "serving-lab"
HANDLERS = ("/predict", "/batch-predict", "/model-info", "/health", "/login")
SCRAPE_INTERVAL = "2s"
SCRAPED_SERVICES = f"max by (service, label) (up{{{ALL}}})"

_REFRESH_INTERVALS = ["2s", "5s", "10s", "30s", "1m"]


def dashboard(uid: str, title: str, description: str) -> builders.Dashboard:
    """An empty dashboard of the lab; the UID is the last part of its address."""
    return (
        builders.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .readonly()
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .time("now-5m", "now")
        .refresh(SCRAPE_INTERVAL)
        .timepicker(builders.TimePicker().refresh_intervals(_REFRESH_INTERVALS))
        .link(
            builders.DashboardLink("Dashboards").type(models.DashboardLinkType.DASHBOARDS).tags([TAG]).keep_time(True)
        )
        .annotation(_load_runs())
    )


def handler_variable() -> builders.CustomVariable:
    """The choice of an endpoint, `$handler`; all that clients use unless one is chosen."""
    everything = models.VariableOption(text="All", value="$__all", selected=True)
    return (
        builders.CustomVariable("handler")
        .label("Endpoint")
        .values(",".join(HANDLERS))
        .multi(False)
        .allow_custom_value(False)
        .include_all(True)
        .all_value("|".join(HANDLERS))
        .options([everything, *(_option(handler) for handler in HANDLERS)])
        .current(everything)
    )


def service_variable() -> builders.QueryVariable:
    """The choice of a service, `$service`, of those that are scraped; shown by its label."""
    return (
        builders.QueryVariable("service")
        .label("Service")
        .datasource(PROMETHEUS)
        .query(f"query_result({SCRAPED_SERVICES})")
        .regex('/service="(?<value>[^"]+)|label="(?<text>[^"]+)/g')
        .refresh(models.VariableRefresh.ON_DASHBOARD_LOAD)
        .sort(models.VariableSort.DISABLED)
        .multi(False)
        .allow_custom_value(False)
    )


def generator_banner() -> stat.Panel:
    """The verdict on the load generator, red where it is saturated; a click opens its dashboard."""
    return (
        number(
            "Can these numbers be trusted?",
            "A saturated load generator measures its own slowness: then no panel can be trusted.",
            "none",
            query_now("max(locust_saturated) or vector(-1)", "load generator"),
        )
        .mappings(
            [
                in_words(
                    {
                        "-1": ("No load generator is running", "text"),
                        "0": ("The load generator has room", "green"),
                        "1": ("LOAD GENERATOR SATURATED: TRUST NO PANEL", "red"),
                    }
                )
            ]
        )
        .color_mode(common.BigValueColorMode.BACKGROUND_SOLID)
        .text_mode(common.BigValueTextMode.VALUE)
        .links([builders.DashboardLink("The load generator").url("/d/generator?${__url_time_range}")])
    )


def _option(value: str) -> models.VariableOption:
    return models.VariableOption(text=value, value=value, selected=False)


def _load_runs() -> builders.AnnotationQuery:
    return (
        builders.AnnotationQuery()
        .name("Load runs")
        .datasource(PROMETHEUS)
        .enable(True)
        .hide(False)
        .icon_color("purple")
        # Grafana joins points that are no further apart than the interval: it must be that of the rules.
        .target(query("load:users:info").ref_id("Load").interval(SCRAPE_INTERVAL))
        .title_format("Load")
        .text_format("{{users}} users")
    )
