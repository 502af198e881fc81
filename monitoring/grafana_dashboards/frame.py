"""What all dashboards share: refresh, links, load runs as annotations, and the verdict on the load generator."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import stat
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models

from grafana_dashboards.panels import PROMETHEUS, in_words, no_number, number, query, query_now, readable, unit
from grafana_dashboards.promql import ALL, ASKED, or_unknown

TAG = "serving-lab"
SCRAPE_INTERVAL = "2s"
SCRAPED_SERVICES = f"max by (service, label) (up{{{ALL}}})"

# At each scrape's interval, one open dashboard keeps a tenth of a core of Prometheus busy.
_REFRESH_INTERVAL = "5s"
_REFRESH_INTERVALS = ["2s", "5s", "10s", "30s", "1m"]
_COLUMNS = 24


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
        .refresh(_REFRESH_INTERVAL)
        .timepicker(builders.TimePicker().refresh_intervals(_REFRESH_INTERVALS))
        .link(
            builders.DashboardLink("Dashboards")
            .type(models.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .keep_time(True)
            .include_vars(True)
        )
        .annotation(_load_of_locust())
        .annotation(_load_from_elsewhere())
        .annotation(_another_model())
    )


def off_row(title: str, *panels: Builder[models.Panel]) -> builders.Row:
    """A row of what is off unless a setting says otherwise: folded until somebody opens it."""
    row = builders.Row(title).collapsed(True)
    for panel in panels:
        row = row.with_panel(panel)
    return row


def lay_out(panels: Sequence[models.Panel | models.RowPanel]) -> None:
    """Place panels from left to right and from top to bottom; those of a folded row take no room."""
    x, y, height = 0, 0, 0
    for panel in panels:
        width = _COLUMNS if isinstance(panel, models.RowPanel) else _place(panel).w
        if x + width > _COLUMNS or isinstance(panel, models.RowPanel):
            x, y, height = 0, y + height, 0
        if isinstance(panel, models.RowPanel):
            panel.grid_pos = models.GridPos(x=0, y=y, w=_COLUMNS, h=1)
            y += 1
            lay_out(panel.panels)
            for folded in panel.panels:
                _place(folded).y += y
            continue
        place = _place(panel)
        place.x, place.y = x, y
        x, height = x + width, max(height, place.h)


def _place(panel: models.Panel) -> models.GridPos:
    if panel.grid_pos is None:
        raise ValueError(f"{panel.title} has no size")
    return panel.grid_pos


def handler_variable() -> builders.QueryVariable:
    """The choice of an endpoint, `$handler`, of those that were asked; all that clients ask unless one is chosen."""
    everything = models.VariableOption(text="All", value="$__all", selected=True)
    return (
        builders.QueryVariable("handler")
        .label("Endpoint")
        .datasource(PROMETHEUS)
        .query(f"label_values(http_requests_total{{{ASKED}}}, handler)")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(False)
        .allow_custom_value(False)
        .include_all(True)
        .all_value(".*")
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
    """The verdict on the load generator over the whole range shown, red where it was saturated; a click explains it."""
    return (
        number(
            "Can these numbers be trusted?",
            "A saturated load generator measures its own slowness: then no panel can be trusted. The whole range shown "
            "counts; below is when it was saturated last.",
            "none",
            query_now(_VERDICT, "load generator"),
            query_now(_SATURATED_LAST, "saturated last"),
        )
        .mappings(
            [
                in_words(
                    {
                        "-1": ("is not running", "text"),
                        "0": ("yes: has room", "green"),
                        "1": ("no load", "text"),
                        "2": ("unknown: load from elsewhere", "orange"),
                        "3": ("NO: was saturated", "red"),
                        "4": ("NO: SATURATED", "red"),
                    }
                ),
                no_number("never in this range"),
            ]
        )
        .override_by_name("saturated last", [unit("dateTimeAsLocalNoDateIfToday")])
        .color_mode(common.BigValueColorMode.BACKGROUND_SOLID)
        .text_mode(common.BigValueTextMode.VALUE_AND_NAME)
        .text(readable())
        .links([builders.DashboardLink("The load generator").url("/d/generator?${__url_time_range}")])
    )


# The first of these that has a value holds.
_VERDICT = " or on () ".join(
    (
        "4 * (max(locust_saturated) == 1)",
        "3 * (max(max_over_time(locust_saturated[$__range])) == 1)",
        "2 * (load:elsewhere:per_second > 0) ^ 0",
        "0 * (load:running:bool == 1)",
        "load:running:bool ^ 0",
        "vector(-1)",
    )
)
_SATURATED_LAST = or_unknown("1000 * max_over_time(generator:saturated_last:timestamp_seconds[$__range])")


def _load_of_locust() -> builders.AnnotationQuery:
    return _annotation("Load of Locust", "purple", "load:users:info", "{{users}} users")


def _load_from_elsewhere() -> builders.AnnotationQuery:
    """Of `make load`, `lab bench`, `lab parity`, and of clients that the lab does not know."""
    return _annotation(
        "Load from elsewhere", "blue", "load:elsewhere:per_second > 0", "Requests that Locust's page did not send"
    )


def _another_model() -> builders.AnnotationQuery:
    """Where a service serves another version of the model than a moment before; its first one is none."""
    now, before = (f"max by (label, model_version) (service_info{{{ALL}}}{when})" for when in ("", " offset 10s"))
    return _annotation(
        "Another model", "green", f"{now} unless {before} and on (label) {before}", "{{label}} serves {{model_version}}"
    )


def _annotation(name: str, colour: str, expression: str, text: str) -> builders.AnnotationQuery:
    return (
        builders.AnnotationQuery()
        .name(name)
        .datasource(PROMETHEUS)
        .enable(True)
        .hide(False)
        .icon_color(colour)
        # Grafana joins points that are no further apart than the interval: it must be that of the rules.
        .target(query(expression).ref_id("Load").interval(SCRAPE_INTERVAL))
        .title_format(name)
        .text_format(text)
    )
