"""Counts requests with the instrumentator, in the metrics that all services have."""

from typing import Any

from fastapi import FastAPI, Request
from prometheus_fastapi_instrumentator.metrics import Info
from prometheus_fastapi_instrumentator.middleware import PrometheusInstrumentatorMiddleware
from serving_core.service import Service

from fastapi_api.guard import GuardedRoute


def instrument(app: FastAPI, service: Service) -> None:
    """Count the requests of an application that has its routes.

    The instrumentator's own metrics group statuses as 2xx and have no bucket below 10 ms.
    """

    def record(info: Info) -> None:
        service.observe_request(info.method, info.modified_handler, int(info.modified_status), info.modified_duration)

    app.add_middleware(
        _Instrumentation,
        paths=frozenset(route.path for route in app.routes if type(route) is GuardedRoute and route.has_one_path),
        should_group_status_codes=False,
        should_instrument_requests_inprogress=True,
        inprogress_name="http_requests_in_progress",
        instrumentations=(record,),
    )


class _Instrumentation(PrometheusInstrumentatorMiddleware):
    """Knows the routes that have one path; the instrumentator would ask all routes, which the router does again."""

    def __init__(self, *args: Any, paths: frozenset[str], **kwargs: Any) -> None:  # noqa: ANN401 - the library's own
        super().__init__(*args, **kwargs)
        self._paths = paths

    def _get_handler(self, request: Request) -> tuple[str, bool]:
        path: str = request.scope["path"]
        return (path, True) if path in self._paths else super()._get_handler(request)
