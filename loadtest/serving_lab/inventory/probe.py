"""Imports a service's application, and tells as JSON what it has. Run as a script, by the service's own interpreter.

It needs nothing but the standard library and runs on Python 3.8 and later, so its annotations and syntax are old ones.
What the application prints, or does to standard input and output, is its own: the answer goes to another descriptor.
"""

# ruff: noqa: UP031, ANN401, PTH113 - f-strings are younger than some of what it reads, and objects of any kind are looked at

import importlib
import importlib.util
import inspect
import json
import os
import platform
import signal
import socket
import sys
import traceback
from typing import Any

_NAMES = ("app", "application", "api", "wsgi", "asgi", "server", "service")
_FACTORIES = ("create_app", "make_app", "build_app", "get_app", "create_application", "make_application", "app_factory")
_WRAPPED = ("app", "wsgi_app", "asgi_app", "application", "_app", "wrapped", "inner")
_DEEPEST = 12


class StoppedError(BaseException):
    """The import was ended here; no `except Exception` of the application may catch it."""


class FailedError(Exception):
    """There is no application to look at."""

    def __init__(self, kind: str, **told: Any) -> None:
        super().__init__(kind)
        self.told = dict(told, kind=kind)


def main() -> None:
    """Import, look, tell."""
    asked = json.loads(sys.argv[1])
    out = asked["descriptor"]
    os.set_inheritable(out, False)
    sys.argv = [asked.get("file") or asked["module"]]
    try:
        told = _told(asked)
    except FailedError as failed:
        told = {"failed": failed.told}
    except BaseException as error:  # noqa: BLE001 - whatever the application raises is told
        told = {"failed": _raised(error, asked["root"])}
    told["python"] = platform.python_version()
    content = json.dumps(told, default=str).encode("utf-8", "replace")
    while content:
        content = content[os.write(out, content) :]
    os.close(out)
    # Threads and exit functions of the application are not waited for.
    os._exit(0)


def _told(asked: Any) -> Any:
    for path in reversed(asked["paths"]):
        sys.path.insert(0, path)
    _refuse_to_serve()
    _end_after(asked["seconds"])
    module, stopped = _imported(asked)
    _end_after(asked["seconds"])
    name, app, called = _application(module, asked, stopped)
    told = {"attribute": name, "called": called, "stopped": stopped}
    told.update(Looking().at(app))
    told["files"] = _files(asked["root"])
    signal.setitimer(signal.ITIMER_REAL, 0)
    return told


def _files(root: str) -> Any:
    """The files of the project that are imported now."""
    root = os.path.realpath(root)
    found = {os.path.realpath(getattr(each, "__file__", None) or "") for each in list(sys.modules.values())}
    own = os.path.realpath(__file__)
    return sorted(each for each in found if each.startswith(root + os.sep) and each.endswith(".py") and each != own)


def _refuse_to_serve() -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise StoppedError("it starts a server when it is imported")

    socket.socket.listen = refused  # type: ignore[method-assign]


def _end_after(seconds: float) -> None:
    def ended(*_: Any) -> None:
        raise StoppedError("it did not end within %g s" % seconds)

    signal.signal(signal.SIGALRM, ended)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _imported(asked: Any) -> Any:
    """The module, also where its import did not come to an end."""
    name = asked["module"]
    if asked["by_file"]:
        return _run(name, importlib.util.spec_from_file_location(name, asked["file"]))
    parent = name.rpartition(".")[0]
    try:
        if parent:
            importlib.import_module(parent)
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise FailedError("no module", name=name) from None
        raise
    if spec is None or spec.loader is None:
        raise FailedError("no module", name=name)
    module = sys.modules.get(name)
    return (module, None) if module is not None else _run(name, spec)


