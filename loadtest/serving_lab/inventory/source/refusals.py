"""Whether statements refuse a request, and how they say so."""

import ast

from serving_lab.inventory.result import ErrorForm
from serving_lab.inventory.source.context import Context
from serving_lab.inventory.source.project import Function

_ERROR_NAMES = ("err", "missing", "invalid", "problem", "fail", "message")


def refusal(context: Context, function: Function, depth: int, body: list[ast.stmt]) -> tuple[ErrorForm | None] | None:
    """Whether statements refuse a request, and how they say so."""
    for statement in body:
        found = _refuses(context, function, depth, statement)
        if found:
            return found
    return None


def _refuses(context: Context, function: Function, depth: int, node: ast.stmt) -> tuple[ErrorForm | None] | None:
    replies = context.replies
    match node:
        case ast.Raise(exc=raised):
            reply = replies.of_raise(function, raised, {}) if raised is not None else None
            return (reply.error() if reply else None,)
        case ast.Return(value=value):
            return _refuses_by_returning(context, function, depth, value)
        case ast.Expr(value=ast.Call() as call):
            reply = replies.of_abort(function, call, {})
            if reply:
                return (reply.error(),)
            written = ast.unparse(call.func)
            last = written.rpartition(".")[2]
            if last in {"append", "add", "extend", "setdefault", "update"} and _says_error(written):
                return (None,)
            if last in {"flash", "add_error", "fail"} or last.startswith(("raise_", "abort")):
                return (_said(call),)
        case ast.Assign(targets=targets, value=value):
            if any(_says_error(ast.unparse(target)) for target in targets) and not _is_nothing(value):
                text = value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None
                return (ErrorForm(status=None, body=text, how="assign"),)
    return None


def _refuses_by_returning(
    context: Context, function: Function, depth: int, value: ast.expr | None
) -> tuple[ErrorForm | None] | None:
    if depth:
        first = value.elts[0] if isinstance(value, ast.Tuple) and value.elts else value
        if isinstance(first, ast.Constant) and (first.value is False or isinstance(first.value, str)):
            text = first.value if isinstance(first.value, str) else None
            if text is None and isinstance(value, ast.Tuple) and len(value.elts) > 1:
                second = value.elts[1]
                text = second.value if isinstance(second, ast.Constant) and isinstance(second.value, str) else None
            return (ErrorForm(status=None, body=text, how="return"),)
    if value is None:
        return None
    found = list(context.replies.of_return(function, value, {}))
    if found and all(each.status is not None and each.status >= 400 for each in found):
        return (found[0].error(),)
    body = found[0].body if found else None
    if isinstance(body, dict) and "error" in body and len(body) <= 3:
        return (found[0].error(),)
    return None


def _says_error(written: str) -> bool:
    return any(name in written.lower() for name in _ERROR_NAMES)


def _is_nothing(value: ast.expr) -> bool:
    return (isinstance(value, ast.Constant) and not value.value) or (
        isinstance(value, (ast.List, ast.Dict)) and not (value.elts if isinstance(value, ast.List) else value.keys)
    )


def _said(call: ast.Call) -> ErrorForm | None:
    text = next(
        (each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)), None
    )
    return ErrorForm(status=None, body=text, how=ast.unparse(call.func)) if text else None
