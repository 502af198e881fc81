"""An OpenAPI document, as far as a comparison needs it: its paths and operations."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import yaml

from serving_lab.errors import LabError

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
    parameters: tuple[Mapping[str, Any], ...] = ()
    """The operation's own and the path's, references resolved."""


@dataclass(frozen=True)
class OpenApiDocument:
    """A document that was read; `prefix` stands before each of its paths below the service's base URL."""

    content: Mapping[str, Any]
    prefix: str = ""

    @classmethod
    def parse(cls, content: bytes, source: str, base_path: str = "") -> "OpenApiDocument":
        """The document in these bytes, JSON or YAML; `source` names it in errors.

        `base_path` is the path of the service's base URL: the one that the document's servers name is not put before
        the paths again where it is in there already.

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
        return cls(document, "" if base_path.rstrip("/").endswith(prefix) else prefix)

    @property
    def templates(self) -> tuple[str, ...]:
        """The paths of the document, below the service's base URL."""
        return tuple(template for template, _ in self._items())

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The operations, in the document's order."""
        return tuple(
            Operation(method, template, item[method.lower()], self._parameters(item, item[method.lower()]))
            for template, item in self._items()
            for method in METHODS
            if isinstance(item.get(method.lower()), dict)
        )

    def _items(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for path, item in self.content["paths"].items():
            if isinstance(path, str) and path.startswith("/"):
                yield self.prefix + path, self.resolved(item)

    def _parameters(self, *owners: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
        lists = [owner["parameters"] for owner in owners if isinstance(owner.get("parameters"), list)]
        return tuple(self.resolved(parameter) for parameters in lists for parameter in parameters)

    def resolved(self, node: object) -> Mapping[str, Any]:
        """The object, or the one that its reference points to in the document; an empty one if there is none."""
        for _ in range(10):
            reference = node.get("$ref") if isinstance(node, dict) else None
            if not isinstance(reference, str):
                break
            node = self.content
            for key in reference.removeprefix("#/").split("/"):
                node = node.get(key.replace("~1", "/").replace("~0", "~")) if isinstance(node, dict) else None
        return node if isinstance(node, dict) else {}


def _read(content: bytes, source: str) -> dict[str, Any]:
    try:
        # The parser of YAML takes seconds for long documents, and accepts what is not JSON.
        document = json.loads(content) if content.lstrip()[:1] == b"{" else yaml.safe_load(content)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise LabError(f"{source} is not an OpenAPI document: {reason}", hint=_HINT) from error
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
