"""PromQL for the dashboards. A measure is an expression, by service, for the services that a label matcher selects.

Series of a service carry its name (`service`), what people call it (`label`) and its `role`.
"""

from collections.abc import Callable

Measure = Callable[[str], str]

ALL = 'role!=""'
BASELINE = 'role="baseline"'
CANDIDATES = 'role="candidate"'
GATEWAY = 'job="gateway"'
TAP, RELAY = "tap", "relay"
"""Servers of the gateway that are no service."""
BY_SERVICE = "service, label, role"

RATE_WINDOW = "[$__rate_interval]"
NOW_WINDOW = "[1m]"
"""What a present value looks back over: Grafana's own interval depends on the range and on the panel's width."""

# Without what Prometheus and health checks ask.
ASKED = 'handler!~"/metrics|/ready"'
CHOSEN = f'handler=~"$handler", {ASKED}'
PREDICTING = 'handler=~"/predict|/batch-predict"'

_LEAST_PER_SECOND = 1  # requests a second, below which the cost of one is the cost of idling


def per_second(metric: str, *matchers: str, by: str = BY_SERVICE) -> str:
    """Rate of a counter, summed by labels."""
    return f"sum by ({by}) (rate({metric}{{{', '.join(matchers)}}}{RATE_WINDOW}))"


def judged(measure: Measure, *, more_is_better: bool) -> str:
    """Each candidate's value divided by the baseline's, whose name is in the label `baseline`.

    The label `verdict` says what that means for the candidate; within 5% is equal. Not a number, but never missing, for
    a candidate that is scraped and has nothing to divide.
    """
    divided = f"({_divided(measure)})"
    above, below = ("better", "worse") if more_is_better else ("worse", "better")
    cases = (
        _with_label(f"{divided} > 1.05", "verdict", above),
        _with_label(f"{divided} < 0.95", "verdict", below),
        _with_label(divided, "verdict", "equal"),
        _with_label(_unknown(), "verdict", "unknown"),
    )
    return " or on (service) ".join(cases)


def throughput(services: str) -> str:
    """Requests answered a second."""
    return per_second("http_requests_total", services, CHOSEN)


def error_share(services: str) -> str:
    """Share of requests answered with a 4xx or 5xx status; not a number without requests."""
    errors = per_second("http_requests_total", services, CHOSEN, 'status=~"[45].."')
    return f"({errors} or 0 * {throughput(services)}) / {throughput(services)}"


def latency(quantile: float) -> Measure:
    """The measure of a quantile of the response time in seconds, interpolated between histogram buckets."""

    def measure(services: str) -> str:
        buckets = per_second("http_request_duration_seconds_bucket", services, CHOSEN, by=f"{BY_SERVICE}, le")
        return f"histogram_quantile({quantile}, {buckets})"

    return measure


def memory(services: str) -> str:
    """Bytes used."""
    return f"service:memory_used:bytes{{{services}}}"


def memory_share(services: str) -> str:
    """Share of the memory limit used."""
    return f"service:memory_used:ratio{{{services}}}"


def cpu(services: str) -> str:
    """Processor cores used."""
    return per_second("service_cpu_seconds_total", services)


def cpu_share(services: str) -> str:
    """Share of the processor limit used."""
    return f"{cpu(services)} / max by ({BY_SERVICE}) (service_cpu_limit_cores{{{services}}})"


def cpu_per_request(services: str) -> str:
    """Processor seconds for a request; not a number where requests are too few to tell."""
    requests = per_second("http_requests_total", services, ASKED)
    return f"{cpu(services)} / ({requests} > {_LEAST_PER_SECOND}) or NaN * {requests}"


def slow_share(services: str) -> str:
    """Share of predictions of the last five minutes that took longer than the objective allows."""
    return f"service:predictions_slow:ratio_rate5m{{{services}}}"


def budget_burn(services: str) -> str:
    """How many times faster than the objective allows its share of slow predictions is used up."""
    return f"{slow_share(services)} / scalar(1 - objective:prediction_latency:ratio)"


