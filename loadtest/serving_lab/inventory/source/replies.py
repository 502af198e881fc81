"""What a function answers: statuses, and the form of the body, through helpers of the project."""

import ast
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from serving_lab.inventory.result import ErrorForm, Place, Schema
from serving_lab.inventory.source.calls import callee, names_in, returns_of
from serving_lab.inventory.source.project import Class, Function, Project, dotted

VARIES = "…"
"""What stands for a value that is known only when it is answered."""
_DEEPEST = 5
_JSON = frozenset({"jsonify", "JSONResponse", "ORJSONResponse", "UJSONResponse", "JsonResponse", "dumps", "json"})
_OTHER = frozenset({"make_response", "Response", "PlainTextResponse", "HTMLResponse", "HttpResponse"})
_STATUS_ARGUMENTS = ("status_code", "status", "code")
_EXCEPTIONS = {
    "BadRequest": 400,
    "Unauthorized": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "MethodNotAllowed": 405,
    "NotAcceptable": 406,
    "RequestTimeout": 408,
    "Conflict": 409,
    "Gone": 410,
    "RequestEntityTooLarge": 413,
    "UnsupportedMediaType": 415,
    "UnprocessableEntity": 422,
    "TooManyRequests": 429,
    "InternalServerError": 500,
    "NotImplemented": 501,
    "BadGateway": 502,
    "ServiceUnavailable": 503,
    "GatewayTimeout": 504,
    "Http404": 404,
    "PermissionDenied": 403,
    "NotAuthorizedException": 401,
    "PermissionDeniedException": 403,
    "NotFoundException": 404,
    "ValidationException": 400,
    "ClientException": 400,
    "HTTPNotFound": 404,
    "HTTPBadRequest": 400,
    "HTTPUnauthorized": 401,
    "HTTPForbidden": 403,
}
_OR_404 = frozenset({"get_or_404", "first_or_404", "one_or_404", "get_object_or_404", "get_list_or_404"})

Bindings = Mapping[str, ast.expr]
"""What the parameters of a function stand for, as far as it is written where it is called."""


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int | None
    """None: it is decided elsewhere."""
    body: Any
    """Its JSON, with `…` for what varies; a string where it is no JSON; None: not known."""
    schema: Schema
    """Of a JSON body; empty: not known."""
    how: str
    place: Place

    @property
    def is_error(self) -> bool:
        """Whether it says that something went wrong."""
        return self.status is None or self.status >= HTTPStatus.BAD_REQUEST

    def error(self) -> ErrorForm:
        """As a result has it."""
        return ErrorForm(status=self.status, body=self.body, how=self.how, place=self.place)


