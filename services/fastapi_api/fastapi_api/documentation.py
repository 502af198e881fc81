"""The API's interactive documentation: under the same rules as any endpoint, and without a public network."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from serving_core.errors import NotFoundError

from fastapi_api.guard import GuardedRoute

_STATIC = Path(str(files("fastapi_offline") / "static"))
_FILES = frozenset(path.name for path in _STATIC.iterdir())

documentation = APIRouter(include_in_schema=False, route_class=GuardedRoute)


@documentation.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """The API's description."""
    return JSONResponse(request.app.openapi())


@documentation.get("/docs")
async def swagger(request: Request) -> HTMLResponse:
    """Swagger UI, with scripts of its own."""
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=request.app.title,
        swagger_js_url="/docs/swagger-ui-bundle.js",
        swagger_css_url="/docs/swagger-ui.css",
        swagger_favicon_url="/docs/favicon.png",
    )


@documentation.get("/redoc")
async def redoc(request: Request) -> HTMLResponse:
    """ReDoc, with scripts of its own."""
    return get_redoc_html(
        openapi_url="/openapi.json",
        title=request.app.title,
        redoc_js_url="/docs/redoc.standalone.js",
        redoc_favicon_url="/docs/favicon.png",
        with_google_fonts=False,
    )


@documentation.get("/docs/{name}")
async def static(name: str) -> FileResponse:
    """What the pages load."""
    if name not in _FILES:
        raise NotFoundError
    return FileResponse(_STATIC / name)