def _request_seconds(services: str) -> str:
    return per_second("http_request_duration_seconds_sum", services, PREDICTING)


def _requests(services: str) -> str:
    return per_second("http_request_duration_seconds_count", services, PREDICTING)


def _model_seconds(services: str) -> str:
    return per_second("model_inference_duration_seconds_sum", services, PREDICTING)


def time_in_model(services: str) -> str:
    """Seconds that a predicting request spends in the model, on average."""
    return f"{_model_seconds(services)} / {_requests(services)}"


def time_elsewhere(services: str) -> str:
    """Seconds that a predicting request spends outside the model, on average."""
    return f"({_request_seconds(services)} - {_model_seconds(services)}) / {_requests(services)}"


def model_share(services: str) -> str:
    """Share of the time of predicting requests that is spent in the model."""
    return f"{_model_seconds(services)} / {_request_seconds(services)}"


def cache_hit_share(services: str) -> str:
    """Share of look-ups that the cache answers."""
    hits = per_second("prediction_cache_requests_total", services, 'result="hit"')
    return f"{hits} / {per_second('prediction_cache_requests_total', services)}"


def gauge(metric: str) -> Measure:
    """The measure of a gauge that every service has once."""
    return lambda services: f"max by ({BY_SERVICE}) ({metric}{{{services}}})"


def counter(metric: str) -> Measure:
    """The measure of a counter's rate."""
    return lambda services: per_second(metric, services)


def or_zero(expression: str, **labels: str) -> str:
    """An expression, and where it has no series at all a zero with these labels.

    Without `on ()` the zero would be a second series beside one that has labels.
    """
    zero = "vector(0)"
    for label, value in labels.items():
        zero = _with_label(zero, label, value)
    return f"{expression} or on () {zero}"


def or_unknown(expression: str) -> str:
    """An expression that has one series, without its labels, and where it has none, one that is not a number."""
    return f"max({expression}) or on () vector(NaN)"


def where_missing(value: str, expression: str) -> str:
    """Put a value where an expression has none for a service that is scraped.

    Both have the same labels and no name: else a service would be two series, one with values and one without.
    """
    return f"max by ({BY_SERVICE}) ({expression}) or on (service) {value} * {_scraped(ALL)}"


def at_gateway(expression: str, missing: str) -> str:
    """An expression over the gateway's own series, each of which is written with braces; a value where it has none."""
    return f"{expression.replace('{', '{' + GATEWAY + ', ').replace(', }', '}')} or on () vector({missing})"


def behind_gateway(expression: str, how: str = "sum") -> str:
    """An expression over the gateway's series of servers, with `{` before its matchers, put together by service.

    A service's second instance counts as the service, and the tap as the service before which it stands.
    """
    instances = _of_servers(expression, f'server!="{TAP}", proxy!="{RELAY}"')
    tap = _of_servers(expression, f'server="{TAP}"')
    named = f'label_replace({instances}, "service", "$1", "server", "(.+?)(-next)?")'
    tapped = f'label_replace({tap}, "service", "$1", "proxy", "(.+)")'
    by_service = f"{how} by (service) ({named} or {tapped})"
    return f"{by_service} * on (service) group_left (label, role) {_scraped(ALL)}"


def _of_servers(expression: str, servers: str) -> str:
    return expression.replace("{", f"{{{GATEWAY}, {servers}, ").replace(", }", "}")


def _scraped(services: str) -> str:
    return f"max by ({BY_SERVICE}) (up{{{services}}})"


def _divided(measure: Measure) -> str:
    return f"({measure(CANDIDATES)}) / on () group_left (baseline) {_named_baseline(measure(BASELINE))} < Inf"


def _unknown() -> str:
    return f"NaN * {_scraped(CANDIDATES)} * on () group_left (baseline) {_named_baseline(_scraped(BASELINE))}"


def _with_label(expression: str, label: str, value: str) -> str:
    return f'label_replace({expression}, "{label}", "{value}", "", "")'


def _named_baseline(expression: str) -> str:
    return f'label_replace({expression}, "baseline", "$1", "label", "(.*)")'