def _run(name: str, spec: Any) -> Any:
    """The module, and why its import was ended."""
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except StoppedError as stopped:
        return module, str(stopped)
    except SystemExit as end:
        return module, "it calls sys.exit(%s) when it is imported" % ("" if end.code is None else end.code)
    except KeyboardInterrupt:
        return module, "it raises KeyboardInterrupt when it is imported"
    return module, None


def _application(module: Any, asked: Any, stopped: Any) -> Any:
    wanted = asked.get("attribute")
    if wanted:
        found = module
        for part in wanted.split("."):
            if not hasattr(found, part):
                names = [each for each, value in vars(module).items() if _is_application(value)]
                raise FailedError("no attribute", name=wanted, applications=names, stopped=stopped)
            found = getattr(found, part)
        if asked["call"] or (_is_factory(wanted, found) and not _is_application(found)):
            return wanted, _made(found, wanted), True
        return wanted, found, False
    own = {name: value for name, value in vars(module).items() if not name.startswith("__")}
    known = [name for name, value in own.items() if _is_application(value)]
    for name in (*(each for each in _NAMES if each in known), *known):
        same = [each for each in known if own[each] is not own[name]]
        if same and name not in _NAMES:
            raise FailedError("several", applications=known)
        return name, own[name], False
    for name in _FACTORIES:
        if callable(own.get(name)):
            return name, _made(own[name], name), True
    for name in _NAMES:
        if callable(own.get(name)) and not inspect.isclass(own[name]):
            return name, own[name], False
    raise FailedError("no application", stopped=stopped)


def _is_factory(name: str, value: Any) -> bool:
    if not inspect.isfunction(value):
        return False
    if name in _FACTORIES or name.startswith(("create_", "make_", "build_")):
        return True
    return not inspect.iscoroutinefunction(value) and not _required(value)


def _required(function: Any) -> Any:
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [each.name for each in parameters if each.default is inspect.Parameter.empty and each.kind not in kinds]


def _made(factory: Any, name: str) -> Any:
    needed = _required(factory)
    if needed:
        raise FailedError("factory", name=name, parameters=needed)
    try:
        return factory()
    except StoppedError as stopped:
        raise FailedError("factory stopped", name=name, why=str(stopped)) from None


def _mro(value: Any) -> Any:
    return {"%s.%s" % (each.__module__, each.__name__) for each in type(value).__mro__}


_KINDS = (
    ("flask", "flask.app.Flask"),
    ("quart", "quart.app.Quart"),
    ("fastapi", "fastapi.applications.FastAPI"),
    ("starlette", "starlette.applications.Starlette"),
    ("litestar", "litestar.app.Litestar"),
    ("bottle", "bottle.Bottle"),
    ("falcon", "falcon.app.App"),
    ("falcon", "falcon.asgi.app.App"),
    ("django", "django.core.handlers.wsgi.WSGIHandler"),
    ("django", "django.core.handlers.asgi.ASGIHandler"),
)


def _kind(value: Any) -> Any:
    mro = _mro(value)
    return next((kind for kind, name in _KINDS if name in mro), None)


def _is_application(value: Any) -> bool:
    try:
        return not inspect.isclass(value) and (_kind(value) is not None or _inner(value) is not None)
    except Exception:  # noqa: BLE001 - proxies raise what they like
        return False


def _inner(value: Any) -> Any:
    """The known application that a middleware wraps, however deeply."""
    for _ in range(_DEEPEST):
        value = _wrapped(value)
        if value is None or _kind(value):
            return value
    return None


def _wrapped(value: Any) -> Any:
    """What a middleware wraps."""
    members = getattr(value, "__dict__", {})
    inner = next((members[name] for name in _WRAPPED if name in members), None)
    if inspect.ismethod(inner):
        inner = inner.__self__
    return None if inspect.ismodule(inner) or inspect.isclass(inner) else inner


