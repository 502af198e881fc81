"""Panels in one style: a line or number a service, a unit on every axis, words where there is nothing to show.

The legend `{{label}}` stands for a service. Its colour comes from the catalogue and is added when the lab starts.
"""

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

from grafana_dashboards.promql import ALL, Measure, over_baseline

PROMETHEUS = common.DataSourceRef(type_val="prometheus", uid="prometheus")
OF_SERVICE = "{{label}}"
NOT_RUNNING = "not running"

_GRAPH_HEIGHT = 7
_OF_SERVICES_HEIGHT = 5  # room for a line for each of five services
_SPAN_NULLS_MILLISECONDS = 10_000


def query(expression: str, legend: str = OF_SERVICE) -> prometheus_builders.Dataquery:
    """A query over the dashboard's time range."""
    return prometheus_builders.Dataquery().datasource(PROMETHEUS).expr(expression).legend_format(legend).range()


def query_now(expression: str, legend: str = OF_SERVICE) -> prometheus_builders.Dataquery:
    """A query of the present value."""
    return prometheus_builders.Dataquery().datasource(PROMETHEUS).expr(expression).legend_format(legend).instant()


def query_rows(expression: str) -> prometheus_builders.Dataquery:
    """A query of the present labels and values, one row for each series."""
    return query_now(expression, "__auto").format(prometheus.PromQueryFormat.TABLE)


def graph(title: str, description: str, unit: str, *queries: prometheus_builders.Dataquery) -> timeseries.Panel:
    """Lines over time, from zero up."""
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
    return panel.targets(_named(queries))


def graph_of(title: str, description: str, unit: str, measure: Measure) -> timeseries.Panel:
    """A measure of every service over time; a click on a line opens its service in depth."""
    in_depth = (
        dashboard_builders.DashboardLink("In depth")
        .url("/d/service?var-service=${__field.labels.service}&${__url_time_range}")
        .type(models.DashboardLinkType.LINK)
    )
    return graph(title, description, unit, query(measure(ALL))).data_links([in_depth])


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
        .height(_OF_SERVICES_HEIGHT)
    )


def ratio_of(title: str, measure: Measure, *, more_is_better: bool, idle: str = "no traffic") -> stat.Panel:
    """Each candidate's present value divided by the baseline's: green where it is better, red where it is worse."""
    low, high = ("red", "green") if more_is_better else ("green", "red")
    better = "more" if more_is_better else "less"
    return (
        number(
            title,
            f"Each candidate divided by the baseline; {better} than 1 is better for the candidate. Within 5% is equal.",
            "suffix:x",
            query_now(over_baseline(measure), "{{label}} / {{baseline}}"),
        )
        .decimals(2)
        .text_mode(common.BigValueTextMode.VALUE_AND_NAME)
        .mappings([no_number(idle)])
        .thresholds(thresholds(low, (0.95, "text"), (1.05, high)))
        .height(_OF_SERVICES_HEIGHT)
    )


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


def coloured(colour: str) -> list[models.DynamicConfigValue]:
    """Draw what an override selects in one colour."""
    return [_fixed_colour(colour)]


def _named(queries: Iterable[prometheus_builders.Dataquery]) -> list[Builder[Dataquery]]:
    return [target.ref_id(name) for name, target in zip(ascii_uppercase, queries, strict=False)]


def _fixed_colour(colour: str) -> models.DynamicConfigValue:
    return models.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": colour})
