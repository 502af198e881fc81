"""One service in depth: what it answers, how long it takes, what it uses, and what it refuses."""

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import heatmap, table, timeseries
from grafana_foundation_sdk.models import common, prometheus
from grafana_foundation_sdk.models import heatmap as heatmap_models

from grafana_dashboards.frame import dashboard, generator_banner, handler_variable, off_row, service_variable
from grafana_dashboards.panels import (
    NOT_RUNNING,
    PROMETHEUS,
    coloured,
    graph,
    in_words,
    number,
    query,
    query_now,
    rows,
    to_endpoint,
)
from grafana_dashboards.promql import BY_SERVICE, CHOSEN, budget_burn, or_unknown, or_zero, per_second, slow_share

CHOSEN_SERVICE = 'service="$service"'
# Later ones overrule: each refusal that clients often see has a shade of its own.
_STATUS_COLOURS = {
    "/^2/": "green",
    "/^4/": "orange",
    "400": "light-yellow",
    "401": "yellow",
    "404": "light-orange",
    "422": "dark-yellow",
    "429": "dark-orange",
    "/^5/": "red",
    "503": "dark-red",
}


def service() -> builders.Dashboard:
    """The dashboard of the service chosen in `$service`."""
    board = (
        dashboard("service", "One service in depth", "Everything one service says about itself.")
        .with_variable(service_variable())
        .with_variable(handler_variable())
    )
    for add in (
        *(_summary, _requests, _objective, _resources, _predictions, _model, _sign_ins),
        *(_store, _websocket, _limit, _log),
    ):
        board = add(board)
    return board


def _summary(board: builders.Dashboard) -> builders.Dashboard:
    up = (
        number(
            "State",
            "Whether Prometheus reaches the service.",
            "none",
            query_now(or_zero(f"max(up{{{CHOSEN_SERVICE}}})"), "state"),
        )
        .mappings([in_words({"0": ("down", "red"), "1": ("up", "green")})])
        .color_mode(common.BigValueColorMode.BACKGROUND_SOLID)
        .text_mode(common.BigValueTextMode.VALUE)
    )
    workers = number("Workers", "Worker processes alive.", "short", query_now(_gauge("service_workers"), "workers"))
    startup = number(
        "Startup",
        "From the start of the process to ready.",
        "s",
        query_now(_gauge("service_startup_seconds"), "startup"),
    )
    for panel in (up, workers, startup, generator_banner().span(12)):
        board = board.with_panel(panel)
    return board.with_panel(_made_of())


def _requests(board: builders.Dashboard) -> builders.Dashboard:
    requests = per_second("http_requests_total", CHOSEN_SERVICE, CHOSEN, by="handler")
    statuses = per_second("http_requests_total", CHOSEN_SERVICE, CHOSEN, by="status")
    by_status = _stacked(
        graph("Status codes", "Requests answered a second, by status.", "reqps", query(statuses, "{{status}}"))
    )
    for status, colour in _STATUS_COLOURS.items():
        override = by_status.override_by_regexp if status.startswith("/") else by_status.override_by_name
        by_status = override(status, coloured(colour))
    return (
        board.with_row(builders.Row("Requests"))
        .with_panel(
            graph(
                "Throughput",
                "Requests answered a second, by endpoint.",
                "reqps",
                query(requests, "{{handler}}"),
                many=True,
            )
            .data_links([to_endpoint()])
            .span(12)
        )
        .with_panel(
            graph(
                "Latency, P95, by endpoint",
                "95 of 100 requests to this endpoint took less.",
                "s",
                query(_latency(0.95, "handler"), "{{handler}}"),
                many=True,
            )
            .data_links([to_endpoint()])
            .span(12)
        )
        .with_panel(by_status)
        .with_panel(_errors("4xx", "Requests refused a second"))
        .with_panel(_errors("5xx", "Requests that failed in the service a second"))
        .with_panel(_latency_heatmap().span(16))
        .with_panel(
            graph(
                "Latency",
                "Quantiles over the chosen endpoints, interpolated between histogram buckets.",
                "s",
                *(query(_latency(quantile), name) for name, quantile in (("P50", 0.5), ("P95", 0.95), ("P99", 0.99))),
            ).height(9)
        )
    )


def _errors(kind: str, about: str) -> timeseries.Panel:
    statuses = f'status=~"{kind[0]}.."'
    errors = per_second("http_requests_total", CHOSEN_SERVICE, CHOSEN, statuses, by="handler, status")
    none = {"handler": "all endpoints", "status": kind}
    panel = graph(
        f"{kind} by endpoint",
        f"{about}, by endpoint and status.",
        "reqps",
        query(or_zero(errors, **none), "{{handler}} {{status}}"),
    )
    return panel.data_links([to_endpoint()])