def _raised(error: BaseException, root: str) -> Any:
    root = os.path.realpath(root)
    frames = traceback.extract_tb(error.__traceback__)
    # The last line of the project, not of what is installed beside it.
    own = [
        each
        for each in frames
        if os.path.isfile(each.filename)
        and os.path.realpath(each.filename).startswith(root + os.sep)
        and "site-packages" not in each.filename
    ]
    told = {"kind": "raised", "type": type(error).__name__, "message": str(error)[:500]}  # type: Any
    if isinstance(error, StoppedError):
        told["kind"] = "stopped"
    if isinstance(error, ImportError) and error.name:
        told["name"] = error.name
    if isinstance(error, SyntaxError) and error.filename:
        told["file"], told["line"] = os.path.realpath(error.filename), error.lineno or 1
    elif own:
        told["file"], told["line"], told["code"] = os.path.realpath(own[-1].filename), own[-1].lineno, own[-1].line
    return told


class Looking:
    """Reads what an application object has."""

    def __init__(self) -> None:
        self.routes = []  # type: Any
        self.hooks = []  # type: Any
        self.extensions = []  # type: Any
        self.notes = []  # type: Any
        self.documents = []  # type: Any

    def at(self, app: Any) -> Any:
        """Everything of it."""
        self._application(app, "", 0)
        kind = _kind(app) or _kind(_inner(app))
        return {
            "framework": kind,
            "version": _version(kind),
            "type": "%s.%s" % (type(app).__module__, type(app).__name__),
            "handler": None if kind else _handlers(app),
            "routes": self.routes,
            "hooks": self.hooks,
            "extensions": self.extensions,
            "notes": self.notes,
            "documents": self.documents,
            "debug": bool(getattr(app, "debug", False)),
        }

    def _application(self, app: Any, prefix: str, depth: int) -> None:
        if depth > _DEEPEST:
            return
        kind = _kind(app)
        if kind is None:
            inner = _inner(app)
            mounts = getattr(app, "mounts", None)
            if isinstance(mounts, dict):
                for path, mounted in mounts.items():
                    self._application(mounted, prefix + str(path), depth + 1)
            if inner is None:
                if prefix:
                    self.notes.append("%s: what is mounted there cannot be read (%s)" % (prefix, type(app).__name__))
                return
            self.hooks.append({"when": "middleware", "name": type(app).__name__, "group": None, "place": None})
            self._application(_wrapped(app), prefix, depth + 1)
            return
        reader = {
            "flask": self._flask,
            "quart": self._flask,
            "fastapi": self._starlette,
            "starlette": self._starlette,
            "litestar": self._litestar,
            "bottle": self._bottle,
            "falcon": self._falcon,
            "django": self._django,
        }[kind]
        try:
            reader(app, prefix, depth)
        except Exception as error:  # noqa: BLE001 - the rest is told all the same
            self.notes.append("%s could not be read in full: %s: %s" % (kind, type(error).__name__, error))

    def _route(
        self,
        path: str,
        methods: Any,
        endpoint: str,
        function: Any,
        syntax: str,
        **more: Any,
    ) -> None:
        route = {
            "path": path,
            "methods": sorted(methods),
            "endpoint": endpoint,
            "handlers": _handlers(function),
            "syntax": syntax,
        }
        route.update(more)
        self.routes.append(route)

    def _flask(self, app: Any, prefix: str, depth: int) -> None:
        del depth
        for rule in app.url_map.iter_rules():
            if rule.endpoint == "static" or rule.endpoint.endswith(".static"):
                continue
            view = app.view_functions.get(rule.endpoint)
            group = rule.endpoint.rpartition(".")[0] or None
            methods = set(rule.methods or ()) - {"HEAD", "OPTIONS"}
            view_class = getattr(view, "view_class", None)
            converters = {}
            for name, converter in getattr(rule, "_converters", {}).items():
                converters[name] = {
                    "converter": type(converter).__name__,
                    "pattern": getattr(converter, "regex", None),
                    "minimum": getattr(converter, "min", None),
                    "maximum": getattr(converter, "max", None),
                }
            by_method = {}
            if view_class is not None:
                around = [*(getattr(view_class, "decorators", None) or ())]
                more = getattr(view_class, "method_decorators", None) or ()
                for method in sorted(methods):
                    function = getattr(view_class, method.lower(), None) or getattr(
                        view_class, "dispatch_request", None
                    )
                    own = more.get(method.lower(), ()) if isinstance(more, dict) else more
                    by_method[method] = _handlers(function)
                    for decorator in (*around, *own):
                        by_method[method] += [dict(each, decorator=True) for each in _handlers(decorator)]
            self._route(
                prefix + rule.rule,
                methods,
                rule.endpoint,
                view,
                "flask",
                group=group,
                converters=converters,
                by_method=by_method,
            )
        for attribute, when in (
            ("before_request_funcs", "before_request"),
            ("after_request_funcs", "after_request"),
            ("teardown_request_funcs", "teardown_request"),
        ):
            for group, functions in getattr(app, attribute, {}).items():
                for function in functions:
                    self._hook(when, function, group)
        for group, by_code in getattr(app, "error_handler_spec", {}).items():
            for code, by_class in by_code.items():
                for error, function in by_class.items():
                    self._hook("error handler %s" % (code or error.__name__), function, group)
        self.extensions += sorted(str(name) for name in getattr(app, "extensions", {}))
        wrapped = app.__dict__.get("wsgi_app")
        if wrapped is not None:
            self.hooks.append({"when": "middleware", "name": type(wrapped).__name__, "group": None, "place": None})

    def _starlette(self, app: Any, prefix: str, depth: int) -> None:
        if hasattr(app, "openapi") and callable(app.openapi):
            try:
                self.documents.append({"prefix": prefix, "content": json.loads(json.dumps(app.openapi(), default=str))})
            except Exception as error:  # noqa: BLE001 - the routes are told all the same
                self.notes.append("its OpenAPI document cannot be made: %s: %s" % (type(error).__name__, error))
        own = {
            getattr(app, name, None)
            for name in ("openapi_url", "docs_url", "redoc_url", "swagger_ui_oauth2_redirect_url")
        }
        self._starlette_routes(app.routes, prefix, own, None, depth)
        for each in getattr(app, "user_middleware", ()):
            self.hooks.append(
                {"when": "middleware", "name": each.cls.__name__, "group": None, "place": _of_class(each)}
            )
        for handled, function in getattr(app, "exception_handlers", {}).items():
            if not getattr(function, "__module__", "").startswith(("fastapi.", "starlette.")):
                self._hook("error handler %s" % getattr(handled, "__name__", handled), function, None)

    def _starlette_routes(self, routes: Any, prefix: str, own: Any, group: Any, depth: int) -> None:
        for route in routes:
            path = getattr(route, "path", "")
            inner = getattr(route, "routes", None)
            endpoint = getattr(route, "endpoint", None)
            if path in own:
                continue
            if hasattr(route, "effective_route_contexts"):
                # A router that FastAPI keeps as such: its routes with the prefixes they are asked under.
                contexts = [getattr(each, "starlette_route", None) or each for each in route.effective_route_contexts()]
                self._starlette_routes(contexts, prefix, own, group, depth + 1)
            elif endpoint is not None and hasattr(route, "methods"):
                by_method = {}
                if inspect.isclass(endpoint):
                    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
                        function = getattr(endpoint, method.lower(), None)
                        if function is not None:
                            by_method[method] = _handlers(function)
                methods = set(route.methods or ()) or set(by_method) or {"GET"}
                if "GET" in methods:
                    methods = methods - {"HEAD"}
                tags = getattr(route, "tags", None) or ()
                self._route(
                    prefix + path,
                    methods,
                    getattr(route, "name", "") or "",
                    endpoint,
                    "starlette",
                    group=group or (str(tags[0]) if tags else None),
                    by_method=by_method,
                    dependencies=_dependencies(getattr(route, "dependant", None), 0),
                )
            elif endpoint is not None:
                self._route(prefix + path, {"WEBSOCKET"}, getattr(route, "name", "") or "", endpoint, "starlette")
            elif hasattr(route, "app") and _kind(getattr(route, "app", None)) is None and inner:
                self._starlette_routes(inner, prefix + path, own, path.strip("/") or group, depth + 1)
            elif type(getattr(route, "app", None)).__name__ == "StaticFiles":
                self.notes.append("%s: files are served from a folder there" % (prefix + path))
            elif hasattr(route, "app"):
                self._application(route.app, prefix + path, depth + 1)

    def _litestar(self, app: Any, prefix: str, depth: int) -> None:
        del depth
        try:
            if app.openapi_schema is not None:
                content = json.loads(json.dumps(app.openapi_schema.to_schema(), default=str))
                self.documents.append({"prefix": prefix, "content": content})
        except Exception as error:  # noqa: BLE001 - without a document it raises; the routes are told all the same
            self.notes.append("its OpenAPI document cannot be made: %s: %s" % (type(error).__name__, error))
        for route in app.routes:
            handlers = getattr(route, "route_handlers", None) or [getattr(route, "route_handler", None)]
            for handler in handlers:
                function = getattr(handler, "fn", None)
                function = getattr(function, "value", function)
                if function is None or (getattr(function, "__module__", "") or "").startswith("litestar."):
                    continue
                methods = getattr(handler, "http_methods", None) or {"WEBSOCKET"}
                guards = [_handlers(each) for each in (getattr(handler, "guards", None) or ())]
                self._route(
                    prefix + route.path,
                    {str(getattr(each, "value", each)) for each in methods} - {"OPTIONS"},
                    getattr(handler, "handler_name", "") or "",
                    function,
                    "litestar",
                    dependencies=[each for guard in guards for each in guard],
                )
        for name in ("before_request", "after_request"):
            function = getattr(app, name, None)
            if function is not None:
                self._hook(name, getattr(function, "ref", function), None)

    def _bottle(self, app: Any, prefix: str, depth: int) -> None:
        del depth
        for route in app.routes:
            self._route(
                prefix + route.rule, {route.method}, route.name or route.callback.__name__, route.callback, "bottle"
            )

    def _falcon(self, app: Any, prefix: str, depth: int) -> None:
        del depth
        waiting = list(app._router._roots)
        while waiting:
            node = waiting.pop(0)
            waiting += node.children
            if node.resource is None:
                continue
            for method, function in sorted((node.method_map or {}).items()):
                if getattr(function, "__self__", None) is node.resource:
                    path = getattr(node, "uri_template", None) or node.raw_segment
                    self._route(prefix + path, {method}, type(node.resource).__name__, function, "falcon")

    def _django(self, app: Any, prefix: str, depth: int) -> None:
        del app, depth
        from django.conf import settings  # type: ignore[import-not-found,unused-ignore]
        from django.urls import get_resolver  # type: ignore[import-not-found,unused-ignore]

        def walk(patterns: Any, before: str, level: int) -> None:
            for each in patterns:
                path = before + str(each.pattern)
                if hasattr(each, "url_patterns"):
                    if level < _DEEPEST and getattr(each, "app_name", None) != "admin":
                        walk(each.url_patterns, path, level + 1)
                    continue
                view = each.callback
                view_class = getattr(view, "view_class", None) or getattr(view, "cls", None)
                by_method = {}
                names = getattr(view, "actions", None) or {}
                for method in ("get", "post", "put", "patch", "delete"):
                    function = getattr(view_class, names.get(method, method), None) if view_class else None
                    if function is not None:
                        by_method[method.upper()] = _handlers(function)
                self._route(path, set(by_method) or {"GET"}, each.name or "", view, "django", by_method=by_method)
                if not by_method:
                    self.notes.append("%s: Django does not say which methods it takes" % path)

        walk(get_resolver().url_patterns, prefix + "/", 0)
        for name in getattr(settings, "MIDDLEWARE", ()):
            self.hooks.append({"when": "middleware", "name": name, "group": None, "place": None})

    def _hook(self, when: str, function: Any, group: Any) -> None:
        places = _handlers(function)
        name = getattr(function, "__qualname__", type(function).__name__)
        place = places[-1] if places else None
        self.hooks.append({"when": when, "name": name, "group": group, "place": place, "handlers": places})


