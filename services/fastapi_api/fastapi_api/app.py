"""The application factory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from serving_core.service import Service

from fastapi_api.documentation import docs_files, documentation, graphiql
from fastapi_api.errors import EXCEPTION_HANDLERS
from fastapi_api.graphql.engine import Engine
from fastapi_api.graphql.router import queries
from fastapi_api.instrumentation import instrument
from fastapi_api.middleware import ContractMiddleware, HeadAsGet
from fastapi_api.routers import operations, predictions
from fastapi_api.websocket import websockets

TITLE = "Prediction API"
DESCRIPTION = "Predicts disease progression from ten measurements of a patient."
ROUTERS = (predictions, queries, operations, websockets)
"""What every service of this kind has, whatever its settings."""


def create_app(service: Service) -> FastAPI:
    """Build the ASGI application around a service."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.version = service.model.version  # that of this worker, which may be newer than the service
        service.start_worker()
        yield
        service.stop_worker()

    app = FastAPI(
        title=TITLE,
        version=service.model.version,
        description=DESCRIPTION,
        lifespan=lifespan,
        exception_handlers=EXCEPTION_HANDLERS,
        redirect_slashes=False,  # a trailing slash makes another path: 404
        openapi_url=None,  # served by the routes in documentation.py, if at all
        # Nothing that could export it is installed. FastAPI would look for that at each request.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.service = service
    app.state.graphql = Engine(introspection=service.settings.documentation)
    routers = [*ROUTERS]
    if service.settings.documentation:
        routers += [documentation, docs_files, graphiql]
    for router in routers:
        # Not `include_router`: with it, FastAPI 0.137 and later looks for the route of each request three times.
        app.router.routes += router.routes
    app.add_middleware(HeadAsGet)
    instrument(app, service)
    app.add_middleware(ContractMiddleware, service=service)
    return app
