"""Which operation of an API a request is one of: reports, declarations and noise name it so."""

import fnmatch
import re
from collections.abc import Iterable
from urllib.parse import unquote

from serving_lab.api.request import Request
from serving_lab.wire.message import RawRequest

OTHER = "(other)"
"""Stands for the path in the label of a request that belongs to no known path."""

_NO_REQUEST = "(no request line)"
_PARAMETER = re.compile(r"\{[^{}/]*\}")
_METHOD_CHARACTERS = 16


class Operations:
    """Known path templates (`/users/{id}`), for naming a request by its operation."""

    def __init__(self, templates: Iterable[str] = ()) -> None:
        # A literal path wins over a template, and the more literal template over the less.
        ordered = sorted(set(templates), key=lambda template: (len(_PARAMETER.findall(template)), template))
        self._literal = {template for template in ordered if not _PARAMETER.search(template)}
        self._templates = [(template, _pattern(template)) for template in ordered if template not in self._literal]

    def of(self, request: Request | RawRequest) -> str:
        """The operation of a request: `METHOD /path`; `raw METHOD /path` where it is sent below HTTP.

        Below HTTP, servers answer in the services' place: a declaration of that must not cover ordinary requests.
        """
        if isinstance(request, Request):
            return self.label(request.method, request.target)
        return f"raw {self.label(*request.lines[0]) if request.lines else _NO_REQUEST}"

    def label(self, method: str, target: str) -> str:
        """`METHOD /template`, or `METHOD (other)`; the query and percent-encoding make no difference."""
        shown = method.encode("unicode_escape").decode()
        shown = shown if len(shown) <= _METHOD_CHARACTERS else f"{shown[: _METHOD_CHARACTERS - 1]}…"
        template = self._template(decoded_path(target))
        return f"{shown} {OTHER if template is None else template}"

    def knows(self, path: str) -> bool:
        """Whether the decoded path is of a known template."""
        return self._template(path) is not None

    def _template(self, path: str) -> str | None:
        if path in self._literal:
            return path
        return next((name for name, pattern in self._templates if pattern.fullmatch(path)), None)

    def excludes(self, exclude: Iterable[str], method: str, target: str) -> bool:
        """Whether a service could take the request for one of these operations (`POST /cache/*`).

        Wider than the label: it allows for services that merge slashes, ignore a trailing one, or resolve dots.
        """
        path = decoded_path(target)
        near = {path, plain_path(target), f"{plain_path(target).rstrip('/')}/"}
        seen = {f"{method} {each}" for each in near} | {self.label(method, each) for each in near}
        patterns = tuple(pattern.casefold() for pattern in exclude)
        return any(fnmatch.fnmatchcase(each.casefold(), pattern) for each in seen for pattern in patterns)


def decoded_path(target: str) -> str:
    """The path of a target without its query, percent-decoded once, as a service routes it."""
    return unquote(target.partition("?")[0].partition("#")[0])


def plain_path(target: str) -> str:
    """The path as the most forgiving service reads it: decoded, no double slashes, dots resolved."""
    parts: list[str] = []
    for part in unquote(decoded_path(target)).replace("\\", "/").split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part.partition(";")[0].strip() not in {"", "."}:
            parts.append(part.partition(";")[0].strip())
    return "/" + "/".join(parts)


def _pattern(template: str) -> re.Pattern[str]:
    literals = [re.escape(part) for part in _PARAMETER.split(template)]
    return re.compile("[^/]+".join(literals))