def _of_class(middleware: Any) -> Any:
    """Where the function is that a middleware calls, as with `@app.middleware`."""
    function = (getattr(middleware, "kwargs", None) or {}).get("dispatch")
    found = _handlers(function) if function is not None else _handlers(getattr(middleware.cls, "dispatch", None))
    return found[-1] if found else None


def _dependencies(dependant: Any, depth: int) -> Any:
    """The functions and the security schemes that FastAPI asks before an endpoint."""
    found = []  # type: Any
    for each in getattr(dependant, "dependencies", ()) if depth < _DEEPEST else ():
        call = getattr(each, "call", None)  # type: Any
        scheme = getattr(call, "model", None)
        if scheme is not None and hasattr(call, "scheme_name"):
            kind = getattr(scheme.type_, "value", str(scheme.type_)) if hasattr(scheme, "type_") else ""
            where = getattr(getattr(scheme, "in_", None), "value", None)
            found.append(
                {
                    "scheme": call.scheme_name,
                    "type": kind or str(getattr(getattr(scheme, "type", ""), "value", "")),
                    "http": getattr(scheme, "scheme", None),
                    "in": where or str(getattr(getattr(scheme, "in", None), "value", "")),
                    "name": getattr(scheme, "name", None),
                }
            )
        else:
            found += _handlers(call)
        found += _dependencies(each, depth + 1)
    return found


