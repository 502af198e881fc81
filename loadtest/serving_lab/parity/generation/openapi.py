"""An OpenAPI document, as far as a comparison needs it: its paths and operations."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from serving_lab.errors import LabError
from serving_lab.parity.documents.reading import UnreadableError, read
from serving_lab.parity.documents.references import Fetch, LeftOut, SelfContained, self_contained

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
"""The methods an OpenAPI document can describe."""

_HINT = "check the address, or give the document's path in the profile (openapi: /openapi.json)"


@dataclass(frozen=True)
class Operation:
    """One operation of a document."""

    method: str
    template: str
    """Its path below the service's base URL."""
    definition: Mapping[str, Any]
    shared: object = None
    """The parameters of the path, as they are written."""
    parameters: tuple[Mapping[str, Any], ...] = ()
    """The operation's own and the path's, references resolved."""
    left_out: tuple[LeftOut, ...] = ()
    """What its requests would need and the document has not."""

    @property
    def label(self) -> str:
        """What it is called: `GET /a`."""
        return f"{self.method} {self.template}"


@dataclass(frozen=True)
class OpenApiDocument:
    """A document that was read; `prefix` stands before each of its paths below the service's base URL."""

    contained: SelfContained
    prefix: str = ""

    @classmethod
    def of(cls, content: Mapping[str, Any], prefix: str = "") -> "OpenApiDocument":
        """The document with this content, which refers to no other one."""
        return cls(self_contained(content), prefix)

    @classmethod
    def parse(
        cls, content: bytes, source: str, base_path: str = "", url: str = "", fetch: Fetch | None = None
    ) -> "OpenApiDocument":
        """The document in these bytes, JSON or YAML; `source` names it in errors.

        Args:
            content: the document.
            source: what errors call it.
            base_path: the path of the service's base URL: the one that the document's servers name is not put before
                the paths again where it is in there already.
            url: where it was found.
            fetch: what gets the documents that it refers to; None: it may refer to itself alone.

        Raises:
            LabError: it is not an OpenAPI or Swagger document.
        """
        document = _read(content, source)
        version = document.get("openapi", document.get("swagger"))
        if version is None or not isinstance(document.get("paths"), dict):
            raise LabError(f"{source} is not an OpenAPI document: it has no openapi version or no paths", hint=_HINT)
        if not str(version).startswith(("2.", "3.")):
            raise LabError(f"{source} is of OpenAPI version {str(version)[:20]!r}; 2.0, 3.0 and 3.1 are supported")
        prefix = _server_path(document)
        contained = self_contained(document, url, fetch)
        return cls(contained, "" if base_path.rstrip("/").endswith(prefix) else prefix)

    @property
    def content(self) -> Mapping[str, Any]:
        """All of it; its references lead to places in it, or nowhere."""
        return self.contained.content

    @property
    def templates(self) -> tuple[str, ...]:
        """The paths of the document, below the service's base URL."""
        return tuple(template for template, _ in self._items())

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """The operations, in the document's order."""
        return tuple(
            self._operation(method, template, item, item[method.lower()])
            for template, item in self._items()
            for method in METHODS
            if isinstance(item.get(method.lower()), dict)
        )

    @property
    def left_out(self) -> tuple[tuple[str, LeftOut], ...]:
        """What no requests are made of, each with the operation or path that it belongs to."""
        paths = ((self.prefix + path, self.contained.resolved(item)) for path, item in self._paths())
        return (
            *((path, item) for path, item in paths if isinstance(item, LeftOut)),
            *((operation.label, why) for operation in self.operations for why in operation.left_out),
        )

    def _operation(
        self, method: str, template: str, item: Mapping[str, Any], definition: Mapping[str, Any]
    ) -> Operation:
        shared = item.get("parameters")
        left_out = self.contained.needed_by(shared, definition.get("parameters"), definition.get("requestBody"))
        return Operation(method, template, definition, shared, self._parameters(item, definition), tuple(left_out))

    def _paths(self) -> Iterator[tuple[str, object]]:
        for path, item in self.content["paths"].items():
            if isinstance(path, str) and path.startswith("/"):
                yield path, item

    def _items(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for path, item in self._paths():
            yield self.prefix + path, self.resolved(item)

    def _parameters(self, *owners: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
        lists = [owner["parameters"] for owner in owners if isinstance(owner.get("parameters"), list)]
        return tuple(self.resolved(parameter) for parameters in lists for parameter in parameters)

    def resolved(self, node: object) -> Mapping[str, Any]:
        """The object, or the one that its reference points to in the document; an empty one if there is none."""
        found = self.contained.resolved(node)
        return {} if isinstance(found, LeftOut) else found


def _read(content: bytes, source: str) -> dict[str, Any]:
    try:
        document = read(content)
    except UnreadableError as error:
        raise LabError(f"{source} is not an OpenAPI document: {error}", hint=_HINT) from error
    if not isinstance(document, dict):
        raise LabError(f"{source} is not an OpenAPI document: it is not an object", hint=_HINT)
    return document


def _server_path(document: Mapping[str, Any]) -> str:
    """The path that the document's first server puts before all paths, without a slash at its end."""
    if "swagger" in document:
        return str(document.get("basePath") or "").rstrip("/")
    servers = document.get("servers")
    server = servers[0] if isinstance(servers, list) and servers and isinstance(servers[0], dict) else {}
    url = str(server.get("url", ""))
    variables = server.get("variables")
    for name, variable in variables.items() if isinstance(variables, dict) else ():
        url = url.replace(f"{{{name}}}", str(variable.get("default", "")) if isinstance(variable, dict) else "")
    try:
        path = urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""
    return path if path.startswith("/") else ""
