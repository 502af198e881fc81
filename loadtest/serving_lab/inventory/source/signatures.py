"""What the signature of an endpoint says in FastAPI or Litestar, for code that cannot be imported."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from serving_lab.inventory.result import Access, AccessKind, Body, Parameter, Schema
from serving_lab.inventory.source.annotations import is_model, schema_of_annotation, with_field
from serving_lab.inventory.source.project import Class, Function, Project, dotted

_DEEPEST = 5
_SECURITY: dict[str, AccessKind] = {
    "HTTPBearer": "bearer",
    "OAuth2PasswordBearer": "bearer",
    "OAuth2AuthorizationCodeBearer": "bearer",
    "OpenIdConnect": "bearer",
    "HTTPBasic": "basic",
    "APIKeyHeader": "api key",
    "APIKeyQuery": "api key",
    "APIKeyCookie": "cookie",
}
_PLACES: dict[str, Literal["path", "query", "header", "cookie"]] = {
    "Path": "path",
    "Query": "query",
    "Header": "header",
    "Cookie": "cookie",
}
_NO_FIELDS = frozenset({"Request", "Response", "WebSocket", "BackgroundTasks", "SecurityScopes", "HTTPConnection"})


@dataclass
class Signature:
    """What is asked for."""

    parameters: list[Parameter] = field(default_factory=list)
    body: Body | None = None
    dependencies: list[Function] = field(default_factory=list)
    access: list[Access] = field(default_factory=list)


def signature_of(project: Project, function: Function, path: str, syntax: str, depth: int = 0) -> Signature:
    """What the parameters of an endpoint, and of what it depends on, ask for.

    Args:
        project: the files that names are looked up in.
        function: the endpoint.
        path: its path; a parameter in it is one of the path.
        syntax: the framework's way to write routes; in Litestar's, `data` is the body.
        depth: of dependencies in dependencies.
    """
    found = Signature()
    for argument, default in _arguments(function):
        annotation, marks = _parts(_without_alias(project, function, argument.annotation))
        marks += [default] if isinstance(default, ast.Call) else []
        names = {(dotted(each.func) or "").rpartition(".")[2]: each for each in marks}
        depends = names.get("Depends") or names.get("Security")
        if depends is not None:
            _depend(project, function, depends.args[0] if depends.args else annotation, path, depth, found)
            continue
        outer = annotation.value if isinstance(annotation, ast.Subscript) else annotation
        kind = (dotted(outer) or "").rpartition(".")[2]
        if annotation is None or kind in _NO_FIELDS:
            continue
        schema = schema_of_annotation(project, function.module, annotation)
        required = default is None
        for each in marks:
            schema, needed = with_field(schema, each)
            required = required and (needed or default is None)
            if each is default:
                required = needed
        meant = project.meaning(function.module, dotted(annotation) or "")
        whole = argument.arg == "data" and "Body" not in names and syntax == "litestar"
        if whole or (isinstance(meant, Class) and is_model(project, meant) and not {*_PLACES} & set(names)):
            found.body = Body(kind="form" if "Form" in names else "json", schema=schema, required=required)
        elif {"Body", "Form", "File"} & set(names) or kind == "UploadFile":
            _add_field(found, argument.arg, schema, required, names)
        elif schema or names or f"{{{argument.arg}}}" in path:
            where = next((_PLACES[name] for name in names if name in _PLACES), None)
            where = where or ("path" if f"{{{argument.arg}}}" in path else "query")
            name = argument.arg.replace("_", "-") if where == "header" else argument.arg
            found.parameters.append(Parameter(name=name, where=where, required=required, schema=schema))
    return found


def _depend(
    project: Project, function: Function, node: ast.expr | None, path: str, depth: int, found: Signature
) -> None:
    name = dotted(node) if node is not None else None
    meant = project.meaning(function.module, name) if name else None
    made = meant if isinstance(meant, ast.Call) else node if isinstance(node, ast.Call) else None
    if isinstance(made, ast.Call):
        scheme = (dotted(made.func) or "").rpartition(".")[2]
        if scheme in _SECURITY:
            given = {each.arg: each.value for each in made.keywords}
            key = given.get("name")
            shown = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else "Authorization"
            shown = f"?{shown}=" if scheme == "APIKeyQuery" else shown
            place = function.module.place(node) if node is not None else None
            found.access.append(Access(kind=_SECURITY[scheme], name=shown, through="dependency", place=place))
    elif isinstance(meant, Function) and depth < _DEEPEST:
        inner = signature_of(project, meant, path, "starlette", depth + 1)
        found.dependencies += [meant, *inner.dependencies]
        found.parameters += inner.parameters
        found.access += inner.access
        found.body = found.body or inner.body


def _add_field(found: Signature, name: str, schema: Schema, required: bool, names: dict[str, ast.Call]) -> None:
    """A field of a body that is put together from several parameters."""
    empty: Schema = {"type": "object", "properties": {}, "required": []}
    known = found.body.schema if found.body else empty
    kind: Literal["json", "form", "multipart"] = (
        "json" if "Body" in names else "form" if "Form" in names else "multipart"
    )
    properties = {**known["properties"], name: schema or {"type": "string"}}
    needed = [*known.get("required", ()), *([name] if required else [])]
    found.body = Body(kind=kind, schema={**known, "properties": properties, "required": needed})


def _arguments(function: Function) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    node = function.node.args
    positional = [*node.posonlyargs, *node.args]
    defaults = [None] * (len(positional) - len(node.defaults)) + list(node.defaults)
    for argument, default in [
        *zip(positional, defaults, strict=True),
        *zip(node.kwonlyargs, node.kw_defaults, strict=True),
    ]:
        if argument.arg not in {"self", "cls"}:
            yield argument, default


def _without_alias(project: Project, function: Function, annotation: ast.expr | None) -> ast.expr | None:
    """The annotation that a name stands for: `User = Annotated[…, Depends(…)]`."""
    name = dotted(annotation) if annotation is not None else None
    meant = project.meaning(function.module, name) if name else None
    return meant if isinstance(meant, ast.Subscript) else annotation


def _parts(annotation: ast.expr | None) -> tuple[ast.expr | None, list[ast.Call]]:
    """The type of an annotation, and what stands beside it in `Annotated`."""
    if isinstance(annotation, ast.Subscript) and (dotted(annotation.value) or "").endswith("Annotated"):
        items = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
        return items[0], [each for each in items[1:] if isinstance(each, ast.Call)]
    return annotation, []
