"""What endpoints depend on, as types."""

from collections.abc import Callable, Mapping
from typing import Annotated, NamedTuple

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from serving_core.service import Service
from starlette.requests import HTTPConnection


class Session(NamedTuple):
    """A signed-in user and the service."""

    service: Service
    user: str


def service_of(connection: HTTPConnection) -> Service:
    """The service of the application."""
    service: Service = connection.app.state.service
    return service


def session_of(request: Request) -> Session:
    """The session of a request whose token the route has checked, before the body was read."""
    session: Session = request.scope["session"]
    return session


async def _service(request: Request) -> Service:
    return service_of(request)


class TokenBearer(HTTPBearer):
    """Documents the token like FastAPI's own scheme."""

    async def __call__(self, request: Request) -> Session:  # type: ignore[override] # not the raw token
        """The session of the request's token."""
        return session_of(request)


_bearer = TokenBearer(description="From /login.")
FOUND: Mapping[object, Callable[[Request], object]] = {_service: service_of, _bearer: session_of}
"""Dependencies whose values a request has once its route has checked it, and what finds them there."""


CurrentService = Annotated[Service, Depends(_service)]
CurrentSession = Annotated[Session, Security(_bearer)]
