"""Classes of Pydantic, msgspec and dataclasses as JSON Schema, read from their source."""

import ast
from typing import Any

from serving_lab.inventory.result import Schema
from serving_lab.inventory.source.project import Class, Module, Project, dotted

_DEEPEST = 8
_KINDS: dict[str, Schema] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "bytes": {"type": "string"},
    "Decimal": {"type": "number"},
    "dict": {"type": "object"},
    "Dict": {"type": "object"},
    "Mapping": {"type": "object"},
    "list": {"type": "array"},
    "List": {"type": "array"},
    "datetime": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
    "UUID": {"type": "string", "format": "uuid"},
    "UUID4": {"type": "string", "format": "uuid"},
    "EmailStr": {"type": "string", "format": "email"},
    "HttpUrl": {"type": "string", "format": "uri"},
    "AnyUrl": {"type": "string", "format": "uri"},
    "StrictStr": {"type": "string"},
    "StrictInt": {"type": "integer"},
    "StrictFloat": {"type": "number"},
    "StrictBool": {"type": "boolean"},
    "PositiveInt": {"type": "integer", "exclusiveMinimum": 0},
    "NonNegativeInt": {"type": "integer", "minimum": 0},
    "PositiveFloat": {"type": "number", "exclusiveMinimum": 0},
}
_LISTS = frozenset({"list", "List", "Sequence", "tuple", "Tuple", "set", "Set", "conlist", "Iterable"})
_BOUNDS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "pattern": "pattern",
    "regex": "pattern",
    "multiple_of": "multipleOf",
}
_LENGTHS = {"min_length": "min", "max_length": "max", "min_items": "min", "max_items": "max"}
_BASES = frozenset({"BaseModel", "Struct", "SQLModel", "RootModel"})
_NOT_OF_INSTANCES = frozenset({"ClassVar", "PrivateAttr", "computed_field", "InitVar"})


def schema_of_class(project: Project, found: Class, depth: int = 0) -> Schema:
    """The schema of what a class takes."""
    if "Enum" in project.base_names(found) | {
        name.removesuffix("Enum") + "Enum" for name in project.base_names(found) if name.endswith("Enum")
    }:
        values = [
            node.value.value
            for node in found.node.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        ]
        return {"enum": values} if values else {}
    properties: dict[str, Schema] = {}
    required: list[str] = []
    for each in reversed(list(project.bases(found))):
        for node in each.node.body:
            if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
                continue
            name = node.target.id
            if (
                name.startswith("_")
                or name == "model_config"
                or _NOT_OF_INSTANCES & set(ast.unparse(node.annotation).split("["))
            ):
                continue
            schema = schema_of_annotation(project, each.module, node.annotation, depth + 1)
            needed = node.value is None
            if isinstance(node.value, ast.Call) and (dotted(node.value.func) or "").rpartition(".")[2] in {
                "Field",
                "field",
            }:
                schema, needed = with_field(schema, node.value)
            elif node.value is not None and isinstance(node.value, ast.Constant) and node.value.value is not None:
                schema = {**schema, "default": node.value.value}
            properties[name] = schema
            if needed and name not in required:
                required.append(name)
    found_schema: Schema = {"type": "object"}
    if properties:
        found_schema["properties"] = properties
    if required:
        found_schema["required"] = required
    return found_schema


def schema_of_annotation(project: Project, module: Module, node: ast.expr, depth: int = 0) -> Schema:
    """The schema of what an annotation allows; empty: not known."""
    if depth > _DEEPEST:
        return {}
    match node:
        case ast.Constant(value=str(text)):
            try:
                return schema_of_annotation(project, module, ast.parse(text, mode="eval").body, depth + 1)
            except SyntaxError:
                return {}
        case ast.Constant(value=None):
            return {"type": "null"}
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return _either([schema_of_annotation(project, module, each, depth + 1) for each in (left, right)])
        case ast.Subscript(value=outer, slice=inner):
            return _of_subscript(project, module, (dotted(outer) or "").rpartition(".")[2], inner, depth)
        case ast.Call():
            name = (dotted(node.func) or "").rpartition(".")[2]
            kind = {"constr": "string", "conint": "integer", "confloat": "number", "conlist": "array"}.get(name)
            if kind:
                items = schema_of_annotation(project, module, node.args[0], depth + 1) if node.args else {}
                base: Schema = {"type": kind, **({"items": items} if kind == "array" else {})}
                return with_field(base, node)[0]
    name = dotted(node) or ""
    last = name.rpartition(".")[2]
    if last in _KINDS:
        return dict(_KINDS[last])
    found = project.meaning(module, name) if name else None
    return schema_of_class(project, found, depth + 1) if isinstance(found, Class) else {}


def _of_subscript(project: Project, module: Module, name: str, inner: ast.expr, depth: int) -> Schema:
    items = list(inner.elts) if isinstance(inner, ast.Tuple) else [inner]
    if name == "Optional":
        return _either([schema_of_annotation(project, module, items[0], depth + 1), {"type": "null"}])
    if name == "Union":
        return _either([schema_of_annotation(project, module, each, depth + 1) for each in items])
    if name == "Literal":
        return {"enum": [each.value for each in items if isinstance(each, ast.Constant)]}
    if name in _LISTS:
        return {"type": "array", "items": schema_of_annotation(project, module, items[0], depth + 1)}
    if name == "Annotated":
        schema = schema_of_annotation(project, module, items[0], depth + 1)
        for each in items[1:]:
            if isinstance(each, ast.Call):
                schema = with_field(schema, each)[0]
        return schema
    return dict(_KINDS.get(name, {}))


def _either(choices: list[Schema]) -> Schema:
    others = [each for each in choices if each.get("type") != "null"]
    if len(others) == 1:
        kind = others[0].get("type")
        return {**others[0], "type": [kind, "null"]} if isinstance(kind, str) and len(choices) > 1 else others[0]
    kinds = [each.get("type") for each in others]
    if set(kinds) == {"integer", "number"}:
        return {"type": "number"}
    return {"anyOf": choices} if all(choices) and choices else {}


def is_model(project: Project, found: Class) -> bool:
    """Whether a class is one of Pydantic, msgspec or dataclasses."""
    decorated = {dotted(each.func if isinstance(each, ast.Call) else each) or "" for each in found.node.decorator_list}
    of_dataclasses = any(name.rpartition(".")[2] == "dataclass" for name in decorated)
    return bool(project.base_names(found) & _BASES) or of_dataclasses


def with_field(schema: Schema, call: ast.Call) -> tuple[Schema, bool]:
    """The schema with the bounds of `Field(…)`, and whether the field is required."""
    found: Schema = dict(schema)
    needed = True
    kind = found.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    suffix = "Items" if "array" in kinds else "Length"
    for each in call.keywords:
        value = each.value.value if isinstance(each.value, ast.Constant) else _number(each.value)
        if each.arg in _BOUNDS and value is not None:
            found[_BOUNDS[each.arg]] = value
        elif each.arg in _LENGTHS and value is not None:
            found[_LENGTHS[each.arg] + suffix] = value
        elif each.arg in {"default", "default_factory"}:
            needed = False
            if each.arg == "default" and value is not None:
                found["default"] = value
    if call.args and not (isinstance(call.args[0], ast.Constant) and call.args[0].value is Ellipsis):
        needed = False
        if isinstance(call.args[0], ast.Constant) and call.args[0].value is not None:
            found["default"] = call.args[0].value
    return found, needed


def _number(node: ast.expr) -> Any:  # noqa: ANN401 - a literal
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return None
