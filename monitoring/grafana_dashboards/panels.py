"""Panels in one style: a line or number a service, a unit on every axis, words where there is nothing to show.

What looks wrong in Grafana only once it is seen cannot be built here: an axis that draws zeros as far as 10,000%, a
present value over a window that depends on the panel's width, a zero beside series that are there.

The legend `{{label}}` stands for a service. Its colour comes from the catalogue and is added when the lab starts.
"""

import re
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

from grafana_dashboards.promql import ALL, NOW_WINDOW, RATE_WINDOW, Measure, judged

PROMETHEUS = common.DataSourceRef(type_val="prometheus", uid="prometheus")
OF_SERVICE = "{{label}}"
RATIO = "{{label}} / {{baseline}}: {{verdict}}"
NOT_RUNNING = "not running"

UNITS = {
    "bytes": 1024.0,
    "percentunit": 0.01,
    "reqps": 1.0,
    "s": 0.001,
    "short": 4.0,
    "suffix:/s": 1.0,
    "suffix:cores": 0.1,
    "suffix:rows/s": 1.0,
    "suffix:x": 2.0,
}
"""Units of axes, and how far an axis reaches at least: Grafana draws a line of zeros from 0 to 100, or to 10,000%."""

_GRAPH_HEIGHT = 8
_OF_SERVICES_HEIGHT = 6  # room for a line for each of five services, or two for each of four ratios
_COLUMN_WIDTH = 100  # or seven columns would not fit beside Grafana's menu
_SPAN_NULLS_MILLISECONDS = 10_000
_IN_DEPTH = "/d/service?var-service=${__field.labels.service}"
_BARE_ZERO = re.compile(r"\bor\s+vector\(")


def query(expression: str, legend: str = OF_SERVICE) -> prometheus_builders.Dataquery:
    """A query over the dashboard's time range."""
    return _query(expression, legend).range()


def query_now(expression: str, legend: str = OF_SERVICE) -> prometheus_builders.Dataquery:
    """A query of the present value, whose rates look back over a fixed minute."""
    return _query(expression.replace(RATE_WINDOW, NOW_WINDOW), legend).instant()


def query_rows(expression: str) -> prometheus_builders.Dataquery:
    """A query of the present labels and values, one row for each series."""
    return query_now(expression, "__auto").format(prometheus.PromQueryFormat.TABLE)


def graph(
    title: str, description: str, unit: str, *queries: prometheus_builders.Dataquery, many: bool = False
) -> timeseries.Panel:
    """Lines over time, from zero up.

    Args:
        title: Of the panel.
        description: Of the panel.
        unit: One of UNITS.
        queries: What is drawn.
        many: Whether it may have more lines than a legend below it holds, such as one for each endpoint.
    """
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .unit(unit)
        .min(0)
        .axis_soft_max(UNITS[unit])
        .no_value(NOT_RUNNING)
        .mappings([no_number("no traffic")])
        .line_width(2)
        .fill_opacity(0)
        .show_points(common.VisibilityMode.NEVER)
        .span_nulls(_SPAN_NULLS_MILLISECONDS)
        .legend(_legend_beside() if many else _legend_below())
        .tooltip(common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.NONE))
        .span(24 if many else 8)
        .height(_GRAPH_HEIGHT)
    )
    return panel.targets(_named(queries))


def graph_of(title: str, description: str, unit: str, measure: Measure) -> timeseries.Panel:
    """A measure of every service over time; a click on a line opens its service in depth."""
    return graph(title, description, unit, query(measure(ALL))).data_links([in_depth()])


def in_depth() -> dashboard_builders.DashboardLink:
    """A link from a series of a service to its dashboard, for the same endpoint and time range."""
    return data_link("In depth", f"{_IN_DEPTH}&${{handler:queryparam}}")


def to_endpoint() -> dashboard_builders.DashboardLink:
    """A link from a series of an endpoint of the chosen service to that endpoint alone."""
    return data_link("This endpoint", "/d/service?${service:queryparam}&var-handler=${__field.labels.handler}")


def data_link(title: str, url: str) -> dashboard_builders.DashboardLink:
    """A link from a value to a dashboard, with the time range that is shown."""
    link = dashboard_builders.DashboardLink(title).url(f"{url}{'&' if '?' in url else '?'}${{__url_time_range}}")
    return link.type(models.DashboardLinkType.LINK)


def number(title: str, description: str, unit: str, *queries: prometheus_builders.Dataquery) -> stat.Panel:
    """The present value in large digits, or several with their names."""
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
    """A measure's present value for each service."""
    return (
        number(title, description, unit, query_now(measure(ALL)))
        .mappings([no_number("no traffic")])
        .text(readable())
        .height(_OF_SERVICES_HEIGHT)
    )


