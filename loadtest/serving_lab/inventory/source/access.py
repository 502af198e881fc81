"""What lets requests in: decorators, hooks and what a view itself reads."""

import ast
import re
from collections.abc import Iterable, Iterator

from serving_lab.drafts.credentials import is_secret, is_secret_header
from serving_lab.inventory.result import Access, AccessKind
from serving_lab.inventory.source.calls import body_of, origin, reached
from serving_lab.inventory.source.project import Function, Project, dotted
from serving_lab.inventory.source.replies import Replies

_DECORATOR = re.compile(
    r"(?:login|token|auth|jwt|api_?key|permissions?|roles?|admin|user|scopes?|session|access|key|signature)s?_?"
    r"(?:is_)?(?:required|needed|check(?:ed)?|protected)|requires?_\w*|require[sd]?|(?:is_)?authenticated?|authenticate"
    r"|authori[sz]e[d]?|protected|restricted|check_?(?:auth|token|login|api_?key)|verify_?(?:auth|token|jwt|api_?key)|jwt_required"
    r"|roles_accepted|auth|secured?|needs_auth\w*|must_\w+|admin_only|members_only|validate_(?:token|api_?key|auth)",
    re.IGNORECASE,
)
_OF_LIBRARIES: tuple[tuple[str, AccessKind], ...] = (
    (r".*HTTPBasicAuth\(\)\.\w+", "basic"),
    (r".*(?:HTTPTokenAuth|MultiAuth)\(\)\.\w+", "bearer"),
    (r"flask_jwt\w*\..+|quart_jwt\w*\..+|.*JWTManager.*", "bearer"),
    (r"flask_login\..+|flask_security\..+|flask_user\..+|django\.contrib\.auth\..+|flask_principal\..+", "session"),
    (r".*(?:OAuth|oauth)\w*\(\)\..+|authlib\..+", "bearer"),
)
_REFUSALS = frozenset({302, 401, 403})
_GENERAL = re.compile(r"auth|token|jwt|bearer", re.IGNORECASE)


