"""An application's inventory: its routes as the framework has them, and what its source says of each."""

import ast
from collections.abc import Iterator, Sequence

from serving_lab.inventory import of_document
from serving_lab.inventory.found import Found
from serving_lab.inventory.importing import Handler, Seen
from serving_lab.inventory.operations import Around, OperationReader
from serving_lab.inventory.result import Finding, Hook, Operation
from serving_lab.inventory.source import hazards
from serving_lab.inventory.source.blocking import blocking_calls
from serving_lab.inventory.source.calls import body_of, reached
from serving_lab.inventory.source.project import Function, Project
from serving_lab.inventory.source.routes import SourceRoutes

_ORDER = ("secret", "unsafe loading", "shell", "debug", "error text", "server", "state")
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
ANY_METHOD = "any method"
"""Of a path that is compared, where nothing says with which method."""


def of_seen(seen: Seen, project: Project) -> Found:
    """The inventory of an application that was imported."""
    around = []
    for each in seen.hooks:
        functions = [
            function
            for handler in each.handlers
            if (function := project.function_at(handler.path, handler.line)) is not None
        ]
        around.append(Around(each.when, each.name, each.group, functions[-1] if functions else None, each.place))
    reader = OperationReader(project, seen.framework, around)
    operations = _of_routes(reader, seen)
    for document in seen.documents:
        operations = of_document.completed(operations, document.content, document.prefix)
    unread = list(seen.notes)
    findings = []
    if seen.stopped:
        unread.append(f"{seen.stopped}: what stands after that was not run")
        if "server" in seen.stopped:
            findings.append(Finding(kind="server", text=seen.stopped))
    if seen.framework is None:
        unread.append(
            f"{seen.type} is of no framework that is known: its routes cannot be read, "
            "only the code that answers every request"
        )
        operations += _of_callable(project, seen.handler or [])
    findings += _findings(project, operations)
    if seen.debug and not any(each.kind == "debug" for each in findings):
        findings.append(Finding(kind="debug", text="the application is in debug mode: errors show the code"))
    framework = f"{seen.framework} {seen.version or ''}".strip() if seen.framework else None
    return Found(operations, _hooks(reader), seen.extensions, findings, [*unread, *project.unread], framework)


def of_source(project: Project) -> Found:
    """The inventory of an application that was not imported."""
    routes = SourceRoutes(project)
    framework = routes.framework()
    around = [Around(when, function.qualname, group, function, None) for when, function, group in routes.hooks()]
    reader = OperationReader(project, framework, around)
    operations = [reader.operation(route, method) for route in routes.routes() for method in sorted(route.methods)]
    told = "routes that are made at run time, and their prefixes, are not seen without an import"
    findings = list(_findings(project, operations))
    return Found(operations, _hooks(reader), [], findings, [told, *project.unread], framework)


def _of_routes(reader: OperationReader, seen: Seen) -> list[Operation]:
    found: dict[str, Operation] = {}
    for route in seen.routes:
        for method in sorted(route.methods):
            operation = reader.operation(route, method)
            known = found.get(operation.label)
            # Two rules may have one path; the first that has a function answers.
            if known is None or known.handler is None:
                found[operation.label] = operation
    return list(found.values())


def _hooks(reader: OperationReader) -> list[Hook]:
    return [
        Hook(when=each.when, name=each.name, group=each.group, place=reader.place_of(each.function, each.handler))
        for each in reader.around
    ]


def _findings(project: Project, operations: Sequence[Operation]) -> list[Finding]:
    found = [each for module in project.all_modules() for each in hazards.of_module(project, module)]
    state = {(each.name, each.place.file): each for operation in operations for each in operation.writes}
    found += [
        Finding(
            kind="state",
            text=f"{each.name} is changed by requests: each worker has its own, and a restart loses it",
            place=each.place,
        )
        for each in state.values()
    ]
    found.sort(key=lambda each: _ORDER.index(each.kind))
    return list({(each.kind, each.text, str(each.place)): each for each in found}.values())


def _of_callable(project: Project, handlers: Sequence[Handler]) -> Iterator[Operation]:
    """The paths that the code of an unknown application compares the request's with."""
    functions = [project.function_at(each.path, each.line) for each in handlers]
    every = reached(project, [function for function in functions if function is not None])
    blocking, writes = blocking_calls(project, every), hazards.writes(project, every)
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
                    blocking=blocking,
                    writes=writes,
                )


def _compared_paths(function: Function) -> Iterator[tuple[str, str]]:
    """Paths in conditions and in tables, with the methods that are compared beside them."""
    for node in body_of(function.node):
        if isinstance(node, (ast.If, ast.IfExp)):
            constants = [each.value for each in ast.walk(node.test) if isinstance(each, ast.Constant)]
            methods = [each for each in constants if isinstance(each, str) and each in _METHODS] or [ANY_METHOD]
            for path in constants:
                if isinstance(path, str) and path.startswith("/"):
                    yield from ((path, method) for method in methods)
        elif isinstance(node, ast.Dict):
            for key in node.keys:
                if isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value.startswith("/"):
                    yield key.value, ANY_METHOD
