"""Where a service has its OpenAPI document, and below which prefix it has the paths that the document names."""

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote, urlsplit

from serving_lab.documents.openapi import OpenApiDocument
from serving_lab.documents.paths import filled
from serving_lab.documents.references import NotAnsweredError, NotFollowedError
from serving_lab.documents.site import Site
from serving_lab.errors import LabError
from serving_lab.text.phrases import address

USUAL_PLACES = (
    "/openapi.json",
    "/swagger.json",
    "/v3/api-docs",
    "/openapi.yaml",
    "/swagger/v1/swagger.json",
    "/v2/api-docs",
    "/schema/openapi.json",
    "/api/openapi.json",
    "/api/schema/",
    "/api/swagger.json",
    "/api-docs",
    "/api-json",
    "/apispec_1.json",
    "/swagger/doc.json",
    "/openapi",
    "/docs/openapi.json",
)
"""Those of FastAPI, Flask-RESTX, springdoc, ASP.NET, Litestar, drf-spectacular, NestJS, flasgger, and others."""
USUAL = "the usual places"
"""Where a document is that nobody names."""

_MOST_PROBES = 5
_UNKNOWN_PATH = "/no-such-path"

Status = Callable[[str, str], int | None]
"""The status that a service answers to a method and a target; None where it is not to be asked, or does not answer."""


def place_of(written: str, folder: Path) -> str:
    """Where a document is: a path on the service, a URL, or a file as a URL, whose path is relative to the folder."""
    if written.lower().startswith(("http:", "https:")):
        return written
    file = urlsplit(written) if written.lower().startswith("file:") else None
    path = folder / (unquote(file.path) if file else written)
    return path.absolute().as_uri() if file or not written.startswith("/") or path.is_file() else written


def in_file(path: Path, base_path: str, url: str) -> OpenApiDocument:
    """The document in a file.

    Raises:
        LabError: it cannot be read, or is not an OpenAPI document.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}", hint="openapi in the profile, or --openapi, names it") from error
    return OpenApiDocument.parse(content, str(path), base_path, url)


def at(site: Site, url: str, base_path: str) -> OpenApiDocument:
    """The document at a URL; `base_path` is the path of the base URL of the service that it describes.

    Raises:
        NotFollowedError: there is nothing.
        LabError: what is there is not an OpenAPI document.
    """
    try:
        found = site.get(url)
    except NotFollowedError as error:
        raise type(error)(f"{address(url)} is {error}") from None
    try:
        return OpenApiDocument.parse(found.content, address(url), base_path, found.url, site.fetch)
    except LabError:
        if site.signed_in or not (site.authorization or site.query):
            raise
    return at(replace(site, signed_in=True), url, base_path)  # it may have been the page to sign in


def at_usual_place(site: Site) -> tuple[str, OpenApiDocument]:
    """The first document that a service has at a usual place, and the place.

    Raises:
        NotFollowedError: it has none; the text says what it has at the first of them.
    """
    told = ""
    for place in USUAL_PLACES:
        try:
            document = at(site, f"{site.endpoint.url}{place}", site.endpoint.prefix)
        except NotAnsweredError:
            raise
        except (NotFollowedError, LabError) as error:  # it has nothing there, or something else, such as a page
            told = told or str(error)
            continue
        if document.operations or document.left_out:
            return place, document
        told = told or f"{place} describes no request to the service"
    raise NotFollowedError(f"{told}; nor is one at {len(USUAL_PLACES) - 1} other usual places")


def prefix_that_answers(document: OpenApiDocument, status: Status) -> str | None:
    """The first of the document's prefixes below which the service may have its paths; None: none of them."""
    return next((each for each in document.prefixes if _answers(document.below(each), each, status)), None)


def _answers(document: OpenApiDocument, prefix: str, status: Status) -> bool:
    """Whether the service may have any of the first paths."""
    first = sorted(document.operations, key=lambda each: ("{" in each.path, each.method != "GET"))[:_MOST_PROBES]
    wanted = dict.fromkeys(filled(operation) for operation in first)
    if any(status("GET", target) not in {None, HTTPStatus.NOT_FOUND} for target in wanted):
        return True
    # What takes only POST may answer 404 to GET; and some services answer to OPTIONS at any path.
    unknown = status("OPTIONS", f"{prefix}{_UNKNOWN_PATH}")
    return any(status("OPTIONS", target) not in {None, HTTPStatus.NOT_FOUND, unknown} for target in wanted)
