"""An OpenAPI document, as far as a comparison needs it: its paths and operations."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import urljoin, urlsplit

from serving_lab.documents.reading import UnreadableError, read
from serving_lab.documents.references import Fetch, LeftOut, SelfContained, self_contained
from serving_lab.errors import LabError

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY")
"""The methods that have a key of their own in an OpenAPI document."""

_ADDITIONAL = "additionalOperations"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VERSION = re.compile(r"[23](?:\.[0-9].*)?")
_HINT = "check the address, or give the document's path in the profile (openapi: /openapi.json)"


@dataclass(frozen=True)
class Operation:
    """One operation of a document."""

    method: str
    path: str
    """As the document writes it, with parameters in braces."""
    prefix: str
    """What stands before the path, below the service's base URL."""
    definition: Mapping[str, Any]
    shared: object = None
    """The parameters of the path, as they are written."""
    parameters: tuple[Mapping[str, Any], ...] = ()
    """The operation's own and the path's, references resolved."""
    left_out: tuple[LeftOut, ...] = ()
    """Why no requests can be made of it."""

    @property
    def template(self) -> str:
        """Its path below the service's base URL."""
        return self.prefix + self.path

    @property
    def label(self) -> str:
        """What it is called: `GET /a`."""
        return f"{self.method} {self.template}"


