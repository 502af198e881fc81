"""All services side by side: can the figures be trusted, who is faster, at what cost, where time goes, is it fair."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import stat, table
from grafana_foundation_sdk.models import common

from grafana_dashboards import promql
from grafana_dashboards.frame import dashboard, generator_banner, handler_variable
from grafana_dashboards.panels import (
    coloured,
    coloured_cells,
    data_link,
    from_on,
    graph,
    graph_of,
    in_depth,
    in_words,
    mapped,
    matrix,
    number,
    number_of,
    query,
    query_now,
    ratio_of,
    readable,
    rows,
    thresholds,
    unit,
)

VERDICT, DIFFERS, _EQUAL = "Verdict", "DIFFERS", "equal"


def side_by_side() -> builders.Dashboard:
    """The dashboard Grafana opens with."""
    board = dashboard(
        "side-by-side",
        "Services side by side",
        "All services under the same load: who is faster, what it costs, where the time goes, and whether it is fair.",
    ).with_variable(handler_variable())
    for panel in (generator_banner().span(8), _load(), _fair(), _alerts_firing()):
        board = board.with_panel(panel)
    for add in (_speed, _objective, _cost, _time, _cache, _fairness):
        board = add(board)
    return board


def _speed(board: builders.Dashboard) -> builders.Dashboard:
    quantiles = {name: promql.latency(quantile) for name, quantile in (("P50", 0.5), ("P95", 0.95), ("P99", 0.99))}
    board = board.with_row(builders.Row("Who is faster now"))
    board = board.with_panel(ratio_of("Throughput ratio", promql.throughput, more_is_better=True).span(5))
    for name, measure in quantiles.items():
        board = board.with_panel(ratio_of(f"Latency {name} ratio", measure, more_is_better=False).span(5))
    board = board.with_panel(ratio_of("Error ratio", promql.error_share, more_is_better=False, idle="no errors"))
    board = board.with_panel(
        graph_of("Throughput", "Requests answered a second, whatever the status.", "reqps", promql.throughput)
    )
    board = board.with_panel(
        graph_of(
            "Error share", "Share of requests answered with a 4xx or 5xx status.", "percentunit", promql.error_share
        )
    )
    board = board.with_panel(
        graph_of(
            "In progress",
            "Requests in progress at the moment of the scrape, including the scrape itself.",
            "short",
            promql.gauge("http_requests_in_progress"),
        )
    )
    for name, measure in quantiles.items():
        took_less = "Half" if name == "P50" else f"{name[1:]} of 100"
        board = board.with_panel(
            graph_of(
                f"Latency, {name}",
                f"{took_less} of the requests took less. Measured in the service, between histogram buckets.",
                "s",
                measure,
            )
        )
    return board


def _objective(board: builders.Dashboard) -> builders.Dashboard:
    return (
        board.with_row(builders.Row("Is the latency objective met?"))
        .with_panel(
            graph(
                "Slow predictions",
                "Share of predictions of the last five minutes that took longer than the objective's 250 ms.",
                "percentunit",
                query(promql.where_missing("NaN", promql.slow_share(promql.ALL))),
                query("1 - objective:prediction_latency:ratio", "objective"),
            )
            .override_by_name("objective", coloured("red"))
            .data_links([in_depth()])
            .span(12)
        )
        .with_panel(
            graph(
                "Budget burn rate",
                "How many times faster than the objective allows slow predictions come: at 1 it is just met. Alerts "
                "fire from 2 (30 min) and from 10 (5 min) on.",
                "suffix:x",
                query(promql.where_missing("NaN", promql.budget_burn(promql.ALL))),
                query("objective:prediction_latency:ratio ^ 0", "just met"),
            )
            .override_by_name("just met", coloured("red"))
            .data_links([in_depth()])
            .span(12)
        )
    )


def _cost(board: builders.Dashboard) -> builders.Dashboard:
    return (
        board.with_row(builders.Row("What it costs"))
        .with_panel(ratio_of("Memory ratio", promql.memory, more_is_better=False, idle="not running"))
        .with_panel(number_of("Memory used", "Share of its memory limit used.", "percentunit", promql.memory_share))
        .with_panel(ratio_of("CPU ratio", promql.cpu, more_is_better=False))
        .with_panel(number_of("CPU used", "Share of its processor limit used.", "percentunit", promql.cpu_share))
        .with_panel(ratio_of("CPU cost ratio", promql.cpu_per_request, more_is_better=False))
        .with_panel(
            number_of(
                "CPU cost",
                "Processor time for a request, if there is at least one a second.",
                "s",
                promql.cpu_per_request,
            )
        )
        .with_panel(
            graph_of(
                "Memory",
                "What the container is charged; on a host the proportional set size (PSS) of all its processes.",
                "bytes",
                promql.memory,
            )
        )
        .with_panel(graph_of("CPU", "Processor cores used by all processes.", "suffix:cores", promql.cpu))
        .with_panel(
            graph_of(
                "CPU time for a request",
                "Processor time for a request, whatever the endpoint, if there is at least one a second.",
                "s",
                promql.cpu_per_request,
            )
        )
    )


def _time(board: builders.Dashboard) -> builders.Dashboard:
    return (
        board.with_row(builders.Row("Where the time goes"))
        .with_panel(
            graph_of(
                "In the model",
                "Mean time of a request to /predict or /batch-predict in the model; no time where the cache answers.",
                "s",
                promql.time_in_model,
            )
        )
        .with_panel(
            graph_of(
                "Everywhere else",
                "Mean time of such a request in the framework, its server, tokens, JSON, cache, and waiting.",
                "s",
                promql.time_elsewhere,
            )
        )
        .with_panel(
            graph_of(
                "Share of the model",
                "The model is the same on all: the smaller its share, the more the framework matters.",
                "percentunit",
                promql.model_share,
            ).max(1)
        )
    )


def _cache(board: builders.Dashboard) -> builders.Dashboard:
    return (
        board.with_row(builders.Row("Cache"))
        .with_panel(
            graph_of(
                "Hit rate",
                "Share of look-ups of /predict that the cache answers; similar on all services, because their load is.",
                "percentunit",
                promql.cache_hit_share,
            ).max(1)
        )
        .with_panel(
            graph_of(
                "Entries",
                "Predictions kept, by all workers together.",
                "short",
                promql.gauge("prediction_cache_entries"),
            )
        )
        .with_panel(
            graph_of(
                "Evictions",
                "Predictions removed to make room for newer ones, a second.",
                "suffix:/s",
                promql.counter("prediction_cache_evictions_total"),
            )
        )
    )


def _fairness(board: builders.Dashboard) -> builders.Dashboard:
    return (
        board.with_row(builders.Row("Is the comparison fair?"))
        .with_panel(_conditions().span(24))
        .with_panel(_alerts().span(24))
    )


def _load() -> stat.Panel:
    return (
        number(
            "Load",
            "Simulated users of Locust now, and requests a second that its page did not send: those of `make load`, of "
            "measurements, or of other clients.",
            "short",
            query_now(promql.or_zero("sum(locust_users)"), "users"),
            query_now(promql.or_zero("load:elsewhere:per_second"), "from elsewhere"),
        )
        .mappings([in_words({"0": ("none", "text")})])
        .override_by_name("from elsewhere", [unit("reqps")])
        .text_mode(common.BigValueTextMode.VALUE_AND_NAME)
        .text(readable())
    )


def _fair() -> stat.Panel:
    all_read = f"count(count by (service) (service:condition:info)) == count(count by (service) (up{{{promql.ALL}}}))"
    return (
        number(
            "Is the comparison fair?",
            "Model digest, Python, workers and limits of all services; the table at the bottom says what differs.",
            "none",
            query_now(promql.or_zero(f"max(condition:distinct_values:count) and on () ({all_read})"), "conditions"),
        )
        .mappings(
            [
                in_words({"0": ("Waiting for all services", "text"), "1": ("Conditions are equal", "green")}),
                from_on(2, "NOT COMPARABLE", "red"),
            ]
        )
        .color_mode(common.BigValueColorMode.BACKGROUND_SOLID)
        .text_mode(common.BigValueTextMode.VALUE)
        .span(8)
    )


def _alerts_firing() -> stat.Panel:
    return (
        number(
            "Alerts",
            "Alerts of Prometheus that fire now; the table at the bottom names them.",
            "short",
            query_now(promql.or_zero('count(ALERTS{alertstate="firing"})'), "firing"),
        )
        .mappings([in_words({"0": ("none", "green")})])
        .thresholds(thresholds("text", (1, "red")))
        .color_mode(common.BigValueColorMode.BACKGROUND_SOLID)
        .text_mode(common.BigValueTextMode.VALUE)
    )


def _conditions() -> table.Panel:
    values = "max by (condition, label, value) (service:condition:info)"
    equal = _verdict("max by (condition) (condition:distinct_values:count) == 1", _EQUAL)
    differs = _verdict("max by (condition) (condition:distinct_values:count) > 1", DIFFERS)
    return matrix(
        "Conditions",
        "What must be equal so that only the frameworks make the difference. Red where it differs.",
        f"{values} or {equal} or {differs}",
        row=("condition", "Condition"),
        column="label",
        value="value",
    ).override_by_name(
        VERDICT,
        [
            mapped(in_words({DIFFERS: (DIFFERS, "red"), _EQUAL: (_EQUAL, "transparent")})),
            coloured_cells(whole_row=True),
        ],
    )


def _verdict(conditions: str, text: str) -> str:
    """Conditions as another column of the table, beside those of the services."""
    return f'label_replace(label_replace({conditions}, "label", "{VERDICT}", "", ""), "value", "{text}", "", "")'


def _alerts() -> table.Panel:
    subject = "label, condition, process, job"
    alerts = f"max by (alertname, alertstate, severity, {subject}) (ALERTS)"
    return (
        rows(
            "Open alerts",
            "Alerts of Prometheus that fire or are about to. A click opens the runbook, which says what to do.",
            promql.or_zero(alerts, alertname="none"),
            {
                "alertname": "Alert",
                "severity": "Severity",
                "alertstate": "State",
                "label": "Service",
                "condition": "Condition",
                "process": "Process",
                "job": "Job",
            },
        )
        .data_links([data_link("What to do", "/d/runbook")])
        .override_by_name(
            "Severity",
            [mapped(in_words({"critical": ("critical", "red"), "warning": ("warning", "orange")})), coloured_cells()],
        )
    )
