"""Which function of the project a call runs, what a request reaches, and where a value comes from."""

import ast
from collections.abc import Iterable, Iterator

from serving_lab.inventory.source.project import Class, Function, FunctionNode, Module, Project, dotted

_DEEPEST = 8
_MOST_FUNCTIONS = 300


def callee(project: Project, function: Function, call: ast.Call) -> Function | None:
    """The function or the constructor of the project that a call runs."""
    found = meaning(project, function, call.func)
    return project.method(found, "__init__") if isinstance(found, Class) else found


def meaning(project: Project, function: Function, expression: ast.expr) -> Function | Class | None:
    """The function or class of the project that an expression stands for in a function."""
    name = dotted(expression)
    if name is None:
        return None
    head, _, rest = name.partition(".")
    if head in {"self", "cls"} and rest:
        owner = _owner(function)
        return project.method(owner, rest) if owner and "." not in rest else None
    if not rest:
        parts = function.qualname.split(".")
        for length in range(len(parts), 0, -1):
            if nested := function.module.functions.get(".".join([*parts[:length], name])):
                return nested
    if rest and head in function.local:
        return _of_object(project, function, function.local[head][-1], rest)
    found = project.meaning(function.module, name)
    return found if isinstance(found, (Function, Class)) else None


def reached(project: Project, functions: Iterable[Function]) -> list[Function]:
    """These functions and all of the project that they call, each once, the nearest first."""
    found: dict[int, Function] = {}
    waiting = [(function, 0) for function in functions]
    while waiting and len(found) < _MOST_FUNCTIONS:
        function, depth = waiting.pop(0)
        if id(function.node) in found:
            continue
        found[id(function.node)] = function
        if depth < _DEEPEST:
            called = [callee(project, function, call) for call in calls_in(function.node)]
            waiting += [(inner, depth + 1) for inner in called if inner is not None]
    return list(found.values())


def calls_in(node: ast.AST) -> Iterator[ast.Call]:
    """The calls in a function, those of functions inside it as well, without its decorators."""
    for each in body_of(node):
        if isinstance(each, ast.Call):
            yield each


def body_of(node: ast.AST) -> Iterator[ast.AST]:
    """Every node of a function but its decorators and annotations."""
    if isinstance(node, FunctionNode):
        for statement in node.body:
            yield from ast.walk(statement)
    else:
        yield from ast.walk(node)


def returns_of(node: FunctionNode) -> Iterator[ast.Return]:
    """The return statements of a function itself, not of functions inside it."""
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, ast.Return):
            yield each
        elif not isinstance(each, (*_SCOPES,)):
            waiting = [*ast.iter_child_nodes(each), *waiting]


_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def origin(project: Project, module: Module, function: Function | None, value: ast.expr, depth: int = 0) -> str | None:
    """Where a value comes from outside the project, such as `sqlite3.connect().execute`; None: unknown."""
    if depth > _DEEPEST:
        return None
    match value:
        case ast.Name(id=name):
            if function and (given := function.local.get(name)):
                own = [each for each in given if name not in names_in(each)]
                return origin(project, module, function, own[-1], depth + 1) if own else None
            return _of_name(project, module, name, depth)
        case ast.Attribute(value=inner, attr=attr):
            whole = ast.unparse(value)
            if function and (given := function.local.get(whole)):
                return origin(project, module, function, given[-1], depth + 1)
            if (known := dotted(value)) and not (function and known.partition(".")[0] in function.local):
                found = project.meaning(module, known)
                if isinstance(found, str):
                    return found
            before = origin(project, module, function, inner, depth + 1)
            return f"{before}.{attr}" if before else None
        case ast.Call(func=called):
            if function and isinstance(inner_function := meaning(project, function, called), Function):
                for returned in returns_of(inner_function.node):
                    if returned.value and (
                        found_origin := origin(
                            project, inner_function.module, inner_function, returned.value, depth + 1
                        )
                    ):
                        return found_origin
                return None
            before = origin(project, module, function, called, depth + 1)
            return f"{before}()" if before else None
        case ast.Await(value=inner):
            return origin(project, module, function, inner, depth + 1)
        case ast.Subscript(value=inner):
            before = origin(project, module, function, inner, depth + 1)
            return f"{before}[]" if before else None
    return None


def _of_name(project: Project, module: Module, name: str, depth: int) -> str | None:
    found = project.meaning(module, name)
    if isinstance(found, str):
        return found
    if isinstance(found, ast.expr):
        where = module
        if name not in module.assigned and (whole := module.imports.get(name)):
            where = project.named(whole.rpartition(".")[0]) or module
        return origin(project, where, None, found, depth + 1)
    if found is None and name in _BUILTINS:
        return name
    return None


_BUILTINS = frozenset({"open", "eval", "exec", "print", "input"})


def names_in(node: ast.AST) -> set[str]:
    """The names in an expression."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _owner(function: Function) -> Class | None:
    if function.owner:
        return function.owner
    outer = function.module.functions.get(function.qualname.rpartition(".")[0])
    return _owner(outer) if outer else None


def _of_object(project: Project, function: Function, value: ast.expr, method: str) -> Function | None:
    if isinstance(value, ast.Call) and "." not in method:
        made_by = project.meaning(function.module, dotted(value.func) or "")
        if isinstance(made_by, Class):
            return project.method(made_by, method)
    return None
