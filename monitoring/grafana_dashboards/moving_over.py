"""Moving over: who answers behind the gateway, with which errors, how fast, and what had to be sent again."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import stat
from grafana_foundation_sdk.models import common

from grafana_dashboards.frame import dashboard, generator_banner
from grafana_dashboards.panels import graph, in_words, number, query, query_now, readable, thresholds
from grafana_dashboards.promql import RATE_WINDOW, at_gateway, behind_gateway, where_missing

_ANSWERS = "haproxy_server_http_responses_total"
_ANSWERED = behind_gateway(f"rate({_ANSWERS}{{}}{RATE_WINDOW})")
_FAILED = behind_gateway(f'rate({_ANSWERS}{{code="5xx"}}{RATE_WINDOW})')


def moving_over() -> builders.Dashboard:
    """The dashboard to look at while traffic moves from one service to another."""
    board = dashboard(
        "moving-over",
        "Moving over",
        "What clients of the gateway get: who answers them, with which errors, and how fast.",
    )
    for panel in (generator_banner().span(8), _gateway(), _services(), _again(), _failures()):
        board = board.with_panel(panel)
    return (
        board.with_row(builders.Row("Who answers"))
        .with_panel(
            graph(
                "Share of answers",
                "Of all answers to clients of the gateway. Health checks do not count.",
                "percentunit",
                query(where_missing("NaN", f"({_ANSWERED}) / on () group_left () (sum({_ANSWERED}) > 0)")),
            ).max(1)
        )
        .with_panel(
            graph("Answers", "Answers a second, whatever the status.", "reqps", query(where_missing("0", _ANSWERED)))
        )
        .with_panel(
            graph(
                "Requests right now",
                "Requests that a service has not answered completely, open WebSockets included.",
                "short",
                query(where_missing("0", behind_gateway("haproxy_server_current_sessions{}"))),
            )
        )
        .with_row(builders.Row("How well"))
        .with_panel(
            graph(
                "Answers of 5xx",
                "Share of the answers of each service with a 5xx status.",
                "percentunit",
                query(where_missing("NaN", f"({_FAILED}) / ({_ANSWERED} > 0)")),
            )
        )
        .with_panel(
            graph(
                "Mean response time",
                "Until the head of the answer, over the last 1,024 requests, measured in the gateway.",
                "s",
                query(
                    where_missing("NaN", behind_gateway("haproxy_server_response_time_average_seconds{}", how="max"))
                ),
            )
        )
        .with_panel(
            graph(
                "Attempts that failed",
                "Connections a second that a service refused or did not take in time. The request was sent again.",
                "reqps",
                query(
                    where_missing("0", behind_gateway(f"rate(haproxy_server_connection_errors_total{{}}{RATE_WINDOW})"))
                ),
            )
        )
    )


def _gateway() -> stat.Panel:
    words = {"1": ("The gateway answers", "green"), "0": ("THE GATEWAY IS DOWN", "red"), "-1": ("No gateway", "text")}
    return (
        number(
            "Gateway",
            "Whether Prometheus reaches the gateway.",
            "none",
            query_now(at_gateway("max(up{})", missing="-1"), "gateway"),
        )
        .mappings([in_words(words)])
        .color_mode(common.BigValueColorMode.BACKGROUND_SOLID)
        .text_mode(common.BigValueTextMode.VALUE)
        .span(4)
    )


def _services() -> stat.Panel:
    ready = behind_gateway('haproxy_server_status{state="UP"}', how="max")
    words = {"1": ("ready", "green"), "0": ("no requests", "red"), "-1": ("absent", "text")}
    return (
        number(
            "Services",
            "Whether the gateway finds an instance of each service ready; absent: no service behind it.",
            "none",
            query_now(where_missing("-1", ready)),
        )
        .mappings([in_words(words)])
        .text_mode(common.BigValueTextMode.VALUE_AND_NAME)
        .text(readable(name=11, value=12))
        .span(4)
    )


def _again() -> stat.Panel:
    moved = at_gateway("sum(increase(haproxy_backend_redispatch_warnings_total{}[1m]))", missing="0")
    return (
        number(
            "Sent again",
            "Requests of the last minute that their service did not take, so that another one answered.",
            "short",
            query_now(moved, "requests"),
        )
        .decimals(0)
        .text_mode(common.BigValueTextMode.VALUE)
        .thresholds(thresholds("text", (0.5, "red")))
        .span(4)
    )


def _failures() -> stat.Panel:
    failed = at_gateway('sum(increase(haproxy_frontend_http_responses_total{proxy="gateway", code="5xx"}[1m]))', "0")
    return (
        number(
            "5xx to clients",
            "Those that clients of the gateway got in the last minute, from services or for want of one.",
            "short",
            query_now(failed, "answers"),
        )
        .decimals(0)
        .text_mode(common.BigValueTextMode.VALUE)
        .thresholds(thresholds("text", (0.5, "red")))
        .span(4)
    )
