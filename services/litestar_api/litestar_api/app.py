"""The application factory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ASGIApp
from serving_core.service import Service

from litestar_api.controllers import Operations, Predictions
from litestar_api.errors import EXCEPTION_HANDLERS
from litestar_api.middleware import Admission, ContractMiddleware, TokenAuthentication
from litestar_api.validation import ApiRequest


def create_app(service: Service) -> ASGIApp:
    """Build the ASGI application around a service."""

    @asynccontextmanager
    async def worker(_: Litestar) -> AsyncIterator[None]:
        service.start_worker()
        yield
        service.stop_worker()

    app = Litestar(
        route_handlers=[Predictions, Operations],
        dependencies={"service": Provide(lambda: service, sync_to_thread=False)},
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=[worker],
        middleware=[Admission(service), TokenAuthentication],
        request_class=ApiRequest,
        request_max_body_size=service.settings.max_body_bytes,
        state=State({"service": service}),
        debug=False,
        logging_config=None,  # the service has set logging up
        openapi_config=None,  # its pages load scripts from the internet
    )
    return ContractMiddleware(app, service)