def ratio_of(title: str, measure: Measure, *, more_is_better: bool, idle: str = "no traffic") -> stat.Panel:
    """Each candidate's present value divided by the baseline's: green where it is better, red where it is worse."""
    low, high = ("red", "green") if more_is_better else ("green", "red")
    better = "more" if more_is_better else "less"
    return (
        number(
            title,
            f"Each candidate divided by the baseline, over the last minute; {better} than 1 is better for the "
            "candidate. Within 5% is equal.",
            "suffix:x",
            query_now(judged(measure, more_is_better=more_is_better), RATIO),
        )
        .decimals(2)
        .text_mode(common.BigValueTextMode.VALUE_AND_NAME)
        .mappings([no_number(idle)])
        .thresholds(thresholds(low, (0.95, "text"), (1.05, high)))
        .data_links([in_depth()])
        .text(readable(name=11, value=16))
        .height(_OF_SERVICES_HEIGHT)
    )


def readable(name: int = 12, value: int = 18) -> common_builders.VizTextDisplayOptions:
    """Sizes in pixels for several values in one panel: by itself, Grafana would shrink names to 7."""
    return common_builders.VizTextDisplayOptions().title_size(name).value_size(value)


def rows(title: str, description: str, expression: str, columns: dict[str, str]) -> table.Panel:
    """A table with a row for each series; `columns` maps labels, and Value, to headings, in their order."""
    organize = models.DataTransformerConfig(
        id_val="organize",
        options={
            "renameByName": columns,
            "indexByName": {label: position for position, label in enumerate(columns)},
            "includeByName": dict.fromkeys(columns, True),
        },
    )
    return _table(title, description, expression).with_transformation(organize)


def matrix(
    title: str, description: str, expression: str, *, row: tuple[str, str], column: str, value: str
) -> table.Panel:
    """A table of the values of one label, by two others.

    Args:
        title: Of the panel.
        description: Of the panel.
        expression: Its series are the cells.
        row: The label that has a row for each of its values, and the heading of these.
        column: The label that has a column for each of its values.
        value: The label that is shown.
    """
    label, heading = row
    to_matrix = models.DataTransformerConfig(
        id_val="groupingToMatrix", options={"rowField": label, "columnField": column, "valueField": value}
    )
    # The transformation names its first column after both labels.
    rename = models.DataTransformerConfig(id_val="organize", options={"renameByName": {f"{label}\\{column}": heading}})
    return _table(title, description, expression).with_transformation(to_matrix).with_transformation(rename)


def _table(title: str, description: str, expression: str) -> table.Panel:
    return (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .unit("string")
        .min_width(_COLUMN_WIDTH)
        .no_value(NOT_RUNNING)
        .targets(_named([query_rows(expression)]))
        .height(_GRAPH_HEIGHT)
    )


def thresholds(base: str, *steps: tuple[float, str]) -> dashboard_builders.ThresholdsConfig:
    """Colours by value: the base's, and from each step's value on that of the step."""
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


def unit(name: str) -> models.DynamicConfigValue:
    """The unit of what an override selects."""
    return models.DynamicConfigValue(id_val="unit", value=name)


def coloured(colour: str) -> list[models.DynamicConfigValue]:
    """Draw what an override selects in one colour."""
    return [_fixed_colour(colour)]


def _query(expression: str, legend: str) -> prometheus_builders.Dataquery:
    if _BARE_ZERO.search(expression):
        raise ValueError(f"adds a series to those that have labels, use or_zero: {expression}")
    return prometheus_builders.Dataquery().datasource(PROMETHEUS).expr(expression).legend_format(legend)


def _legend_below() -> common_builders.VizLegendOptions:
    # Names alone: with a value each would need a line of its own, and take the height from what is drawn.
    return _legend(common.LegendDisplayMode.LIST, common.LegendPlacement.BOTTOM)


def _legend_beside() -> common_builders.VizLegendOptions:
    return _legend(common.LegendDisplayMode.TABLE, common.LegendPlacement.RIGHT, "last")


def _legend(
    mode: common.LegendDisplayMode, placement: common.LegendPlacement, *calculations: str
) -> common_builders.VizLegendOptions:
    options = common_builders.VizLegendOptions().display_mode(mode).placement(placement).show_legend(True)
    return options.calcs(list(calculations))


def _named(queries: Iterable[prometheus_builders.Dataquery]) -> list[Builder[Dataquery]]:
    return [target.ref_id(name) for name, target in zip(ascii_uppercase, queries, strict=False)]


def _fixed_colour(colour: str) -> models.DynamicConfigValue:
    return models.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": colour})
