"""One operation: its route, and everything that the source says of what answers it."""

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from serving_lab.inventory import answering, parameters, paths
from serving_lab.inventory.importing import Handler, Route
from serving_lab.inventory.result import Access, ErrorForm, Operation, Place
from serving_lab.inventory.source import hazards
from serving_lab.inventory.source.access import AccessReader
from serving_lab.inventory.source.blocking import blocking_calls
from serving_lab.inventory.source.calls import callee, calls_in, reached
from serving_lab.inventory.source.methods import for_method
from serving_lab.inventory.source.project import Class, Function, Project
from serving_lab.inventory.source.replies import Replies, caught_in
from serving_lab.inventory.source.request_values import Read
from serving_lab.inventory.source.scope import Scope, scope_of
from serving_lab.inventory.source.signatures import Signature, signature_of
from serving_lab.inventory.source.validation import Validation

_BEFORE = frozenset({"before_request", "middleware"})
_DURING = frozenset({*_BEFORE, "after_request", "teardown_request"})
_HANDLER = "error handler "


@dataclass(frozen=True)
class Around:
    """A function that runs around requests."""

    when: str
    name: str
    group: str | None
    function: Function | None
    handler: Handler | None

    @cached_property
    def scope(self) -> Scope:
        """The endpoints and paths that it treats apart."""
        return scope_of(self.function) if self.function else Scope()

    def is_for(self, group: str | None, names: Collection[str]) -> bool:
        """Whether it runs around an operation of this group, and counts for these names of it."""
        own = self.group is None or self.group == group or (group or "").startswith(f"{self.group}.")
        return own and self.scope.covers(names)


@dataclass(frozen=True)
class _Functions:
    """What runs to answer an operation."""

    view: Function | None
    wrappers: Sequence[Function]
    dependencies: Sequence[Function]
    hooks: Sequence[Around]


