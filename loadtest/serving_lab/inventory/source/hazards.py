"""What of its code a person should know before a service moves: secrets, debug mode, unsafe loading, state."""

import ast
import re
from collections.abc import Iterable, Iterator

from serving_lab.drafts.credentials import is_secret
from serving_lab.inventory.result import Finding, FindingKind, StateWrite
from serving_lab.inventory.source.calls import body_of, origin
from serving_lab.inventory.source.project import Function, Module, Project, dotted
from serving_lab.inventory.source.unsafe_calls import is_true, why_unsafe
from serving_lab.text.phrases import counted

_CHANGES = frozenset(
    {
        "append",
        "add",
        "update",
        "pop",
        "popitem",
        "clear",
        "remove",
        "extend",
        "insert",
        "setdefault",
        "discard",
        "appendleft",
        "popleft",
        "move_to_end",
    }
)
_MUTABLE_CALLS = frozenset(
    {"dict", "list", "set", "deque", "defaultdict", "OrderedDict", "Counter", "LRUCache", "TTLCache", "SimpleCache"}
)
_PLACEHOLDERS = re.compile(r"\$\{.*\}|<.*>|\{\{.*\}\}|")
_NAMES_ONLY = re.compile(
    r"(?:^|_)(?:url|uri|path|header|name|field|file|prefix|type|algorithm|expires?\w*|ttl|location|scheme|scope)s?$",
    re.IGNORECASE,
)
_PASSWORDS = re.compile(r"users?|passwords?|credentials|accounts|logins|tokens|api_?keys|secrets", re.IGNORECASE)
_URL_WITH_PASSWORD = re.compile(r"\w+://[^/:@\s]+:[^/@\s]+@")
_SHORTEST = 3


def of_module(project: Project, module: Module) -> Iterator[Finding]:
    """What stands in a file."""
    for node in ast.walk(module.tree):
        yield from _secrets(module, node)
        if isinstance(node, ast.Call):
            yield from _calls(project, module, node)
        elif isinstance(node, ast.Assign) and is_true(node.value):
            name = ast.unparse(node.targets[0])
            if re.fullmatch(r"(?:\w+\.)*(?:debug|DEBUG)|(?:\w+\.)*config\[['\"]DEBUG['\"]\]", name):
                yield Finding(
                    kind="debug", text=f"{name} is on: errors show the code, and may run it", place=module.place(node)
                )
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield from _error_text(module, node)


def writes(project: Project, functions: Iterable[Function]) -> list[StateWrite]:
    """Where functions change what stands at module level."""
    found: dict[str, StateWrite] = {}
    for function in functions:
        for name, node in _changed(function):
            if _is_state(project, function, name):
                key = f"{function.module.name}.{name}"
                found.setdefault(key, StateWrite(name=name, place=function.module.place(node)))
    return list(found.values())


def _changed(function: Function) -> Iterator[tuple[str, ast.AST]]:
    nodes = list(body_of(function.node))
    declared = {name for node in nodes if isinstance(node, ast.Global) for name in node.names}
    own = {name for name in function.local if "." not in name} - declared | set(function.parameters)
    for node in nodes:
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
            targets = [node.target]
        elif isinstance(node, ast.Delete):
            targets = node.targets
        for target in targets:
            if (
                isinstance(target, ast.Subscript)
                and (name := dotted(target.value))
                and name.partition(".")[0] not in own
            ):
                yield name, node
            elif isinstance(target, ast.Name) and target.id in declared:
                yield target.id, node
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGES:
            name = dotted(node.func.value)
            if name and name.partition(".")[0] not in own:
                yield name, node


def _is_state(project: Project, function: Function, name: str) -> bool:
    found = project.meaning(function.module, name)
    if isinstance(found, (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp)):
        return True
    if isinstance(found, ast.Call):
        return (dotted(found.func) or "").rpartition(".")[2] in _MUTABLE_CALLS
    return isinstance(found, ast.Constant) and "." not in name


