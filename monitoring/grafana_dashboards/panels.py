"""Panels in the house's style: one colour a service, a unit on every axis, words where there is nothing to show."""

from collections.abc import Iterable
from string import ascii_uppercase

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as dashboard_builders
from grafana_foundation_sdk.builders import prometheus as prometheus_builders
from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common, prometheus
from grafana_foundation_sdk.models import dashboard as models

from grafana_dashboards.promql import BOTH, Measure, fastapi_over_flask

PROMETHEUS = common.DataSourceRef(type_val="prometheus", uid="prometheus")
COLOURS = {"flask": "#E0751A", "fastapi": "#0F97B0"}
NOT_RUNNING = "not running"

_GRAPH_HEIGHT = 7
_SPAN_NULLS_MILLISECONDS = 10_000


def query(expression: str, legend: str = "{{service}}") -> prometheus_builders.Dataquery:
    """Return a query over the dashboard's time range."""
    return prometheus_builders.Dataquery().datasource(PROMETHEUS).expr(expression).legend_format(legend).range()


def query_now(expression: str, legend: str = "{{service}}") -> prometheus_builders.Dataquery:
    """Return a query of the present value."""
    return prometheus_builders.Dataquery().datasource(PROMETHEUS).expr(expression).legend_format(legend).instant()


def query_rows(expression: str) -> prometheus_builders.Dataquery:
    """Return a query of the present labels and values, a series a row."""
    return query_now(expression, "__auto").format(prometheus.PromQueryFormat.TABLE)


def graph(title: str, description: str, unit: str, *queries: prometheus_builders.Dataquery) -> timeseries.Panel:
    """Return lines over time from zero up, the services' in their colours."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .unit(unit)
        .min(0)
        .no_value(NOT_RUNNING)
        .mappings([no_number("no traffic")])
        .line_width(2)
        .fill_opacity(0)
        .show_points(common.VisibilityMode.NEVER)
        .span_nulls(_SPAN_NULLS_MILLISECONDS)
        .legend(
            common_builders.VizLegendOptions()
            .display_mode(common.LegendDisplayMode.TABLE)
            .placement(common.LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs(["last", "mean", "max"])
        )
        .tooltip(common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.NONE))
        .span(8)
        .height(_GRAPH_HEIGHT)
    )
    for name, colour in COLOURS.items():
        panel = panel.override_by_name(name, [_fixed_colour(colour)])
    return panel.targets(_named(queries))


def graph_of(title: str, description: str, unit: str, measure: Measure) -> timeseries.Panel:
    """Return a measure of both services over time; a click on a line opens its service in depth."""
    in_depth = (
        dashboard_builders.DashboardLink("In depth")
        .url("/d/service?var-service=${__field.labels.service}&${__url_time_range}")
        .type(models.DashboardLinkType.LINK)
    )
    return graph(title, description, unit, query(measure(BOTH))).data_links([in_depth])


def number(title: str, description: str, unit: str, *queries: prometheus_builders.Dataquery) -> stat.Panel:
    """Return the present value in large digits, or several under their names."""
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .unit(unit)
        .no_value(NOT_RUNNING)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["last"]).values(False))
        .graph_mode(common.BigValueGraphMode.NONE)
        .color_mode(common.BigValueColorMode.VALUE)
        .text_mode(common.BigValueTextMode.AUTO)
        .orientation(common.VizOrientation.HORIZONTAL)
        .thresholds(thresholds("text"))
        .span(4)
        .height(4)
    )
    return panel.targets(_named(queries))


def number_of(title: str, description: str, unit: str, measure: Measure) -> stat.Panel:
    """Return a measure's present value for each service, in its colour."""
    panel = number(title, description, unit, query_now(measure(BOTH))).mappings([no_number("no traffic")])
    for name, colour in COLOURS.items():
        panel = panel.override_by_name(name, [_fixed_colour(colour)])
    return panel


def ratio_of(title: str, measure: Measure, *, more_is_better: bool, idle: str = "no traffic") -> stat.Panel:
    """Return FastAPI's present value divided by Flask's: green where FastAPI is better, red where it is worse."""
    low, high = ("red", "green") if more_is_better else ("green", "red")
    better = "more" if more_is_better else "less"
    return (
        number(
            title,
            f"FastAPI divided by Flask; {better} than 1 is better for FastAPI. Within 5% they count as equal.",
            "suffix:x",
            query_now(fastapi_over_flask(measure), "FastAPI / Flask"),
        )
        .decimals(2)
        .mappings([no_number(idle)])
        .thresholds(thresholds(low, (0.95, "text"), (1.05, high)))
    )


def rows(title: str, description: str, expression: str, columns: dict[str, str]) -> table.Panel:
    """Return a table with a row a series; `columns` maps labels, and Value, to headings, in their order."""
    organize = models.DataTransformerConfig(
        id_val="organize",
        options={
            "renameByName": columns,
            "indexByName": {label: position for position, label in enumerate(columns)},
            "includeByName": dict.fromkeys(columns, True),
        },
    )
    return (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .unit("string")
        .no_value(NOT_RUNNING)
        .targets(_named([query_rows(expression)]))
        .with_transformation(organize)
        .height(_GRAPH_HEIGHT)
    )


def thresholds(base: str, *steps: tuple[float, str]) -> dashboard_builders.ThresholdsConfig:
    """Return colours by value: the base's, and from each step's value on that step's."""
    return (
        dashboard_builders.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(None, base), *(models.Threshold(value, colour) for value, colour in steps)])
    )


def no_number(text: str) -> models.SpecialValueMap:
    """Show a text instead of a value that is missing or not a number."""
    result = models.ValueMappingResult(text=text, color="text")
    match = models.SpecialValueMatch.NULL_AND_NAN
    return models.SpecialValueMap(models.DashboardSpecialValueMapOptions(match=match, result=result))


def in_words(words: dict[str, tuple[str, str]]) -> models.ValueMap:
    """Show a text in a colour instead of each value."""
    return models.ValueMap(
        {value: models.ValueMappingResult(text=text, color=colour) for value, (text, colour) in words.items()}
    )


def from_on(value: float, text: str, colour: str) -> models.RangeMap:
    """Show a text in a colour instead of a value and all above it."""
    result = models.ValueMappingResult(text=text, color=colour)
    return models.RangeMap(models.DashboardRangeMapOptions(from_val=value, result=result))


def coloured_cells(*, whole_row: bool = False) -> models.DynamicConfigValue:
    """Colour a column's cells, or their whole rows, by their mapping."""
    cells = common.TableColoredBackgroundCellOptions(
        mode=common.TableCellBackgroundDisplayMode.BASIC, apply_to_row=whole_row
    )
    return models.DynamicConfigValue(id_val="custom.cellOptions", value=cells)


def mapped(*mappings: models.ValueMapping) -> models.DynamicConfigValue:
    """Map the values of what an override selects."""
    return models.DynamicConfigValue(id_val="mappings", value=list(mappings))


def coloured(colour: str) -> list[models.DynamicConfigValue]:
    """Draw what an override selects in one colour."""
    return [_fixed_colour(colour)]


def _named(queries: Iterable[prometheus_builders.Dataquery]) -> list[Builder[Dataquery]]:
    return [target.ref_id(name) for name, target in zip(ascii_uppercase, queries, strict=False)]


def _fixed_colour(colour: str) -> models.DynamicConfigValue:
    return models.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": colour})