class OperationReader:
    """Reads the source behind the routes of one project."""

    def __init__(self, project: Project, framework: str | None, around: Sequence[Around]) -> None:
        self._project = project
        self._framework = framework
        self._replies = Replies(project)
        self._access = AccessReader(project)
        self.around = around

    def operation(self, route: Route, method: str) -> Operation:
        """The operation of a route and one of its methods."""
        path, of_path = paths.template(route.path, route.syntax, route.converters)
        handlers = route.by_method.get(method) or route.handlers
        chain = self._functions(handlers)
        view = for_method(self._project, _innermost(chain), method) if chain else None
        wrappers = [function for _, function in chain if view is None or function.qualname != view.qualname]
        dependencies = [function for _, function in self._functions(route.functions)]
        signature = Signature()
        if view is not None and route.syntax in {"starlette", "litestar"} and not route.dependencies:
            signature = signature_of(self._project, view, path, route.syntax)
            dependencies += signature.dependencies
        hooks = [each for each in self.around if each.is_for(route.group, {route.endpoint, path, route.path})]
        functions = _Functions(view, wrappers, dependencies, hooks)
        whole = handlers[0] if handlers else None
        facts = self._facts(functions, method, path, signature)
        return Operation(
            method=method,
            path=path,
            endpoint=route.endpoint,
            handler=view.qualname if view else whole.name if whole else None,
            place=self.place_of(view, whole),
            is_async=isinstance(view.node, ast.AsyncFunctionDef) if view else bool(whole and whole.is_async),
            summary=(whole.doc if whole else "") or (_summary(view) if view else ""),
            group=route.group,
            parameters=parameters.together(of_path, facts.pop("parameters")),
            access=_distinct([*self._let_in(route, functions), *signature.access]),
            **facts,
        )

    def place_of(self, function: Function | None, handler: Handler | None) -> Place | None:
        """Where a function is; if it is none of the project, by its name."""
        if function is not None:
            return function.place
        if handler is None:
            return None
        root = self._project.root.resolve()
        inside = handler.path.is_relative_to(root)
        return Place(str(handler.path.relative_to(root)) if inside else handler.path.name, handler.line)

    def _functions(self, handlers: Iterable[Handler]) -> list[tuple[Handler, Function]]:
        found = [(each, self._project.function_at(each.path, each.line)) for each in handlers]
        return [(handler, function) for handler, function in found if function is not None]

    def _facts(self, functions: _Functions, method: str, path: str, signature: Signature) -> dict[str, Any]:
        view = functions.view
        if view is None:
            return {"parameters": []}
        validation = Validation(self._project, self._replies)
        for function in (*functions.wrappers, *functions.dependencies):
            validation.follow(function)
        validation.follow(view, {name: Read("path", (name,)) for name in view.parameters if f"{{{name}}}" in path})
        body, found = parameters.of_learned(validation.learned, method)
        known = {(each.where, each.name) for each in signature.parameters}
        found = [*signature.parameters, *(each for each in found if (each.where, each.name) not in known)]
        every = reached(self._project, [view, *functions.wrappers, *functions.dependencies])
        during = [each.function for each in functions.hooks if each.when in _DURING and each.function]
        replies = list(self._replies.of_function(view, {}))
        refusing = [*functions.wrappers, *(each for each in during if each in self._refusing)]
        for function in refusing:
            replies += [each for each in self._replies.of_function(function, {}) if each.is_error]
        beside = reached(self._project, [*functions.wrappers, *functions.dependencies])
        raising = beside if self._catches_all(view) else every
        for function in raising:
            if function is not view and function not in functions.wrappers:
                raised = self._replies.of_function(function, {})
                replies += [each for each in raised if each.how != "return" and each.is_error]
        invalid = [
            ErrorForm(status=None, how="raise ValidationError", place=each) for each in validation.learned.raises
        ]
        errors = [*answering.errors(replies), *invalid, *answering.of_framework(self._framework, every)]
        return {
            "parameters": found,
            "body": signature.body or body,
            "checks": parameters.checks_of(validation.learned, signature.body or body, found),
            "blocking": blocking_calls(self._project, reached(self._project, [*every, *during])),
            "answers": answering.answers(replies),
            "errors": [self._handled(each) for each in errors],
            "writes": hazards.writes(self._project, every),
        }

    @cached_property
    def _refusing(self) -> dict[Function, list[Access]]:
        """The functions before requests that refuse some, with what they ask."""
        found = {}
        for each in self.around:
            if each.when in _BEFORE and each.function and (asked := list(self._access.of_hook(each.function))):
                found[each.function] = asked
        return found

    def _let_in(self, route: Route, functions: _Functions) -> Iterator[Access]:
        found = [scheme.access() for scheme in route.schemes]
        for function in functions.dependencies if not found else ():
            found += self._access.of_function(function, "dependency", enforced=False)
        if functions.view is not None:
            decorated = list(self._access.of_decorators(functions.view))
            for function in functions.wrappers if not decorated else ():
                decorated += self._access.of_function(function, "decorator", enforced=False)
            found += decorated
            if not found:
                found += self._access.of_view(reached(self._project, [functions.view]))
        yield from found
        for each in functions.hooks:
            if each.function and each.function is not functions.view:
                yield from self._refusing.get(each.function, ())

    def _catches_all(self, view: Function) -> bool:
        """Whether a view catches whatever the functions raise that it calls."""
        caught = caught_in(view.node)
        called = [each for each in calls_in(view.node) if callee(self._project, view, each)]
        return all("Exception" in caught.get(id(each), ()) for each in called)

    def _handled(self, error: ErrorForm) -> ErrorForm:
        """An error as the application's own handler answers it."""
        for handler in self._handlers_of(error):
            for reply in self._replies.of_function(handler, {}):
                if reply.how == "return":
                    told = f"{error.how}, {handler.node.name}"
                    status = reply.status if reply.status not in {None, 200} else error.status
                    return msgspec.structs.replace(error, status=status, body=_said(reply.body, error.body), how=told)
        return error

    def _handlers_of(self, error: ErrorForm) -> Iterator[Function]:
        names = [error.how.removeprefix("raise ")] if error.how.startswith("raise ") else []
        if error.how.startswith(("abort", "the framework", "first_or_404", "get_or_404", "raise ")):
            names.append(str(error.status))
        by_name = {
            each.when.removeprefix(_HANDLER): each.function
            for each in self.around
            if each.when.startswith(_HANDLER) and each.function
        }
        for name in (*names, *self._bases_of(names), *(("HTTPException", "Exception") if names else ())):
            if name in by_name:
                yield by_name[name]

    def _bases_of(self, names: Sequence[str]) -> Iterator[str]:
        for module in self._project.all_modules():
            for name in names:
                found = module.classes.get(name)
                if isinstance(found, Class):
                    yield from self._project.base_names(found)


def _innermost(chain: Sequence[tuple[Handler, Function]]) -> Function:
    """The function that answers: what wrappers wrap, not what they keep besides."""
    own = [(handler, function) for handler, function in chain if not handler.decorator] or list(chain)
    direct = [function for handler, function in own if handler.direct]
    if direct and (len(direct) > 1 or "<locals>" not in own[0][0].name):
        return direct[-1]
    plain = [function for handler, function in own if "<locals>" not in handler.name]
    return plain[-1] if plain else (direct or [own[-1][1]])[-1]


def _said(form: Any, said: Any) -> Any:  # noqa: ANN401 - JSON
    """The form of a handler, with what the raised error says in the one place that varies for it."""
    if isinstance(form, dict) and isinstance(said, str):
        for name in ("message", "error", "detail", "description", "reason", "msg"):
            if form.get(name) == "…":
                return {**form, name: said}
    return form


def _distinct(access: Iterable[Access]) -> list[Access]:
    found: dict[tuple[str, str], Access] = {}
    for each in access:
        found.setdefault((each.kind, each.name.lower()), each)
    return list(found.values())


def _summary(view: Function) -> str:
    return (ast.get_docstring(view.node) or "").strip().partition("\n")[0]
