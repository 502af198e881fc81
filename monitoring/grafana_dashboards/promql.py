"""PromQL for the dashboards. A measure is an expression for the services that a label matcher selects, by service."""

from collections.abc import Callable

Measure = Callable[[str], str]

BOTH = 'service=~"flask|fastapi"'
FLASK = 'service="flask"'
FASTAPI = 'service="fastapi"'

CHOSEN = 'handler=~"$handler"'
PREDICTING = 'handler=~"/predict|/batch-predict"'
# Asked by people and programs, not by Prometheus and health checks.
ASKED = 'handler!~"/metrics|/ready"'


def per_second(metric: str, *matchers: str, by: str = "service") -> str:
    """Rate of a counter, summed up by a label; nothing by an empty one."""
    grouping = f" by ({by})" if by else ""
    return f"sum{grouping} (rate({metric}{{{', '.join(matchers)}}}[$__rate_interval]))"


def fastapi_over_flask(measure: Measure) -> str:
    """FastAPI's value divided by Flask's; not a number, but never missing, where there is nothing to divide."""
    return f"({measure(FASTAPI)}) / ignoring (service) ({measure(FLASK)}) >= 0 or vector(NaN)"


def throughput(services: str) -> str:
    """Requests answered a second."""
    return per_second("http_requests_total", services, CHOSEN)


def error_share(services: str) -> str:
    """Share of requests answered with a 4xx or 5xx status; not a number without requests."""
    errors = per_second("http_requests_total", services, CHOSEN, 'status=~"[45].."')
    return f"({errors} or 0 * {throughput(services)}) / {throughput(services)}"


def latency(quantile: float) -> Measure:
    """Return the measure of a quantile of the response time in seconds, interpolated between histogram buckets."""

    def measure(services: str) -> str:
        buckets = per_second("http_request_duration_seconds_bucket", services, CHOSEN, by="service, le")
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
    return f"{cpu(services)} / max by (service) (service_cpu_limit_cores{{{services}}})"


def cpu_per_thousand(services: str) -> str:
    """Processor seconds for 1,000 requests; not a number without requests."""
    requests = per_second("http_requests_total", services, ASKED)
    return f"1000 * {cpu(services)} / {requests} < Inf or NaN * {requests}"


def _request_seconds(services: str) -> str:
    return per_second("http_request_duration_seconds_sum", services, PREDICTING)


def _requests(services: str) -> str:
    return per_second("http_request_duration_seconds_count", services, PREDICTING)


def _model_seconds(services: str) -> str:
    return per_second("model_inference_duration_seconds_sum", services, PREDICTING)


def time_in_model(services: str) -> str:
    """Seconds that the model takes of a predicting request, on average."""
    return f"{_model_seconds(services)} / {_requests(services)}"


def time_elsewhere(services: str) -> str:
    """Seconds that everything but the model takes of a predicting request, on average."""
    return f"({_request_seconds(services)} - {_model_seconds(services)}) / {_requests(services)}"


def model_share(services: str) -> str:
    """Share of the time of predicting requests that the model takes."""
    return f"{_model_seconds(services)} / {_request_seconds(services)}"


def cache_hit_share(services: str) -> str:
    """Share of look-ups that the cache answers."""
    hits = per_second("prediction_cache_requests_total", services, 'result="hit"')
    return f"{hits} / {per_second('prediction_cache_requests_total', services)}"


def gauge(metric: str) -> Measure:
    """Return the measure of a gauge that every service has once."""
    return lambda services: f"max by (service) ({metric}{{{services}}})"


def counter(metric: str) -> Measure:
    """Return the measure of a counter's rate."""
    return lambda services: per_second(metric, services)


def where_missing(value: str, expression: str) -> str:
    """Put a value where an expression has none for a service that is scraped."""
    return f"{expression} or on (service) {value} * max by (service) (up{{{BOTH}}})"
