"""What endpoints depend on, as types."""

from typing import Annotated, NamedTuple

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from serving_core.service import Service
from starlette.requests import HTTPConnection


class Session(NamedTuple):
    """A signed-in user and the service: one dependency, because resolving each one takes as long as the model."""

    service: Service
    user: str


def service_of(connection: HTTPConnection) -> Service:
    """The service of the application."""
    service: Service = connection.app.state.service
    return service


async def _service(request: Request) -> Service:
    return service_of(request)


class TokenBearer(HTTPBearer):
    """Documents the token like FastAPI's own scheme. The route has checked it, before the body was read."""

    async def __call__(self, request: Request) -> Session:  # type: ignore[override] # not the raw token
        """The session of the request's token."""
        session: Session = request.scope["session"]
        return session


CurrentService = Annotated[Service, Depends(_service)]
CurrentSession = Annotated[Session, Security(TokenBearer(description="From /login."))]