def _objective(board: builders.Dashboard) -> builders.Dashboard:
    return (
        board.with_row(builders.Row("Latency objective"))
        .with_panel(
            graph(
                "Slow predictions",
                "Share of predictions that took longer than the objective's 250 ms, over two windows.",
                "percentunit",
                query(or_unknown(slow_share(CHOSEN_SERVICE)), "5 min"),
                query(or_unknown(f"service:predictions_slow:ratio_rate30s{{{CHOSEN_SERVICE}}}"), "30 s"),
                query("1 - objective:prediction_latency:ratio", "objective"),
            )
            .override_by_name("objective", coloured("red"))
            .span(12)
        )
        .with_panel(
            graph(
                "Budget burn rate",
                "How many times faster than the objective allows slow predictions come, over five minutes.",
                "suffix:x",
                query(or_unknown(budget_burn(CHOSEN_SERVICE)), "5 min"),
                query("objective:prediction_latency:ratio ^ 0", "just met"),
            )
            .override_by_name("just met", coloured("red"))
            .span(12)
        )
    )


def _resources(board: builders.Dashboard) -> builders.Dashboard:
    memory = f"max by (kind) (service_memory_bytes{{{CHOSEN_SERVICE}}})"
    return (
        board.with_row(builders.Row("Resources"))
        .with_panel(
            graph(
                "Memory",
                "cgroup: what the container is charged; pss: the sum over its processes.",
                "bytes",
                query(memory, "{{kind}}"),
                query(_gauge("service_memory_limit_bytes"), "limit"),
            ).override_by_name("limit", coloured("red"))
        )
        .with_panel(
            graph(
                "CPU",
                "Processor cores used by all processes, and how many it may use.",
                "suffix:cores",
                query(per_second("service_cpu_seconds_total", CHOSEN_SERVICE), "used"),
                query(_gauge("service_cpu_limit_cores"), "limit"),
            ).override_by_name("limit", coloured("red"))
        )
        .with_panel(
            graph(
                "Workers and requests in progress",
                "A worker that dies is replaced: a dip here is a crash.",
                "short",
                query(_gauge("service_workers"), "workers"),
                query(_gauge("http_requests_in_progress"), "in progress"),
            )
        )
    )


def _predictions(board: builders.Dashboard) -> builders.Dashboard:
    rows_predicted = per_second("predictions_total", CHOSEN_SERVICE, by="handler")
    buckets = per_second("model_inference_duration_seconds_bucket", CHOSEN_SERVICE, by="handler, le")
    lookups = per_second("prediction_cache_requests_total", CHOSEN_SERVICE, by="result")
    evictions = per_second("prediction_cache_evictions_total", CHOSEN_SERVICE)
    return (
        board.with_row(builders.Row("Predictions"))
        .with_panel(
            graph("Rows predicted", "By the model or the cache.", "suffix:rows/s", query(rows_predicted, "{{handler}}"))
        )
        .with_panel(
            graph(
                "Time in the model, P95",
                "For one row by /predict, for up to 100 by /batch-predict.",
                "s",
                query(f"histogram_quantile(0.95, {buckets})", "{{handler}}"),
            )
        )
        .with_panel(
            graph(
                "Cache",
                "Look-ups a second by result, and entries removed to make room for newer ones.",
                "suffix:/s",
                query(lookups, "{{result}}"),
                query(evictions, "eviction"),
            )
        )
    )


def _model(board: builders.Dashboard) -> builders.Dashboard:
    return (
        board.with_row(builders.Row("Model"))
        .with_panel(
            graph(
                "Version",
                "The version that the service says it serves: where one line ends and another begins, it has changed.",
                "short",
                query(f"max by (model_version) (service_info{{{CHOSEN_SERVICE}}})", "{{model_version}}"),
            ).span(12)
        )
        .with_panel(
            graph(
                "Reloads",
                "New models since the service started: loaded, refused by their trial, or failed because no workers "
                "started with them.",
                "short",
                query(f"max by (result) (model_reloads_total{{{CHOSEN_SERVICE}}})", "{{result}}"),
            )
            .override_by_name("refused", coloured("orange"))
            .override_by_name("failed", coloured("red"))
            .span(12)
        )
    )