class Replies:
    """Reads what functions of a project answer."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def of_function(self, function: Function, bindings: Bindings, depth: int = 0) -> Iterator[Reply]:
        """Every answer that a function returns, raises or aborts with."""
        for returned in returns_of(function.node):
            if returned.value is not None:
                yield from self.of_return(function, returned.value, bindings, depth)
        caught = caught_in(function.node)
        for node in _own(function.node):
            if id(node) in caught and _name_of(node) in caught[id(node)]:
                continue
            if isinstance(node, ast.Raise) and node.exc is not None:
                if reply := self.of_raise(function, node.exc, bindings):
                    yield reply
            elif isinstance(node, ast.Call) and (reply := self.of_abort(function, node, bindings)):
                yield reply

    def of_return(self, function: Function, value: ast.expr, bindings: Bindings, depth: int = 0) -> Iterator[Reply]:
        """The answers that a returned expression may be."""
        if isinstance(value, ast.IfExp):
            yield from self.of_return(function, value.body, bindings, depth)
            yield from self.of_return(function, value.orelse, bindings, depth)
            return
        if isinstance(value, ast.Await):
            value = value.value
        if isinstance(value, ast.Name) and (given := function.local.get(value.id)):
            value = given[-1]
        body, status, given_status = value, 200, True
        if isinstance(value, ast.Tuple) and value.elts:
            body, found = value.elts[0], [self.constant(function, each, bindings) for each in value.elts[1:]]
            number = next((each for each in found if isinstance(each, int)), None)
            text = next((each for each in found if isinstance(each, str) and each[:3].isdecimal()), None)
            unknown = (
                len(value.elts) > 1 and number is None and text is None and not isinstance(value.elts[1], ast.Dict)
            )
            status, given_status = number or (int(text[:3]) if text else 200), not unknown
        inner = body.value if isinstance(body, ast.Await) else body
        if isinstance(inner, ast.Call):
            helper = callee(self._project, function, inner)
            name = (dotted(inner.func) or "").rpartition(".")[2]
            if helper and helper.node.name != "__init__" and depth < _DEEPEST:
                passed = self._bound(function, helper, inner, bindings)
                for reply in self.of_function(helper, passed, depth + 1):
                    changed = isinstance(value, ast.Tuple) and reply.status == HTTPStatus.OK
                    own = function.module.place(value)
                    yield Reply(
                        (status if given_status else None) if changed else reply.status,
                        reply.body,
                        reply.schema,
                        reply.how,
                        own,
                    )
                return
            if aborted := self.of_abort(function, inner, bindings):
                yield aborted
                return
            if name == "redirect" or name == "RedirectResponse":
                yield Reply(302, None, {}, "redirect", function.module.place(value))
                return
            if name in _OTHER | _JSON:
                number = self._status_of(function, inner, bindings, name)
                status = number if number is not None else status
        shown, schema = self.body(function, body, bindings)
        # A text that is returned as it is, is a page and no JSON.
        schema = {} if schema.get("type") == "string" else schema
        yield Reply(status if given_status else None, shown, schema, "return", function.module.place(value))

    def of_abort(self, function: Function, call: ast.Call, bindings: Bindings) -> Reply | None:
        """The answer of `abort(404)`; None: the call is none."""
        name = (dotted(call.func) or "").rpartition(".")[2]
        place = function.module.place(call)
        if (isinstance(call.func, ast.Attribute) and call.func.attr in _OR_404) or name in _OR_404:
            return Reply(404, None, {}, name or "first_or_404", place)
        if (
            name not in {"abort", "api_abort", "HTTPException"}
            or callee(self._project, function, call)
            or not call.args
        ):
            return None
        first = self.constant(function, call.args[0], bindings)
        if name == "HTTPException" or not isinstance(first, int):
            inner = call.args[0]
            if name != "abort" or not isinstance(inner, ast.Call):
                return None
            made = next(self.of_return(function, inner, bindings), None)
            return Reply(made.status, made.body, made.schema, "abort", place) if made else None
        said = next((each for each in call.keywords if each.arg in {"description", "message", "error", "detail"}), None)
        text = said.value if said else call.args[1] if len(call.args) > 1 else None
        shown = self.body(function, text, bindings)[0] if text is not None else None
        return Reply(first, {said.arg: shown} if said and said.arg == "message" else shown, {}, "abort", place)

    def of_raise(self, function: Function, raised: ast.expr, bindings: Bindings) -> Reply | None:
        """The answer that an exception becomes; None: it is raised again as it came."""
        call = raised if isinstance(raised, ast.Call) else None
        name = (dotted(call.func if call else raised) or "").rpartition(".")[2]
        place = function.module.place(raised)
        if not name or (call is None and not name[0].isupper()):
            return None
        status = self._status_of(function, call, bindings, "raise") if call else None
        if status is None and name in _EXCEPTIONS:
            status = _EXCEPTIONS[name]
        found = self._project.meaning(function.module, dotted(call.func if call else raised) or "")
        if status is None and isinstance(found, Class):
            status = self._status_of_class(found)
        detail = None
        if call:
            said = next(
                (each.value for each in call.keywords if each.arg in {"detail", "description", "message"}), None
            )
            texts = [each for each in call.args if isinstance(self.constant(function, each, bindings), str)]
            texts += [each for each in call.args if isinstance(each, ast.JoinedStr)]
            detail = said or (texts[0] if texts else None)
        shown = self.body(function, detail, bindings)[0] if detail is not None else None
        if name == "HTTPException" and shown is not None:
            shown = {"detail": shown}
        return Reply(status, shown, {}, f"raise {name}", place)

    def constant(self, function: Function, value: ast.expr, bindings: Bindings) -> Any:  # noqa: ANN401 - a literal
        """The value of a constant expression; None: it is none."""
        if isinstance(value, ast.Name):
            if value.id in bindings:
                value = bindings[value.id]
            elif value.id not in function.local:
                found = self._project.meaning(function.module, value.id)
                value = found if isinstance(found, ast.expr) else value
        if isinstance(value, ast.Attribute):
            return _status_named(dotted(value) or "")
        if isinstance(value, ast.Constant):
            return value.value
        return None

    def body(self, function: Function, value: ast.expr, bindings: Bindings, depth: int = 0) -> tuple[Any, Schema]:
        """What an expression shows in an answer, and its schema."""
        if depth > _DEEPEST * 2:
            return VARIES, {}
        if isinstance(value, ast.Await):
            value = value.value
        if isinstance(value, ast.Name):
            if value.id in bindings:
                return self.body(function, bindings[value.id], {}, depth + 1)
            if given := function.local.get(value.id):
                own = [each for each in given if value.id not in names_in(each)]
                return self.body(function, own[-1], bindings, depth + 1) if len(own) == 1 else (VARIES, {})
            found = self._project.meaning(function.module, value.id)
            return self.body(function, found, {}, depth + 1) if isinstance(found, ast.expr) else (VARIES, {})
        if isinstance(value, ast.Attribute):
            name = dotted(value)
            found = self._project.meaning(function.module, name) if name else None
            if isinstance(found, ast.expr):
                return self.body(function, found, {}, depth + 1)
        if isinstance(value, ast.Call):
            return self._of_call(function, value, bindings, depth)
        if isinstance(value, ast.Dict):
            return self._of_pairs(function, list(zip(value.keys, value.values, strict=True)), bindings, depth)
        return _literal(value) or self._of_shape(function, value, bindings, depth)

    def _of_shape(self, function: Function, value: ast.expr, bindings: Bindings, depth: int) -> tuple[Any, Schema]:
        match value:
            case ast.JoinedStr(values=parts):
                text = "".join(str(each.value) if isinstance(each, ast.Constant) else VARIES for each in parts)
                return text, {"type": "string"}
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                inner = self.body(function, items[0], bindings, depth + 1) if items else (VARIES, {})
                return [inner[0]] if items else [], {"type": "array", **({"items": inner[1]} if inner[1] else {})}
            case ast.ListComp(elt=element):
                shown, schema = self.body(function, element, bindings, depth + 1)
                return [shown], {"type": "array", **({"items": schema} if schema else {})}
            case ast.Compare() | ast.UnaryOp(op=ast.Not()):
                return VARIES, {"type": "boolean"}
            case ast.BinOp(op=ast.Mod(), left=ast.Constant(value=str())):
                return VARIES, {"type": "string"}
            case ast.IfExp(body=first) | ast.BoolOp(values=[first, *_]):
                return VARIES, self.body(function, first, bindings, depth + 1)[1]
        return VARIES, {}

    def _of_call(self, function: Function, call: ast.Call, bindings: Bindings, depth: int) -> tuple[Any, Schema]:
        name = ast.unparse(call.func).rpartition(".")[2]
        if name in _JSON | _OTHER or name in {"dict", "jsonable_encoder"}:
            pairs: list[tuple[ast.expr | None, ast.expr]] = [
                (ast.Constant(each.arg), each.value)
                for each in call.keywords
                if each.arg
                not in {"status", "status_code", "mimetype", "headers", "content_type", "media_type", "indent"}
                and each.arg not in {"content", "response"}
            ]
            content = next((each.value for each in call.keywords if each.arg in {"content", "response"}), None)
            first = call.args[0] if call.args else content
            if first is None and name in _OTHER:
                return None, {}
            if first is not None:
                return self.body(function, first, bindings, depth + 1)
            return self._of_pairs(function, pairs, bindings, depth)
        if (helper := callee(self._project, function, call)) and helper.node.name != "__init__":
            passed = self._bound(function, helper, call, bindings)
            shown = [self.body(helper, each.value, passed, depth + 1) for each in returns_of(helper.node) if each.value]
            return shown[-1] if shown and depth < _DEEPEST else (VARIES, {})
        return VARIES, _SCHEMA_OF_CALL.get(name, {})

    def _of_pairs(
        self, function: Function, pairs: list[tuple[ast.expr | None, ast.expr]], bindings: Bindings, depth: int
    ) -> tuple[Any, Schema]:
        shown: dict[str, Any] = {}
        properties: dict[str, Schema] = {}
        whole = True
        for key, value in pairs:
            name = self.constant(function, key, bindings) if key is not None else None
            if not isinstance(name, str):
                whole = False
                continue
            shown[name], properties[name] = self.body(function, value, bindings, depth + 1)
        schema: Schema = {"type": "object"}
        if properties:
            schema |= {"properties": properties, "required": list(properties)}
        return (shown if shown or whole else VARIES), schema

    def _bound(self, function: Function, helper: Function, call: ast.Call, bindings: Bindings) -> dict[str, ast.expr]:
        passed = {}
        for name, value in arguments(helper, call).items():
            if isinstance(value, ast.Name) and value.id in bindings:
                passed[name] = bindings[value.id]
            elif self.constant(function, value, bindings) is not None:
                passed[name] = ast.Constant(self.constant(function, value, bindings))
            elif isinstance(value, (ast.JoinedStr, ast.Dict)):
                passed[name] = value
        return passed

    def _status_of(self, function: Function, call: ast.Call, bindings: Bindings, name: str) -> int | None:
        values = [each.value for each in call.keywords if each.arg in _STATUS_ARGUMENTS]
        values += call.args if name == "raise" else call.args[1:2]
        for value in values:
            number = self.constant(function, value, bindings)
            if isinstance(number, int) and not isinstance(number, bool) and 100 <= number < 600:
                return number
            if isinstance(number, str) and number[:3].isdecimal():
                return int(number[:3])
        return None

    def _status_of_class(self, found: Class) -> int | None:
        for each in self._project.bases(found):
            for node in ast.walk(each.node):
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                    names = {ast.unparse(target).rpartition(".")[2] for target in node.targets}
                    if names & set(_STATUS_ARGUMENTS) and isinstance(node.value.value, int):
                        return node.value.value
            for name in [(dotted(base) or "").rpartition(".")[2] for base in each.node.bases]:
                if name in _EXCEPTIONS:
                    return _EXCEPTIONS[name]
        return None


_EVERYTHING = frozenset({"Exception", "BaseException"})


class _All:
    """The names that `except Exception` catches: every one."""

    def __contains__(self, name: object) -> bool:
        return True


def caught_in(node: ast.AST) -> dict[int, Container[str]]:
    """What of the nodes of a function is caught inside it, by their ids."""
    found: dict[int, Container[str]] = {}
    for each in _own(node):
        if isinstance(each, ast.Try):
            names = {name for handler in each.handlers for name in _caught(handler)}
            catching: Container[str] = _All() if names & _EVERYTHING else names
            for inner in [node for statement in each.body for node in ast.walk(statement)]:
                found.setdefault(id(inner), catching)
    return found


def _caught(handler: ast.ExceptHandler) -> list[str]:
    if handler.type is None:
        return ["Exception"]
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return [(dotted(each) or "").rpartition(".")[2] for each in types]


def _name_of(node: ast.AST) -> str:
    """The exception that a node raises."""
    if isinstance(node, ast.Raise) and node.exc is not None:
        return (dotted(node.exc.func if isinstance(node.exc, ast.Call) else node.exc) or "").rpartition(".")[2]
    return "HTTPException"


def arguments(helper: Function, call: ast.Call) -> dict[str, ast.expr]:
    """What each parameter of a function is given by a call, with the defaults of the others."""
    names = helper.parameters
    given = dict(zip(names, (each for each in call.args if not isinstance(each, ast.Starred)), strict=False))
    given |= {each.arg: each.value for each in call.keywords if each.arg in names}
    node = helper.node.args
    positional = [each.arg for each in (*node.posonlyargs, *node.args)]
    defaults = dict(zip(reversed(positional), reversed(node.defaults), strict=False))
    defaults |= {each.arg: value for each, value in zip(node.kwonlyargs, node.kw_defaults, strict=True) if value}
    return defaults | given


_SCHEMA_OF_CALL: dict[str, Schema] = {
    "len": {"type": "integer"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "round": {"type": "number"},
    "str": {"type": "string"},
    "isoformat": {"type": "string"},
    "strftime": {"type": "string"},
    "bool": {"type": "boolean"},
    "list": {"type": "array"},
    "tolist": {"type": "array"},
    "sorted": {"type": "array"},
    "sum": {"type": "number"},
    "encode": {"type": "string"},
    "hexdigest": {"type": "string"},
    "time": {"type": "number"},
    "uuid4": {"type": "string"},
    "isinstance": {"type": "boolean"},
    "any": {"type": "boolean"},
    "all": {"type": "boolean"},
    "join": {"type": "string"},
    "create_access_token": {"type": "string"},
    "create_refresh_token": {"type": "string"},
    "format": {"type": "string"},
    "url_for": {"type": "string"},
}


def _literal(value: ast.expr) -> tuple[Any, Schema] | None:
    if not isinstance(value, ast.Constant):
        return None
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
    kind = kinds.get(type(value.value))
    if kind:
        return value.value, {"type": kind}
    return (None, {}) if value.value is None else (VARIES, {})


def _status_named(name: str) -> int | None:
    """The number of `HTTPStatus.NOT_FOUND` or `status.HTTP_404_NOT_FOUND`."""
    last = name.removesuffix(".value").rpartition(".")[2]
    if last.startswith("HTTP_") and last[5:8].isdecimal():
        return int(last[5:8])
    if "HTTPStatus." in name and last in HTTPStatus.__members__:
        return int(HTTPStatus[last])
    return None


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function itself, not of functions inside it, and not of its decorators."""
    waiting: list[ast.AST] = list(getattr(node, "body", []))
    while waiting:
        each = waiting.pop(0)
        yield each
        if not isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            waiting = [*ast.iter_child_nodes(each), *waiting]
