"""The interactive documentation of the API: same rules as for any endpoint, usable without internet access."""

import mimetypes
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import Scope

from fastapi_api.guard import GuardedRoute

_GRAPHIQL = Path(__file__).parent / "graphiql"
# The files that the pages load, by name. Those of GraphiQL are stored compressed; deploy/graphiql.py fetches them.
_FILES = {path.name: path for path in Path(str(files("fastapi_offline") / "static")).iterdir()}
_FILES |= {path.stem: path for path in _GRAPHIQL.glob("*.gz")}


class PageRoute(GuardedRoute):
    """A route for clients that accept HTML, such as browsers."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match if the client accepts HTML."""
        asks_for_page = "text/html" in Headers(scope=scope).get("Accept", "").lower()
        return super().matches(scope) if asks_for_page else (Match.NONE, {})


class FileRoute(GuardedRoute):
    """A route for the files that there are: any other name is an unknown path, whatever the method."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match if there is such a file."""
        match, child = super().matches(scope)
        return (
            (match, child) if match is not Match.NONE and child["path_params"]["name"] in _FILES else (Match.NONE, {})
        )


documentation = APIRouter(include_in_schema=False, route_class=GuardedRoute)
docs_files = APIRouter(include_in_schema=False, route_class=FileRoute)
graphiql = APIRouter(include_in_schema=False, route_class=PageRoute)


@documentation.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """The OpenAPI description of the API."""
    return JSONResponse(request.app.openapi())


@documentation.get("/docs")
async def swagger(request: Request) -> HTMLResponse:
    """Swagger UI with local scripts."""
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=request.app.title,
        swagger_js_url="/docs/swagger-ui-bundle.js",
        swagger_css_url="/docs/swagger-ui.css",
        swagger_favicon_url="/docs/favicon.png",
    )


@documentation.get("/redoc")
async def redoc(request: Request) -> HTMLResponse:
    """ReDoc with local scripts."""
    return get_redoc_html(
        openapi_url="/openapi.json",
        title=request.app.title,
        redoc_js_url="/docs/redoc.standalone.js",
        redoc_favicon_url="/docs/favicon.png",
        with_google_fonts=False,
    )


@docs_files.get("/docs/{name}")
async def static(name: str) -> FileResponse:
    """A file that the pages load."""
    path = _FILES[name]
    encoding = {"Content-Encoding": "gzip"} if path.suffix == ".gz" else None
    return FileResponse(path, headers=encoding, media_type=mimetypes.guess_type(name)[0])


@graphiql.get("/graphql")
async def graphiql_page() -> FileResponse:
    """GraphiQL with local scripts."""
    return FileResponse(_GRAPHIQL / "index.html")
