"""The application factory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_fastapi_instrumentator import Instrumentator
from prometheus_fastapi_instrumentator.metrics import Info
from serving_core.http.errors import ApiError, MethodNotAllowedError, NotFoundError
from serving_core.service import Service
from starlette.exceptions import HTTPException

from fastapi_api.dependencies import service_of
from fastapi_api.documentation import documentation, graphiql
from fastapi_api.graphql.schema import create_schema
from fastapi_api.headers import combined
from fastapi_api.middleware import ContractMiddleware, HeadAsGet
from fastapi_api.routers import operations, predictions
from fastapi_api.websocket import websockets


def create_app(service: Service) -> FastAPI:
    """Build the ASGI application around a service."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start_worker()
        yield
        service.stop_worker()

    app = FastAPI(
        title="Prediction API",
        version=service.model.version,
        description="Predicts disease progression from ten measurements of a patient.",
        lifespan=lifespan,
        redirect_slashes=False,  # a trailing slash makes another path: 404
        openapi_url=None,  # served by the routes in documentation.py, if at all
    )
    app.state.service = service
    app.state.graphql = create_schema(introspection=service.settings.documentation)
    app.include_router(predictions)
    app.include_router(operations)
    app.include_router(websockets)
    if service.settings.documentation:
        app.include_router(documentation)
        app.include_router(graphiql)
    app.exception_handler(ApiError)(_answer_refusal)
    app.exception_handler(404)(_answer_not_found)
    app.exception_handler(405)(_answer_method_not_allowed)
    app.add_middleware(HeadAsGet)
    _instrument(app, service)
    app.add_middleware(ContractMiddleware, service=service)
    return app


def _instrument(app: FastAPI, service: Service) -> None:
    """Count requests with the instrumentator, in the metrics that all services have.

    The instrumentator's own metrics group statuses as 2xx and have no bucket below 10 ms.
    """

    def record(info: Info) -> None:
        service.observe_request(info.method, info.modified_handler, int(info.modified_status), info.modified_duration)

    Instrumentator(
        should_group_status_codes=False,
        should_instrument_requests_inprogress=True,
        inprogress_name="http_requests_in_progress",
    ).add(record).instrument(app)


async def _answer_refusal(request: Request, error: ApiError) -> Response:  # noqa: ARG001
    return JSONResponse(error.body(), error.status, error.headers)


async def _answer_not_found(request: Request, error: HTTPException) -> Response:  # noqa: ARG001
    return await _answer_refusal(request, NotFoundError())


async def _answer_method_not_allowed(request: Request, error: HTTPException) -> Response:
    """Refuse a method, or answer the preflight request of a page that may call the API."""
    allowed = {method.strip() for method in (error.headers or {})["Allow"].split(",")}
    allowed |= {"HEAD"} if "GET" in allowed else set()
    return _preflight(request, allowed) or await _answer_refusal(request, MethodNotAllowedError(allowed))


def _preflight(request: Request, allowed: set[str]) -> Response | None:
    if request.method != "OPTIONS":
        return None
    headers = service_of(request).cors.preflight_headers(
        combined(request.headers, "Origin"), request.headers.get("Access-Control-Request-Method"), allowed
    )
    return Response(status_code=204, headers=headers) if headers else None