def _secrets(module: Module, node: ast.AST) -> Iterator[Finding]:
    for name, value in _named_values(node):
        if isinstance(value, ast.Call) and (dotted(value.func) or "").rpartition(".")[2] in {
            "get",
            "getenv",
            "setdefault",
        }:
            if len(value.args) > 1 and _is_environment(value) and _is_secret_name(name) and _is_text(value.args[1]):
                yield _secret(module, node, name, value.args[1], "its default for an unset environment variable")
        elif _is_secret_name(name) and _is_text(value):
            yield _secret(module, node, name, value, "it")
        elif isinstance(value, ast.Dict) and _PASSWORDS.search(name.rpartition(".")[2]) and not _is_secret_name(name):
            texts = [each for each in value.values if _is_text(each)]
            if texts and len(texts) == len(value.values):
                told = f"{name}: {counted(len(texts), 'likely password')} in the code"
                yield Finding(kind="secret", text=told, place=module.place(node))
        elif (
            isinstance(value, ast.Constant) and isinstance(value.value, str) and _URL_WITH_PASSWORD.search(value.value)
        ):
            yield Finding(kind="secret", text=f"{name} is a URL with a password in it", place=module.place(node))


def _secret(module: Module, node: ast.AST, name: str, value: ast.expr, what: str) -> Finding:
    length = len(value.value) if isinstance(value, ast.Constant) and isinstance(value.value, (str, bytes)) else 0
    text = f"{name}: {what} stands in the code ({length} characters)"
    return Finding(kind="secret", text=text, place=module.place(node))


def _named_values(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
                    yield str(target.slice.value), value
                elif name := dotted(target):
                    yield name, value
        case ast.AnnAssign(target=target, value=value) if value is not None and (name := dotted(target)):
            yield name, value
        case ast.Call(func=called, keywords=keywords):
            for each in keywords:
                if each.arg and (
                    each.arg.isupper() or each.arg in {"secret_key", "secret", "api_key", "password", "token"}
                ):
                    yield each.arg, each.value
            name = ast.unparse(called)
            if name.rpartition(".")[2] in {"update", "from_mapping"} and "config" in name:
                for argument in node.args if isinstance(node, ast.Call) else ():
                    if isinstance(argument, ast.Dict):
                        for key, value in zip(argument.keys, argument.values, strict=True):
                            if isinstance(key, ast.Constant):
                                yield str(key.value), value


def _is_secret_name(name: str) -> bool:
    last = name.rpartition(".")[2]
    return (is_secret(last) or last.lower().endswith("apikey")) and not _NAMES_ONLY.search(last)


def _is_text(node: ast.expr) -> bool:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, (str, bytes)):
        return False
    text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
    return len(text) >= _SHORTEST and _PLACEHOLDERS.fullmatch(text) is None and " " not in text.strip()


def _is_environment(call: ast.Call) -> bool:
    return "environ" in ast.unparse(call.func) or "getenv" in ast.unparse(call.func)


def _calls(project: Project, module: Module, call: ast.Call) -> Iterator[Finding]:
    name = origin(project, module, None, call.func)
    if why := why_unsafe(call, name):
        kind: FindingKind = "shell" if "shell" in why else "unsafe loading"
        yield Finding(kind=kind, text=f"{ast.unparse(call.func)}: {why}", place=module.place(call))
    if any(each.arg == "debug" and is_true(each.value) for each in call.keywords):
        text = f"{ast.unparse(call.func)}(debug=True): errors show the code, and may run it"
        yield Finding(kind="debug", text=text, place=module.place(call))


def _error_text(module: Module, handler: ast.ExceptHandler) -> Iterator[Finding]:
    """An exception's text that is answered: it tells clients what is inside."""
    for node in handler.body:
        for each in ast.walk(node):
            if isinstance(each, ast.Return) and each.value is not None:
                names = {inner.id for inner in ast.walk(each.value) if isinstance(inner, ast.Name)}
                caught = ast.unparse(handler.type) if handler.type else "every exception"
                if handler.name in names and caught in {"Exception", "BaseException", "every exception"}:
                    text = f"except {caught}: the text of any exception is answered to the client"
                    yield Finding(kind="error text", text=text, place=module.place(each))
                    return
