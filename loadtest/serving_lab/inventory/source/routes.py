"""Routes as decorators and calls register them, for code that cannot be imported."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from serving_lab.inventory.importing import Handler, Route
from serving_lab.inventory.source.project import Class, Function, Module, Project, dotted

_VERBS = ("get", "post", "put", "patch", "delete")
_APPLICATIONS = {
    "Flask": "flask",
    "APIFlask": "flask",
    "OpenAPI": "flask",
    "Blueprint": "flask",
    "APIBlueprint": "flask",
    "Api": "flask",
    "Namespace": "flask",
    "Quart": "flask",
    "FastAPI": "starlette",
    "APIRouter": "starlette",
    "Starlette": "starlette",
    "Litestar": "litestar",
    "Router": "starlette",
    "Bottle": "bottle",
    "Sanic": "flask",
    "App": "falcon",
    "API": "falcon",
}
_FRAMEWORKS = {
    "flask": "flask",
    "quart": "quart",
    "fastapi": "fastapi",
    "starlette": "starlette",
    "litestar": "litestar",
    "bottle": "bottle",
    "falcon": "falcon",
    "django": "django",
    "sanic": "sanic",
    "aiohttp": "aiohttp",
    "tornado": "tornado",
    "apiflask": "flask",
    "flask_restful": "flask",
    "flask_restx": "flask",
}
_REGISTERING = {
    "register_blueprint": "url_prefix",
    "include_router": "prefix",
    "add_namespace": "path",
    "mount": "path",
}


@dataclass(frozen=True)
class _Owner:
    """What routes are registered with: an application, a blueprint, a router."""

    syntax: str
    prefix: str
    name: str | None


class SourceRoutes:
    """Finds the routes of a project in its source."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._modules = list(project.all_modules())
        self._registered = dict(self._registrations())

    def framework(self) -> str | None:
        """The framework that is imported most."""
        counts: dict[str, int] = {}
        for module in self._modules:
            for whole in module.imports.values():
                if known := _FRAMEWORKS.get(whole.partition(".")[0]):
                    counts[known] = counts.get(known, 0) + 1
        return max(counts, key=lambda name: counts[name]) if counts else None

    def routes(self) -> Iterator[Route]:
        """The routes, file by file."""
        for module in self._modules:
            for function in module.functions.values():
                yield from self._of_decorators(module, function)
            for found in module.classes.values():
                yield from self._of_class(module, found)
            for node in ast.walk(module.tree):
                if isinstance(node, ast.Call):
                    yield from self._of_call(module, node)

    def hooks(self) -> Iterator[tuple[str, Function, str | None]]:
        """Functions that run around requests: when, which, and for which group."""
        for module in self._modules:
            for function in module.functions.values():
                for node in function.node.decorator_list:
                    called = node.func if isinstance(node, ast.Call) else node
                    name = dotted(called) or ""
                    last = name.rpartition(".")[2]
                    owner = self._owner(module, name.rpartition(".")[0])
                    group = owner.name if owner else None
                    if last in {"before_request", "after_request", "teardown_request", "middleware"}:
                        yield last, function, group
                    elif last in {"before_app_request", "after_app_request"}:
                        yield last.replace("_app", ""), function, None
                    elif last in {"errorhandler", "app_errorhandler", "exception_handler"} and isinstance(
                        node, ast.Call
                    ):
                        what = ast.unparse(node.args[0]) if node.args else ""
                        yield f"error handler {what}", function, group

    def _of_decorators(self, module: Module, function: Function) -> Iterator[Route]:
        for node in function.node.decorator_list:
            if not isinstance(node, ast.Call):
                continue
            name = dotted(node.func) or ""
            before, _, last = name.rpartition(".")
            if last not in {"route", "websocket", "api_route", *_VERBS}:
                continue
            if before:
                owner = self._owner(module, before)
                if owner is None:
                    continue
            else:
                whole = module.imports.get(last, "")
                framework = whole.partition(".")[0]
                if framework not in {"litestar", "bottle"}:
                    continue
                prefix = self._controller_path(function) if function.owner else ""
                owner = _Owner(framework, prefix, None)
            for path in self._paths(module, node):
                yield self._route(owner, path, self._methods(module, node, last), function.node.name, [function])

    def _of_class(self, module: Module, found: Class) -> Iterator[Route]:
        for node in found.node.decorator_list:
            if isinstance(node, ast.Call) and (name := dotted(node.func)) and name.endswith(".route"):
                owner = self._owner(module, name.rpartition(".")[0])
                if owner:
                    for path in self._paths(module, node):
                        yield from self._of_resource(owner, path, found)

    def _of_call(self, module: Module, node: ast.Call) -> Iterator[Route]:
        name = dotted(node.func) or ""
        before, _, last = name.rpartition(".")
        given = {each.arg: each.value for each in node.keywords}
        if last == "add_url_rule" and node.args:
            owner = self._owner(module, before) or _Owner("flask", "", None)
            view = given.get("view_func") or (node.args[2] if len(node.args) > 2 else None)
            found, classes = self._view(module, view)
            for path in self._texts(module, node.args[:1]):
                if classes:
                    yield from self._of_resource(owner, path, classes, self._methods_of(module, given.get("methods")))
                elif found:
                    methods = self._methods_of(module, given.get("methods")) or ["GET"]
                    yield self._route(owner, path, methods, found.node.name, [found])
        elif last == "add_resource" and node.args:
            owner = self._owner(module, before) or _Owner("flask", "", None)
            _, classes = self._view(module, node.args[0])
            for path in self._texts(module, node.args[1:]):
                if classes:
                    yield from self._of_resource(owner, path, classes)
        elif last == "add_route" and len(node.args) > 1:
            instance = node.args[1]
            found, classes = self._view(module, instance.func if isinstance(instance, ast.Call) else instance)
            for path in self._texts(module, node.args[:1]):
                if classes:
                    yield from self._of_resource(_Owner("falcon", "", None), path, classes, None, "on_")
                elif found:
                    yield self._route(_Owner("starlette", "", None), path, ["GET"], found.node.name, [found])
        elif last in {"Route", "path", "re_path", "url"} and len(node.args) > 1:
            whole = module.imports.get(name, "")
            found, classes = self._view(module, node.args[1])
            if last == "Route" and not whole.startswith("starlette"):
                return
            if last != "Route" and not whole.startswith("django"):
                return
            owner = _Owner("starlette" if last == "Route" else "django", "", None)
            for path in self._texts(module, node.args[:1]):
                if classes:
                    yield from self._of_resource(owner, path, classes)
                elif found:
                    methods = self._methods_of(module, given.get("methods")) or ["GET"]
                    yield self._route(owner, path, methods, found.node.name, [found])

    def _of_resource(
        self, owner: _Owner, path: str, found: Class, wanted: list[str] | None = None, prefix: str = ""
    ) -> Iterator[Route]:
        for verb in _VERBS:
            method = self._project.method(found, f"{prefix}{verb}")
            if method and (wanted is None or not wanted or verb.upper() in wanted):
                yield self._route(owner, path, [verb.upper()], found.name, [method])

    def _route(self, owner: _Owner, path: str, methods: list[str], endpoint: str, functions: list[Function]) -> Route:
        below = path if path.startswith("/") or not owner.prefix or not path else f"/{path}"
        whole = owner.prefix.rstrip("/") + below
        handlers = [
            Handler(
                name=each.qualname,
                file=str(each.module.path),
                line=each.node.lineno,
                is_async=isinstance(each.node, ast.AsyncFunctionDef),
                doc=(ast.get_docstring(each.node) or "").strip().partition("\n")[0],
            )
            for each in functions
        ]
        return Route(
            path=whole or "/",
            methods=methods,
            endpoint=endpoint,
            handlers=handlers,
            syntax=owner.syntax,
            group=owner.name,
        )

    def _owner(self, module: Module, name: str) -> _Owner | None:
        """What a name stands for that routes are registered with."""
        found, where = self._definition(module, name)
        if not isinstance(found, ast.Call):
            return None
        kind = (dotted(found.func) or "").rpartition(".")[2]
        syntax = _APPLICATIONS.get(kind)
        if syntax is None:
            return None
        given = {each.arg: each.value for each in found.keywords}
        own = (
            next((self._text(where, given[key]) for key in ("url_prefix", "prefix", "path") if key in given), None)
            or ""
        )
        prefix, overriding = self._registered.get((where.name, name.rpartition(".")[2]), ("", False))
        whole = prefix if overriding and prefix else prefix.rstrip("/") + own
        label = None
        if kind in {"Blueprint", "APIBlueprint", "Namespace"} and found.args:
            label = self._text(where, found.args[0])
        elif kind == "APIRouter":
            label = own.strip("/") or None
        return _Owner(syntax, whole, label)

    def _definition(self, module: Module, name: str) -> tuple[ast.expr | None, Module]:
        for function in module.functions.values():
            if "." not in name and (given := function.local.get(name)) and isinstance(given[0], ast.Call):
                kind = (dotted(given[0].func) or "").rpartition(".")[2]
                if kind in _APPLICATIONS:
                    return given[0], module
        found = self._project.meaning(module, name)
        if not isinstance(found, ast.expr):
            return None, module
        where = module
        whole = module.imports.get(name.partition(".")[0])
        if whole and name.partition(".")[0] not in module.assigned:
            path = whole + name[len(name.partition(".")[0]) :]
            where = self._project.named(path.rpartition(".")[0]) or module
        return found, where

    def _registrations(self) -> Iterator[tuple[tuple[str, str], tuple[str, bool]]]:
        """The prefix that each blueprint or router is registered below, by module and name."""
        for module in self._modules:
            for node in ast.walk(module.tree):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
                    continue
                keyword = _REGISTERING.get(node.func.attr)
                if keyword is None:
                    continue
                registered = node.args[1] if node.func.attr == "mount" and len(node.args) > 1 else node.args[0]
                name = dotted(registered)
                if name is None:
                    continue
                given = {each.arg: each.value for each in node.keywords}
                value = given.get(keyword) or (node.args[0] if node.func.attr == "mount" else None)
                prefix = self._text(module, value) if value is not None else ""
                _, where = self._definition(module, name)
                yield (where.name, name.rpartition(".")[2]), (prefix or "", node.func.attr == "register_blueprint")
                original = module.imports.get(name, "").rpartition(".")[2]
                if original:
                    yield (where.name, original), (prefix or "", node.func.attr == "register_blueprint")

    def _view(self, module: Module, node: ast.expr | None) -> tuple[Function | None, Class | None]:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "as_view":
            node = node.func.value
        name = dotted(node) if node is not None else None
        found = self._project.meaning(module, name) if name else None
        if isinstance(found, ast.Call) and isinstance(found.func, ast.Attribute) and found.func.attr == "as_view":
            return self._view(module, found)
        if isinstance(found, Function):
            return found, None
        return None, found if isinstance(found, Class) else None

    def _paths(self, module: Module, node: ast.Call) -> list[str]:
        given = {each.arg: each.value for each in node.keywords}
        values = list(node.args) or [given[key] for key in ("rule", "path") if key in given]
        return self._texts(module, values) or ([""] if not values else [])

    def _texts(self, module: Module, values: list[ast.expr]) -> list[str]:
        return [text for value in values if (text := self._text(module, value)) is not None]

    def _text(self, module: Module, value: ast.expr) -> str | None:
        if isinstance(value, ast.Constant):
            return value.value if isinstance(value.value, str) else None
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
            parts = self._text(module, value.left), self._text(module, value.right)
            return parts[0] + parts[1] if parts[0] is not None and parts[1] is not None else None
        if isinstance(value, ast.JoinedStr):
            pieces = [
                self._text(module, each.value if isinstance(each, ast.FormattedValue) else each)
                for each in value.values
            ]
            return (
                "".join(each for each in pieces if each is not None)
                if all(each is not None for each in pieces)
                else None
            )
        name = dotted(value)
        found = self._project.meaning(module, name) if name else None
        return self._text(module, found) if isinstance(found, ast.expr) and not isinstance(found, ast.Name) else None

    def _methods(self, module: Module, node: ast.Call, verb: str) -> list[str]:
        if verb == "websocket":
            return ["WEBSOCKET"]
        if verb in _VERBS:
            return [verb.upper()]
        given = {each.arg: each.value for each in node.keywords}
        return self._methods_of(module, given.get("methods") or given.get("method")) or ["GET"]

    def _methods_of(self, module: Module, value: ast.expr | None) -> list[str] | None:
        if value is None:
            return None
        if isinstance(value, (ast.List, ast.Tuple, ast.Set)):
            return [text.upper() for text in self._texts(module, value.elts)]
        text = self._text(module, value)
        return [text.upper()] if text else None

    def _controller_path(self, function: Function) -> str:
        for node in function.owner.node.body if function.owner else ():
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "path":
                return self._text(function.module, node.value) or ""
        return ""
