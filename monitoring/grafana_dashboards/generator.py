"""The load generator: what it sends and sees, and whether it keeps up. Where it does not, no other panel holds."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import stat, timeseries
from grafana_foundation_sdk.models import common

from grafana_dashboards.frame import dashboard, generator_banner
from grafana_dashboards.panels import coloured, graph, in_words, number, query, query_now
from grafana_dashboards.promql import ALL, BY_SERVICE, or_zero, per_second, where_missing

# Where loadtest/serving_lab/load/vitals.py calls a process saturated.
_SATURATED_CPU_RATIO = 0.8
_SATURATED_DELAY_SECONDS = 0.1
_NO_PROCESS = "none"


def generator() -> builders.Dashboard:
    """The dashboard of Locust."""
    board = dashboard(
        "generator", "The load generator", "What Locust sends and sees, and whether it keeps up."
    ).with_panel(generator_banner().span(16))
    for panel in (_state(), _workers()):
        board = board.with_panel(panel)
    return _vitals(_load(board))


def _load(board: builders.Dashboard) -> builders.Dashboard:
    failures = per_second("locust_request_failures_total", ALL)
    requests = per_second("locust_requests_total", ALL)
    return (
        board.with_row(builders.Row("Load"))
        .with_panel(
            graph(
                "Users",
                "Users running, and users asked for.",
                "short",
                query(or_zero("sum(locust_users)"), "running"),
                query(or_zero("sum(locust_target_users) * on () load:running:bool"), "asked for"),
            )
        )
        .with_panel(
            graph(
                "Users by service",
                "They are shared out evenly, WebSocket users aside.",
                "short",
                query(where_missing("0", f"sum by ({BY_SERVICE}) (locust_user_class_users{{{ALL}}})")),
            )
        )
        .with_panel(
            graph("Rate", "Requests completed a second, failed or not.", "reqps", query(where_missing("0", requests)))
        )
        .with_panel(
            graph(
                "Failures",
                "Share of requests refused, lost, or answered wrongly: Locust checks every answer.",
                "percentunit",
                query(where_missing("0", f"{failures} / ({requests} > 0)")),
            )
        )
        .with_panel(_seen("P50", 50))
        .with_panel(_seen("P95", 95))
    )


def _vitals(board: builders.Dashboard) -> builders.Dashboard:
    return (
        board.with_row(builders.Row("Does it keep up?"))
        .with_panel(
            graph(
                "CPU",
                f"Share of a core each process uses, 1 being the most it can: saturated above {_SATURATED_CPU_RATIO}.",
                "percentunit",
                query(or_zero("locust_cpu_usage_ratio", process=_NO_PROCESS), "{{process}}"),
                query(f"vector({_SATURATED_CPU_RATIO})", "saturated"),
            ).override_by_name("saturated", coloured("red"))
        )
        .with_panel(
            graph(
                "Loop delay",
                f"The longest a user waited for a turn: saturated above {_SATURATED_DELAY_SECONDS} s.",
                "s",
                query(or_zero("locust_scheduling_delay_seconds", process=_NO_PROCESS), "{{process}}"),
                query(f"vector({_SATURATED_DELAY_SECONDS})", "saturated"),
            ).override_by_name("saturated", coloured("red"))
        )
        .with_panel(
            graph(
                "Workers",
                "Processes connected to the master, and how many are expected; none with a single process.",
                "short",
                query(or_zero("sum(locust_workers)"), "connected"),
                query(or_zero("sum(locust_workers_expected)"), "expected"),
                query(or_zero("sum(locust_workers_lost_total)"), "lost so far"),
            ).override_by_name("lost so far", coloured("red"))
        )
    )


def _seen(name: str, percentile: int) -> timeseries.Panel:
    seconds = (
        f'max by ({BY_SERVICE}) (locust_response_time_seconds{{{ALL}, name=~".* /predict", percentile="{percentile}"}})'
    )
    return graph(
        f"{name} of /predict as users see it",
        "From Locust's side, over the last ten seconds: the time in the service, in its queue and on the way.",
        "s",
        query(where_missing("NaN", seconds)),
    )


def _state() -> stat.Panel:
    return number(
        "State",
        "What Locust is doing.",
        "none",
        query_now(or_zero("locust_state == 1", state="not running"), "{{state}}"),
    ).text_mode(common.BigValueTextMode.NAME)


def _workers() -> stat.Panel:
    return number(
        "Load workers",
        "Processes that send load for the master; none where Locust is a single process.",
        "short",
        query_now(or_zero("sum(locust_workers)"), "workers"),
    ).mappings([in_words({"0": ("single process", "text")})])
