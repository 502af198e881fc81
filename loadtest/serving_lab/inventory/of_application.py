"""An application's inventory: its routes as the framework has them, and what its source says of each."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from serving_lab.inventory import of_document, paths
from serving_lab.inventory.found import Found
from serving_lab.inventory.importing import Handler, Route, Seen
from serving_lab.inventory.result import (
    Access,
    Answer,
    Body,
    Check,
    ErrorForm,
    Finding,
    Hook,
    Operation,
    Parameter,
    Place,
    Schema,
)
from serving_lab.inventory.source import hazards
from serving_lab.inventory.source.access import AccessReader
from serving_lab.inventory.source.blocking import blocking_calls
from serving_lab.inventory.source.calls import body_of, reached
from serving_lab.inventory.source.project import Function, Project, dotted
from serving_lab.inventory.source.replies import Replies, Reply
from serving_lab.inventory.source.request_values import Read
from serving_lab.inventory.source.routes import SourceRoutes
from serving_lab.inventory.source.tree import Node
from serving_lab.inventory.source.validation import Learned, Validation

_BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS", "WEBSOCKET"})
_SENDERS_HEADERS = frozenset(
    {
        "authorization",
        "content-type",
        "accept",
        "cookie",
        "user-agent",
        "host",
        "content-length",
        "x-forwarded-for",
        "origin",
        "referer",
        "x-request-id",
        "accept-language",
    }
)
_MOST_STATUSES = 5


def of_seen(seen: Seen, project: Project) -> Found:
    """The inventory of an application that was imported."""
    framework = f"{seen.framework} {seen.version or ''}".strip() if seen.framework else None
    reader = _Reader(project, seen.framework)
    hooks = [(each.when, each.name, each.group, reader.function(each.handlers), each.place) for each in seen.hooks]
    found = reader.found(seen.routes, hooks)
    operations = list(found.operations)
    for document in seen.documents:
        operations = of_document.completed(operations, document.content, document.prefix)
    unread = [*seen.notes, *found.unread]
    findings = list(found.findings)
    if seen.stopped:
        unread.append(f"{seen.stopped}: what stands after that was not run")
        if "server" in seen.stopped:
            findings.append(Finding(kind="server", text=seen.stopped))
    if seen.debug and not any(each.kind == "debug" for each in findings):
        findings.append(Finding(kind="debug", text="the application is in debug mode: errors show the code"))
    if seen.framework is None:
        unread.append(
            f"{seen.type} is of no framework that is known: its routes cannot be read, "
            "only the code that answers every request"
        )
        operations += reader.of_callable(seen.handler or [])
    return Found(operations, found.hooks, seen.extensions, findings, unread, framework)


def of_source(project: Project) -> Found:
    """The inventory of an application that was not imported."""
    routes = SourceRoutes(project)
    framework = routes.framework()
    reader = _Reader(project, framework)
    hooks = [(when, function.qualname, group, function, None) for when, function, group in routes.hooks()]
    found = reader.found(list(routes.routes()), hooks)
    told = "routes that are made at run time, and their prefixes, are not seen without an import"
    return Found(found.operations, found.hooks, [], found.findings, [told, *found.unread], framework)


_HookOf = tuple[str, str, str | None, Function | None, Handler | None]


class _Reader:
    """Reads the source of the routes of one project."""

    def __init__(self, project: Project, framework: str | None) -> None:
        self._project = project
        self._framework = framework
        self._replies = Replies(project)
        self._access = AccessReader(project)

    def found(self, routes: Sequence[Route], hooks: Sequence[_HookOf]) -> Found:
        """Everything."""
        asking = [
            (function, group, list(self._access.of_hook(function)), _texts_in(function))
            for when, _, group, function, _ in hooks
            if when in {"before_request", "middleware"} and function is not None
        ]
        operations = [self._operation(route, method, asking) for route in routes for method in sorted(route.methods)]
        findings = [each for module in self._project.all_modules() for each in hazards.of_module(self._project, module)]
        state = {(each.name, each.place.file): each for operation in operations for each in operation.writes}
        findings += [
            Finding(
                kind="state",
                text=f"{each.name} is changed by requests: each worker has its own, and a restart loses it",
                place=each.place,
            )
            for each in state.values()
        ]
        shown = [
            Hook(when=when, name=name, group=group, place=function.place if function else self._place(place))
            for when, name, group, function, place in hooks
        ]
        order = {
            kind: number
            for number, kind in enumerate(("secret", "unsafe loading", "shell", "debug", "error text", "state"))
        }
        findings.sort(key=lambda each: order.get(each.kind, len(order)))
        return Found(operations, shown, [], _once(findings), list(self._project.unread), self._framework)

    def function(self, handlers: Iterable[Handler]) -> Function | None:
        """The innermost function of the project."""
        found = self._functions(handlers)
        return _innermost(found) if found else None

    def of_callable(self, handlers: Sequence[Handler]) -> Iterator[Operation]:
        """What the code of an unknown application compares paths with."""
        functions = [function for _, function in self._functions(handlers)]
        every = reached(self._project, functions)
        seen: set[tuple[str, str]] = set()
        for function in every:
            for path, method in _compared_paths(function):
                if (path, method) not in seen:
                    seen.add((path, method))
                    yield Operation(
                        method=method,
                        path=path,
                        endpoint=function.node.name,
                        handler=function.qualname,
                        place=function.place,
                        blocking=blocking_calls(self._project, every),
                        writes=hazards.writes(self._project, every),
                    )

    def _functions(self, handlers: Iterable[Handler]) -> list[tuple[Handler, Function]]:
        found = []
        for each in handlers:
            function = self._project.function_at(Path(each.file), each.line)
            if function is not None:
                found.append((each, function))
        return found

    def _operation(self, route: Route, method: str, asking: Sequence[Any]) -> Operation:
        path, parameters = paths.template(route.path, route.syntax, route.converters)
        handlers = route.by_method.get(method) or route.handlers
        chain = self._functions(handlers)
        view = _innermost(chain) if chain else None
        whole = handlers[0] if handlers else None
        around = [function for _, function in chain if view is None or function.node is not view.node]
        dependencies = [
            function
            for each in route.dependencies
            if "file" in each
            for function in [self._project.function_at(Path(each["file"]), each["line"])]
            if function is not None
        ]
        facts = self._facts(route, method, path, view, around, dependencies)
        access = [*self._let_in(route, view, around, dependencies)]
        for function, group, asked, exempt in asking:
            own = group is None or group == route.group or (route.group or "").startswith(f"{group}.")
            if own and not {route.endpoint, path, route.path} & exempt and function is not view:
                access += asked
        return Operation(
            method=method,
            path=path,
            endpoint=route.endpoint,
            handler=view.qualname if view else whole.name if whole else None,
            place=view.place if view else self._place(whole),
            is_async=isinstance(view.node, ast.AsyncFunctionDef) if view else bool(whole and whole.is_async),
            summary=(whole.doc if whole else "") or (_summary(view) if view else ""),
            group=route.group,
            parameters=_together(parameters, facts["parameters"]),
            access=_distinct(access),
            **{key: value for key, value in facts.items() if key != "parameters"},
        )

    def _facts(
        self,
        route: Route,
        method: str,
        path: str,
        view: Function | None,
        around: list[Function],
        dependencies: list[Function],
    ) -> dict[str, Any]:
        if view is None:
            return {"parameters": []}
        validation = Validation(self._project, self._replies, method)
        names = {name: Read("path", (name,)) for name in view.parameters if f"{{{name}}}" in path}
        for function in (*around, *dependencies):
            validation.follow(function)
        validation.follow(view, names)
        every = reached(self._project, [view, *around, *dependencies])
        body, parameters = _of_learned(validation.learned, method)
        replies = list(self._replies.of_function(view, {}))
        for function in around:
            replies += [each for each in self._replies.of_function(function, {}) if each.is_error]
        for function in every:
            if function not in {view, *around}:
                replies += [
                    each for each in self._replies.of_function(function, {}) if each.how != "return" and each.is_error
                ]
        checks = [each for each in validation.learned.checks if body is not None or _is_of_parameter(each, parameters)]
        del route
        return {
            "parameters": parameters,
            "body": body,
            "checks": checks,
            "blocking": blocking_calls(self._project, every),
            "answers": _answers(replies),
            "errors": [*_errors(replies), *self._of_framework(every)],
            "writes": hazards.writes(self._project, every),
        }

    def _let_in(
        self, route: Route, view: Function | None, around: list[Function], dependencies: list[Function]
    ) -> Iterator[Access]:
        for each in route.dependencies:
            if "scheme" in each:
                yield _of_scheme(each)
        schemes = any("scheme" in each for each in route.dependencies)
        for function in dependencies:
            if not schemes:
                yield from self._access.of_function(function, "dependency", enforced=False)
        if view is None:
            return
        decorated = list(self._access.of_decorators(view))
        yield from decorated
        if not decorated:
            for function in around:
                yield from self._access.of_function(function, "decorator", enforced=False)
        if not decorated and not dependencies:
            yield from self._access.of_view(reached(self._project, [view]))

    def _of_framework(self, functions: Iterable[Function]) -> Iterator[ErrorForm]:
        """What Flask answers by itself to a body that it cannot read."""
        if self._framework not in {"flask", "quart"}:
            return
        for function in functions:
            for node in body_of(function.node):
                is_call = (
                    isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get_json"
                )
                is_member = isinstance(node, ast.Attribute) and (dotted(node) or "").endswith("request.json")
                if is_call and isinstance(node, ast.Call):
                    given = {each.arg for each in node.keywords if not _is_false(each.value)}
                    if given & {"silent", "force"} or node.args:
                        continue
                if is_call or is_member:
                    place = function.module.place(node)
                    yield ErrorForm(status=400, how="the framework, to broken JSON", place=place)
                    yield ErrorForm(status=415, how="the framework, to another content type", place=place)
                    return

    def _place(self, handler: Handler | None) -> Place | None:
        if handler is None:
            return None
        path, root = Path(handler.file), self._project.root.resolve()
        return Place(str(path.relative_to(root)) if path.is_relative_to(root) else path.name, handler.line)


def _innermost(chain: Sequence[tuple[Handler, Function]]) -> Function:
    """The function that answers: what wrappers wrap, not what they keep besides."""
    own = [(handler, function) for handler, function in chain if not handler.decorator] or list(chain)
    direct = [function for handler, function in own if handler.direct]
    if direct and (len(direct) > 1 or "<locals>" not in own[0][0].name):
        return direct[-1]
    plain = [function for handler, function in own if "<locals>" not in handler.name]
    return plain[-1] if plain else (direct or [own[-1][1]])[-1]


def _of_learned(learned: Learned, method: str) -> tuple[Body | None, list[Parameter]]:
    parameters = [
        Parameter(
            name=name,
            where=where,
            required=member.required and not member.optional,
            schema=member.schema(name),
        )
        for where in ("path", "query", "header", "cookie")
        for name, member in learned.parts.get(where, Node()).members.items()
        if where not in {"header", "cookie"} or name.lower() not in _SENDERS_HEADERS
    ]
    query = learned.parts.get("query")
    if query and query.given:
        parameters += [
            Parameter(name=name, where="query", required=name in query.given.get("required", ()), schema=schema)
            for name, schema in query.given.get("properties", {}).items()
        ]
    if method in _BODILESS:
        return None, parameters
    for part, kind in (("files", "multipart"), ("json", "json"), ("form", "form")):
        if part in learned.parts:
            node = learned.parts[part]
            schema = node.schema()
            if part == "files":
                properties: dict[str, Schema] = {name: {"type": "string", "format": "binary"} for name in node.members}
                fields = learned.parts.get("form", Node()).schema()
                schema = {
                    "type": "object",
                    "properties": {**properties, **fields.get("properties", {})},
                    "required": [*properties, *fields.get("required", [])],
                }
            if part == "form" and "type" not in schema:
                schema = {"type": "object", **schema}
            return Body(kind=kind, schema=schema, required=not node.optional), parameters  # type: ignore[arg-type]
    return (Body(kind="other"), parameters) if "raw" in learned.parts else (None, parameters)


def _is_of_parameter(check: Check, parameters: Sequence[Parameter]) -> bool:
    return any(check.field == f"{each.where} {each.name}" for each in parameters)


def _together(path: list[Parameter], others: list[Parameter]) -> list[Parameter]:
    """The parameters, those of the path with the bounds that the code checks."""
    found = {(each.where, each.name): each for each in path}
    for each in others:
        known = found.get((each.where, each.name))
        if known is None:
            if each.where != "path":
                found[each.where, each.name] = each
            continue
        schema = {**each.schema, **known.schema}
        if known.schema.get("type") == "string" and each.schema.get("type") in {"integer", "number"}:
            schema["type"] = each.schema["type"]
        found[each.where, each.name] = Parameter(
            name=each.name, where=each.where, required=known.required or each.required, schema=schema
        )
    return list(found.values())


def _answers(replies: Iterable[Reply]) -> list[Answer]:
    found: dict[int, list[Reply]] = {}
    for each in replies:
        if each.status is not None and each.status < 400 and each.how in {"return", "redirect"}:
            found.setdefault(each.status, []).append(each)
    answers = []
    for status, same in sorted(found.items()):
        schemas = [each.schema for each in same]
        answers.append(Answer(status=status, schema=_common(schemas), place=same[0].place))
    return answers


def _common(schemas: Sequence[Schema]) -> Schema:
    """What all of these have."""
    if not schemas or any(each.get("type") != "object" for each in schemas):
        return schemas[0] if schemas and all(each == schemas[0] for each in schemas) else {}
    properties: dict[str, Schema] = {}
    for each in schemas:
        for name, member in each.get("properties", {}).items():
            properties[name] = member if properties.get(name, member) == member or not properties[name] else {}
    required = [name for name in properties if all(name in each.get("required", ()) for each in schemas)]
    found: Schema = {"type": "object", "properties": properties}
    if required:
        found["required"] = required
    return found


def _errors(replies: Iterable[Reply]) -> Iterator[ErrorForm]:
    seen: set[str] = set()
    for each in replies:
        if each.is_error:
            error = each.error()
            key = repr((error.status, error.body, error.how, error.place))
            if key not in seen:
                seen.add(key)
                yield error


def _of_scheme(scheme: dict[str, Any]) -> Access:
    kind, http = str(scheme.get("type")).lower(), str(scheme.get("http")).lower()
    if kind == "apikey":
        where = scheme.get("in")
        name = str(scheme.get("name"))
        if where == "cookie":
            return Access(kind="cookie", name=name, through="dependency")
        return Access(kind="api key", name=f"?{name}=" if where == "query" else name, through="dependency")
    if kind == "http" and http == "basic":
        return Access(kind="basic", name="Authorization", through="dependency")
    if kind in {"http", "oauth2", "openidconnect"}:
        return Access(kind="bearer", name="Authorization", through="dependency")
    return Access(kind="other", name=str(scheme.get("scheme")), through="dependency")


def _distinct(access: Iterable[Access]) -> list[Access]:
    found: dict[tuple[str, str], Access] = {}
    for each in access:
        found.setdefault((each.kind, each.name.lower()), each)
    return list(found.values())


def _once(findings: Iterable[Finding]) -> list[Finding]:
    return list({(each.kind, each.text, str(each.place)): each for each in findings}.values())


def _texts_in(function: Function) -> set[str]:
    return {
        node.value for node in body_of(function.node) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def _summary(view: Function) -> str:
    return (ast.get_docstring(view.node) or "").strip().partition("\n")[0]


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not node.value


def _compared_paths(function: Function) -> Iterator[tuple[str, str]]:
    """Paths that a function compares the request's with; the method, where that is compared beside it."""
    text = ast.unparse(function.node)
    if "PATH_INFO" not in text and "path" not in text:
        return
    for node in body_of(function.node):
        tests = [node.test] if isinstance(node, (ast.If, ast.IfExp)) else []
        for test in tests:
            constants = [
                each.value for each in ast.walk(test) if isinstance(each, ast.Constant) and isinstance(each.value, str)
            ]
            methods = [each for each in constants if each in {"GET", "POST", "PUT", "PATCH", "DELETE"}] or [
                "any method"
            ]
            for path in constants:
                if path.startswith("/"):
                    for method in methods:
                        yield path, method
        if isinstance(node, ast.Dict):
            for key in node.keys:
                if isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value.startswith("/"):
                    yield key.value, "any method"