@dataclass(frozen=True)
class OpenApiDocument:
    """A document that was read."""

    contained: SelfContained
    prefix: str = ""
    """What stands before its paths below the service's base URL, where they have no servers of their own."""
    base_path: str = ""
    """The path of the service's base URL: the one that servers name is not put before paths again."""
    url: str = ""
    """Where it was found."""

    @classmethod
    def of(cls, content: Mapping[str, Any], prefix: str = "") -> "OpenApiDocument":
        """The document with this content, which refers to no other one."""
        return cls(self_contained(content), prefix)

    @classmethod
    def parse(
        cls, content: bytes, source: str, base_path: str = "", url: str = "", fetch: Fetch | None = None
    ) -> "OpenApiDocument":
        """The document in these bytes, JSON or YAML.

        Args:
            content: the document.
            source: what errors call it.
            base_path: the path of the service's base URL.
            url: where it was found.
            fetch: what gets the documents that it refers to; None: it may refer to itself alone.

        Raises:
            LabError: it is not an OpenAPI or Swagger document.
        """
        document = _read(content, source)
        key = "swagger" if "swagger" in document else "openapi"
        version, paths = document.get(key), document.get("paths")
        if paths is None and ("webhooks" in document or "components" in document):
            paths = {}
        if version is None or not isinstance(paths, dict):
            raise LabError(f"{source} is not an OpenAPI document: it has no openapi version or no paths", hint=_HINT)
        if not _VERSION.fullmatch(str(version)):
            raise LabError(f"{source} is of OpenAPI version {str(version)[:20]!r}; 2.0 and 3.0 to 3.2 are supported")
        written = str(version) if "." in str(version) else f"{version}.0"  # YAML takes 3.1 for a number
        contained = self_contained(document | {key: written, "paths": paths}, url, fetch)
        found = cls(contained, "", base_path.rstrip("/"), url)
        return found.below(next(iter(found.prefixes)))

    def below(self, prefix: str) -> "OpenApiDocument":
        """The same document, with another prefix before its paths."""
        return replace(self, prefix=prefix)

    @property
    def content(self) -> Mapping[str, Any]:
        """All of it; its references lead to places in it, or nowhere."""
        return self.contained.content

    @property
    def prefixes(self) -> tuple[str, ...]:
        """What its servers put before its paths, in their order; at last nothing."""
        if "swagger" in self.content:
            path = str(self.content.get("basePath") or "").strip("/")
            return tuple(dict.fromkeys((self._below_base(f"/{path}"), "")))
        return tuple(dict.fromkeys((*self._server_paths(self.content), "")))

    @cached_property
    def templates(self) -> tuple[str, ...]:
        """The paths of the document, below the service's base URL."""
        named = (self._prefix_of(item) + path for path, item in self._items())
        return tuple(dict.fromkeys((*named, *(operation.template for operation in self.operations))))

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """The operations, in the document's order."""
        return tuple(
            self._operation(method, path, item, definition)
            for path, item in self._items()
            for method, definition in _operations_of(item)
            if _can_be_sent(method)
        )

    @property
    def left_out(self) -> tuple[tuple[str, LeftOut], ...]:
        """What no requests are made of, each with the operation or path that it belongs to."""
        paths = ((self.prefix + path, self.contained.resolved(item)) for path, item in self._paths())
        unsent = ((path, method) for path, item in self._items() for method, _ in _operations_of(item))
        return (
            *((path, item) for path, item in paths if isinstance(item, LeftOut)),
            *(
                (path, LeftOut("its method cannot be sent", method))
                for path, method in unsent
                if not _can_be_sent(method)
            ),
            *((operation.label, why) for operation in self.operations for why in operation.left_out),
        )

    def resolved(self, node: object) -> Mapping[str, Any]:
        """The object, or the one that its reference points to in the document; an empty one if there is none."""
        found = self.contained.resolved(node)
        return {} if isinstance(found, LeftOut) else found

    def _operation(self, method: str, path: str, item: Mapping[str, Any], definition: Mapping[str, Any]) -> Operation:
        shared = item.get("parameters")
        left_out = self.contained.needed_by(shared, definition.get("parameters"), definition.get("requestBody"))
        return Operation(
            method=method,
            path=path,
            prefix=self._prefix_of(definition, item),
            definition=definition,
            shared=shared,
            parameters=self._parameters(item, definition),
            left_out=tuple(left_out),
        )

    def _paths(self) -> Iterator[tuple[str, object]]:
        for path, item in self.resolved(self.content["paths"]).items():
            if path.startswith("/"):
                yield path, item

    def _items(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for path, item in self._paths():
            yield path, self.resolved(item)

    def _parameters(self, *owners: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
        lists = [owner["parameters"] for owner in owners if isinstance(owner.get("parameters"), list)]
        return tuple(self.resolved(parameter) for parameters in lists for parameter in parameters)

    def _prefix_of(self, *holders: Mapping[str, Any]) -> str:
        """The prefix of what has servers of its own, or the document's."""
        return next((path for holder in holders for path in self._server_paths(holder)), self.prefix)

    def _server_paths(self, holder: Mapping[str, Any]) -> Iterator[str]:
        """The paths of the servers that a document, a path or an operation names, below the service's base URL."""
        servers = holder.get("servers")
        for server in servers if isinstance(servers, list) else ():
            if isinstance(server, dict) and isinstance(server.get("url"), str):
                yield self._below_base(_filled(server))

    def _below_base(self, server: str) -> str:
        """The path of a server's URL, without a slash at its end and without the path of the base URL."""
        before, host, rest = server.partition("//")
        if host and "/" not in before:
            path = f"/{rest.partition('/')[2]}"
        else:
            # One that has no host is relative to the document.
            found_at = urlsplit(self.url)
            path = urljoin("/" if found_at.scheme == "file" else found_at.path, server) if server else "/"
        path = re.split("[?#]", path)[0].rstrip("/")
        if not path.startswith("/") or "{" in path or self.base_path.endswith(path):
            return ""
        return path.removeprefix(self.base_path) if path.startswith(f"{self.base_path}/") else path


def _operations_of(item: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The operations of a path, by their methods as they are sent."""
    for method in METHODS:
        if isinstance(item.get(method.lower()), dict):
            yield method, item[method.lower()]
    additional = item.get(_ADDITIONAL)
    for method, definition in additional.items() if isinstance(additional, dict) else ():
        if isinstance(definition, dict) and method not in METHODS:
            yield method, definition


def _can_be_sent(method: str) -> bool:
    return method.upper() != "CONNECT" and _TOKEN.fullmatch(method) is not None


def _read(content: bytes, source: str) -> dict[str, Any]:
    try:
        document = read(content)
    except UnreadableError as error:
        raise LabError(f"{source} is not an OpenAPI document: {error}", hint=_HINT) from error
    if not isinstance(document, dict):
        raise LabError(f"{source} is not an OpenAPI document: it is not an object", hint=_HINT)
    return document


def _filled(server: Mapping[str, Any]) -> str:
    """A server's URL with its variables filled in."""
    url = str(server["url"])
    variables = server.get("variables")
    for name, variable in variables.items() if isinstance(variables, dict) else ():
        url = url.replace(f"{{{name}}}", str(variable.get("default", "")) if isinstance(variable, dict) else "")
    return url
