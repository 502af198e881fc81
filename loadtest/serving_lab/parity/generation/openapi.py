"""An OpenAPI document, as far as a comparison needs it: its operations, and which of them a request is one of."""

import fnmatch
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from serving_lab.errors import LabError

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
"""The methods an OpenAPI document can describe."""

OTHER = "(other)"
"""Stands for the path in the label of a request that belongs to no known path."""

_PARAMETER = re.compile(r"\{[^{}/]*\}")
_METHOD_CHARACTERS = 16
_HINT = "Check the address, or name the document's path in the profile (openapi: /openapi.json)"


class Paths:
    """Known path templates (`/users/{id}`), for naming a request by its operation."""

    def __init__(self, templates: Iterable[str]) -> None:
        # A literal path wins over a template, and the more literal template over the less.
        ordered = sorted(set(templates), key=lambda template: (len(_PARAMETER.findall(template)), template))
        self._literal = {template for template in ordered if not _PARAMETER.search(template)}
        self._templates = [(template, _pattern(template)) for template in ordered if template not in self._literal]

    def label(self, method: str, target: str) -> str:
        """Return `METHOD /template`, or `METHOD (other)`; the query and percent-encoding make no difference."""
        path = decoded_path(target)
        shown = method.encode("unicode_escape").decode()
        shown = shown if len(shown) <= _METHOD_CHARACTERS else f"{shown[: _METHOD_CHARACTERS - 1]}…"
        if path in self._literal:
            return f"{shown} {path}"
        return f"{shown} {next((name for name, pattern in self._templates if pattern.fullmatch(path)), OTHER)}"

    def excludes(self, exclude: Iterable[str], method: str, target: str) -> bool:
        """Whether a service could take the request for one of these operations (`POST /cache/*`).

        Wider than the label: services that merge slashes, ignore a trailing one, or resolve dots are reckoned with.
        """
        path = decoded_path(target)
        near = {path, plain_path(target), f"{plain_path(target).rstrip('/')}/"}
        seen = {f"{method} {each}" for each in near} | {self.label(method, each) for each in near}
        patterns = tuple(pattern.casefold() for pattern in exclude)
        return any(fnmatch.fnmatchcase(each.casefold(), pattern) for each in seen for pattern in patterns)


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
class Document:
    """A document that was read; `prefix` stands before each of its paths below the service's base URL."""

    content: Mapping[str, Any]
    prefix: str = ""

    @classmethod
    def parse(cls, content: bytes, source: str, base_path: str = "") -> "Document":
        """Return the document in these bytes, JSON or YAML; `source` names it in errors.

        `base_path` is the path of the service's base URL: the one that the document's servers name is not put before
        the paths again where it is in there already.

        Raises:
            LabError: it is no OpenAPI or Swagger document.
        """
        document = _read(content, source)
        version = document.get("openapi", document.get("swagger"))
        if version is None or not isinstance(document.get("paths"), dict):
            raise LabError(f"{source} is no OpenAPI document: it has no openapi version or no paths", hint=_HINT)
        if not str(version).startswith(("2.", "3.")):
            raise LabError(f"{source} is of OpenAPI version {str(version)[:20]!r}; 2.0, 3.0, and 3.1 are read")
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
        """Return the object, or the one that its reference into the document names; an empty one where none is."""
        for _ in range(10):
            reference = node.get("$ref") if isinstance(node, dict) else None
            if not isinstance(reference, str):
                break
            node = self.content
            for key in reference.removeprefix("#/").split("/"):
                node = node.get(key.replace("~1", "/").replace("~0", "~")) if isinstance(node, dict) else None
        return node if isinstance(node, dict) else {}


def decoded_path(target: str) -> str:
    """Return the path of a target without its query, percent-decoded once, as a service routes it."""
    return unquote(target.partition("?")[0].partition("#")[0])


def plain_path(target: str) -> str:
    """Return the path as the most forgiving service reads it: decoded, no double slashes, dots resolved."""
    parts: list[str] = []
    for part in unquote(decoded_path(target)).replace("\\", "/").split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part.partition(";")[0].strip() not in {"", "."}:
            parts.append(part.partition(";")[0].strip())
    return "/" + "/".join(parts)


def _read(content: bytes, source: str) -> dict[str, Any]:
    try:
        # YAML's own parser takes seconds where the document is long, and reads JSON that is none.
        document = json.loads(content) if content.lstrip()[:1] == b"{" else yaml.safe_load(content)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise LabError(f"{source} is no OpenAPI document: {reason}", hint=_HINT) from error
    if not isinstance(document, dict):
        raise LabError(f"{source} is no OpenAPI document: it holds no object", hint=_HINT)
    return document


def _server_path(document: Mapping[str, Any]) -> str:
    """Return the path that the document's first server puts before all paths, without a slash at its end."""
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


def _pattern(template: str) -> re.Pattern[str]:
    literals = [re.escape(part) for part in _PARAMETER.split(template)]
    return re.compile("[^/]+".join(literals))