def _sign_ins(board: builders.Dashboard) -> builders.Dashboard:
    return board.with_row(builders.Row("Sign-in")).with_panel(
        graph(
            "Sign-in and token failures",
            "Requests refused for their credentials, by reason.",
            "reqps",
            query(per_second("auth_failures_total", CHOSEN_SERVICE, by="reason"), "{{reason}}"),
            many=True,
        )
    )


def _store(board: builders.Dashboard) -> builders.Dashboard:
    lost = per_second("store_errors_total", CHOSEN_SERVICE, by="use")
    done_without = (
        graph(
            "Done without Redis",
            "Look-ups and rate checks that Redis did not answer, and workers not asking it.",
            "suffix:/s",
            query(lost, "{{use}}"),
            query(_gauge("store_circuit_open"), "workers without"),
        )
        .override_by_name("workers without", coloured("red"))
        .span(24)
    )
    return board.with_row(off_row("Redis: on with CACHE_URL", done_without))


def _websocket(board: builders.Dashboard) -> builders.Dashboard:
    messages = per_second("websocket_messages_total", CHOSEN_SERVICE, by="outcome")
    return board.with_row(
        off_row(
            "WebSocket: where the service has one",
            graph(
                "Connections",
                "WebSocket connections open at /ws/predict.",
                "short",
                query(_gauge("websocket_connections"), "connections"),
            ).span(12),
            graph(
                "Messages",
                "WebSocket messages answered a second, by what was answered.",
                "suffix:/s",
                query(messages, "{{outcome}}"),
            ).span(12),
        )
    )


def _limit(board: builders.Dashboard) -> builders.Dashboard:
    limited = per_second("rate_limited_requests_total", CHOSEN_SERVICE, CHOSEN, by="handler")
    return board.with_row(
        off_row(
            "Rate limit: on with RATE_LIMIT",
            graph(
                "Rate limit", "Requests refused with 429.", "reqps", query(limited, "{{handler}}"), many=True
            ).data_links([to_endpoint()]),
        )
    )


def _log(board: builders.Dashboard) -> builders.Dashboard:
    return board.with_row(
        off_row(
            "Prediction log: on with PREDICTION_LOG",
            graph(
                "Prediction log",
                "Rows written, and rows dropped.",
                "suffix:rows/s",
                query(per_second("prediction_log_written_total", CHOSEN_SERVICE), "written"),
                query(per_second("prediction_log_dropped_total", CHOSEN_SERVICE), "dropped"),
            )
            .override_by_name("dropped", coloured("red"))
            .span(24),
        )
    )


def _made_of() -> table.Panel:
    return (
        rows(
            "What it is made of",
            "As the service says.",
            f'label_replace(service_info{{{CHOSEN_SERVICE}}}, "model_sha256", "$1", "model_sha256", "(.{{12}}).*")',
            {
                "framework": "Framework",
                "framework_version": "Version",
                "server": "Server",
                "python": "Python",
                "workers": "Workers",
                "model_version": "Model",
                "model_sha256": "Model digest",
            },
        )
        .span(24)
        .height(4)
    )


def _latency_heatmap() -> heatmap.Panel:
    buckets = per_second("http_request_duration_seconds_bucket", CHOSEN_SERVICE, CHOSEN, by="le")
    return (
        heatmap.Panel()
        .title("Response times")
        .description("Requests a second in each bucket of the response time: two bands are two kinds of requests.")
        .datasource(PROMETHEUS)
        .unit("reqps")
        .no_value(NOT_RUNNING)
        .with_target(query(buckets, "{{le}}").ref_id("A").format(prometheus.PromQueryFormat.HEATMAP))
        .calculate(False)
        .y_axis(heatmap.YAxisConfig().unit("s"))
        .color(heatmap.HeatmapColorOptions().mode(heatmap_models.HeatmapColorMode.SCHEME).scheme("Oranges").steps(64))
        .cell_values(heatmap.CellValues().unit("reqps"))
        .height(9)
    )


def _stacked(panel: timeseries.Panel) -> timeseries.Panel:
    return panel.fill_opacity(30).stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL))


def _gauge(metric: str) -> str:
    return f"max by ({BY_SERVICE}) ({metric}{{{CHOSEN_SERVICE}}})"


def _latency(quantile: float, by: str = "") -> str:
    grouping = f"{by}, le" if by else "le"
    buckets = per_second("http_request_duration_seconds_bucket", CHOSEN_SERVICE, CHOSEN, by=grouping)
    return f"histogram_quantile({quantile}, {buckets})"