def _handlers(function: Any) -> Any:
    """The function that is called and those that it wraps, from the outer to the inner, with where each is."""
    found = []  # type: Any
    waiting = [(function, True)]
    seen = []  # type: Any
    while waiting and len(seen) < 40:
        current, direct = waiting.pop(0)
        if any(current is each for each in seen):
            continue
        seen.append(current)
        for attribute in ("__wrapped__", "func", "__func__"):
            inner = _attribute(current, attribute)
            if callable(inner):
                waiting.append((inner, direct))
        code = _attribute(current, "__code__")
        if code is None:
            method = (
                None
                if inspect.isclass(current) or inspect.isbuiltin(current)
                else _attribute(type(current), "__call__")
            )
            if inspect.isfunction(method):
                waiting.append((method, direct))
            continue
        found.append(
            {
                "name": _attribute(current, "__qualname__") or code.co_name,
                "module": _attribute(current, "__module__"),
                "file": os.path.realpath(code.co_filename),
                "line": code.co_firstlineno,
                "is_async": inspect.iscoroutinefunction(current) or inspect.isasyncgenfunction(current),
                "direct": direct,
                "doc": (inspect.getdoc(current) or "").strip().split("\n")[0],
            }
        )
        # A decorator without functools.wraps keeps the function in a cell.
        for cell in _attribute(current, "__closure__") or ():
            try:
                inner = cell.cell_contents
            except ValueError:
                continue
            if inspect.isfunction(inner) or inspect.ismethod(inner):
                waiting.append((inner, False))
    return found


def _attribute(value: Any, name: str) -> Any:
    try:
        return getattr(value, name, None)
    except Exception:  # noqa: BLE001 - proxies raise what they like
        return None


def _version(kind: Any) -> Any:
    if kind is None:
        return None
    try:
        from importlib.metadata import version

        return version({"django": "Django", "flask": "Flask"}.get(kind, kind))
    except Exception:  # noqa: BLE001 - a version is worth no error
        return None


if __name__ == "__main__":
    main()