class AccessReader:
    """Reads what functions of a project ask before they let a request in."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._replies = Replies(project)

    def of_decorators(self, function: Function) -> Iterator[Access]:
        """What the decorators of a view ask for, as far as they are called so."""
        for node in (*function.node.decorator_list, *self._of_class(function)):
            called = node.func if isinstance(node, ast.Call) else node
            name = dotted(called)
            if name is None:
                continue
            last = name.rpartition(".")[2]
            if isinstance(node, ast.Call) and _is_optional(node):
                continue
            found = self._project.meaning(function.module, name)
            place = function.module.place(node)
            if isinstance(found, Function):
                read = list(self.of_function(found, "decorator", enforced=True))
                if read:
                    for each in read:
                        yield Access(kind=each.kind, name=each.name, through="decorator", place=each.place)
                    continue
            if isinstance(found, str):
                last = found.rpartition(".")[2]
            if _DECORATOR.fullmatch(last):
                yield Access(kind=self._kind(function, called, last), name=f"@{name}", through="decorator", place=place)

    def _of_class(self, function: Function) -> Iterator[ast.expr]:
        """The decorators that the class of a method names for all of its methods."""
        for owner in self._project.bases(function.owner) if function.owner else ():
            for node in owner.node.body:
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in {"decorators", "method_decorators"}:
                    given = node.value
                    if isinstance(given, ast.Dict):
                        named = {
                            ast.unparse(key).strip("'\""): value
                            for key, value in zip(given.keys, given.values, strict=True)
                            if key
                        }
                        given = named.get(function.node.name, ast.List([], ast.Load()))
                    yield from given.elts if isinstance(given, (ast.List, ast.Tuple)) else ()

    def of_hook(self, function: Function) -> Iterator[Access]:
        """What a function asks that runs before requests, if it refuses any."""
        return self.of_function(function, "hook", enforced=False)

    def of_function(self, function: Function, through: str, *, enforced: bool) -> Iterator[Access]:
        """What a function and those that it calls read of a request to let it in.

        Args:
            function: where it begins.
            through: what it is to the request.
            enforced: whether it is there to refuse requests; otherwise it counts only if it refuses some.
        """
        functions = reached(self._project, [function])
        nested = [
            each for each in function.module.functions.values() if each.qualname.startswith(f"{function.qualname}.")
        ]
        functions += [each for each in reached(self._project, nested) if each not in functions]
        if not enforced and not any(self._refuses(each) for each in functions):
            return
        seen: set[tuple[str, str]] = set()
        for each in functions:
            for kind, name, node in self._reads(each):
                if (kind, name) not in seen:
                    seen.add((kind, name))
                    yield Access(kind=kind, name=name, through=through, place=each.module.place(node))  # type: ignore[arg-type]

    def of_view(self, functions: Iterable[Function]) -> Iterator[Access]:
        """What a view reads itself, where it refuses requests for want of it."""
        every = list(functions)
        if any(self._refuses(each) for each in every):
            seen: set[str] = set()
            for each in every:
                for kind, name, node in self._reads(each):
                    if name not in seen and kind != "other":
                        seen.add(name)
                        yield Access(kind=kind, name=name, through="view", place=each.module.place(node))

    def _refuses(self, function: Function) -> bool:
        return any(each.status in _REFUSALS for each in self._replies.of_function(function, {}))

    def _reads(self, function: Function) -> Iterator[tuple[AccessKind, str, ast.AST]]:
        text = ast.unparse(function.node)
        for node in body_of(function.node):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=owner, attr="get" | "get_header"), args=[ast.Constant(value=str(key)), *_]
                ):
                    yield from _of_key(_part(owner), key, text, node)
                case ast.Subscript(value=owner, slice=ast.Constant(value=str(key)), ctx=ast.Load()):
                    yield from _of_key(_part(owner), key, text, node)
                case ast.Compare(left=ast.Constant(value=str(key)), ops=[ast.In() | ast.NotIn()], comparators=[owner]):
                    yield from _of_key(_part(owner), key, text, node)
                case ast.Attribute(value=owner, attr="authorization") if _part(owner) == "request":
                    yield ("bearer" if "authorization.token" in text else "basic"), "Authorization", node
                case ast.Attribute(value=ast.Name(id="current_user"), attr="is_authenticated" | "is_anonymous"):
                    yield "session", "current_user", node
                case ast.Attribute(value=ast.Name(id="g"), attr=attr, ctx=ast.Load()) if attr in {
                    "user",
                    "current_user",
                }:
                    yield "session", f"g.{attr}", node
                case ast.Call(func=ast.Name(id=name)) if name in {
                    "verify_jwt_in_request",
                    "get_jwt_identity",
                    "get_jwt",
                }:
                    yield "bearer", "Authorization", node

    def _kind(self, function: Function, called: ast.expr, last: str) -> AccessKind:
        source = origin(self._project, function.module, None, called) or ""
        for pattern, kind in _OF_LIBRARIES:
            if re.fullmatch(pattern, source):
                return kind
        lower = last.lower()
        if "jwt" in lower or "token" in lower:
            return "bearer"
        if "key" in lower:
            return "api key"
        if "basic" in lower:
            return "basic"
        if "login" in lower or "session" in lower:
            return "session"
        return "other"


def _part(owner: ast.expr) -> str:
    name = dotted(owner) or (ast.unparse(owner) if isinstance(owner, ast.Attribute) else "")
    last = name.rpartition(".")[2]
    return last if last != "req" else "request"


def _of_key(part: str, key: str, text: str, node: ast.AST) -> Iterator[tuple[AccessKind, str, ast.AST]]:
    lower = key.lower()
    if (part in {"headers", "request"} and lower == "authorization") or (
        part == "environ" and key == "HTTP_AUTHORIZATION"
    ):
        kind: AccessKind = "basic" if re.search(r"\bbasic\b|b64decode", text, re.IGNORECASE) else "bearer"
        yield kind, "Authorization", node
    elif (
        part in {"headers", "request"}
        and is_secret_header(key)
        and lower not in {"x-csrf-token", "x-csrftoken", "cookie"}
    ):
        yield "api key", key, node
    elif part == "environ" and key.startswith("HTTP_") and is_secret_header(key[5:].replace("_", "-")):
        yield "api key", key[5:].replace("_", "-").title(), node
    elif part in {"cookies", "COOKIES"}:
        if is_secret(key) or _GENERAL.search(key) or "sess" in lower:
            yield "cookie", key, node
    elif part == "session":
        if not re.search(r"flash|csrf|next|cart|lang|locale", lower):
            yield "session", f"session[{key!r}]", node
    elif part in {"args", "GET", "query_params", "query"} and is_secret(key.replace("apikey", "api_key")):
        yield "api key", f"?{key}=", node


def _is_optional(node: ast.Call) -> bool:
    """`@jwt_required(optional=True)` lets everybody in."""
    return any(
        each.arg == "optional" and isinstance(each.value, ast.Constant) and each.value.value is True
        for each in node.keywords
    )
