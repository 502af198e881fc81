"""Pydantic models drafted from an inventory, each with where it comes from."""

import keyword
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from serving_lab.inventory.draft_document import clean
from serving_lab.inventory.result import Operation, Schema

_HEAD = '''"""Drafts of the models of {title}, made by lab inventory: a start, not the contract.

Each says which lines of the old code it was read from. The old service may take more than these do: compare both with
lab parity before you rely on one.
"""
'''
_WORD = re.compile(r"[A-Za-z0-9]+")
_KINDS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_BOUNDS = {
    "minimum": "ge",
    "exclusiveMinimum": "gt",
    "maximum": "le",
    "exclusiveMaximum": "lt",
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_length",
    "maxItems": "max_length",
}
_FORMATS = {"uuid": ("UUID", "uuid"), "date-time": ("datetime", "datetime"), "date": ("date", "datetime")}
_OWN = frozenset({"copy", "json", "dict", "schema", "validate", "construct", "model_config"})
"""Names that a Pydantic model has already."""
_WIDEST = 120


@dataclass
class _Module:
    """The text of the file while it is written."""

    classes: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    imports: dict[str, set[str]] = field(default_factory=dict)

    def use(self, package: str, name: str) -> str:
        """A name that the file imports."""
        self.imports.setdefault(package, set()).add(name)
        return name

    def name(self, wanted: str) -> str:
        """A name for a class that no other has."""
        unique, number = wanted, 2
        while unique in self.names:
            unique, number = f"{wanted}{number}", number + 1
        self.names.add(unique)
        return unique


def models(operations: Sequence[Operation], title: str) -> str | None:
    """The file; None: nothing has a body or an answer whose fields are known."""
    module = _Module()
    several = {each.path for each in operations if sum(other.path == each.path for other in operations) > 1}
    for each in operations:
        base = _camel(each.path) or "Root"
        if each.path in several:
            base = each.method.capitalize() + base
        if each.body is not None and each.body.schema.get("properties"):
            _class(module, f"{base}Request", clean(each.body.schema), list(_origin(each, "body")), each)
        for answer in each.answers:
            if answer.schema.get("properties"):
                suffix = "" if answer.status == 200 else str(answer.status)
                _class(module, f"{base}Response{suffix}", clean(answer.schema), list(_origin(each, answer.place)), None)
    if not module.classes:
        return None
    module.use("pydantic", "BaseModel")
    standard = sorted(name for name in module.imports if name != "pydantic")
    lines = [f"from {name} import {', '.join(sorted(module.imports[name]))}" for name in standard]
    lines += [
        *([""] if lines else []),
        f"from pydantic import {', '.join(sorted(module.imports['pydantic'], key=_import_order))}",
    ]
    shown = " ".join(title.replace('"', "'").replace("\\", "/").split())
    return "\n".join([_HEAD.format(title=shown), *lines, "", "", "\n\n\n".join(module.classes), ""])


def _class(module: _Module, wanted: str, schema: Schema, origin: list[str], operation: Operation | None) -> str:
    name = module.name(wanted)
    lines: list[str] = []
    required = set(schema.get("required", ()))
    used: set[str] = set()
    for key, member in sorted(schema["properties"].items(), key=lambda item: item[0] not in required):
        lines += _field(module, name, key, member, key in required, used)
    if operation is not None:
        lines = [*_told(operation, lines)]
    head = [*_comment(f"Draft: {each}" for each in origin), f"class {name}(BaseModel):"]
    module.classes.append("\n".join([*head, *lines]))
    return name


def _told(operation: Operation, lines: list[str]) -> Iterator[str]:
    """The fields, each below what the old code asks of it."""
    for line in lines:
        match = re.match(r"    (\w+): .*?(?:alias=\"((?:[^\"\\]|\\.)*)\".*)?$", line)
        key = (match[2] or match[1]) if match else ""
        shown: dict[str, None] = {}
        for check in operation.checks:
            first = re.split(r"[.\[]", check.field.rpartition(" ")[2])[0]
            if first == key and check.place is not None:
                rest = check.field.rpartition(" ")[2][len(first) :]
                shown[f"{rest + ' ' if rest else ''}{check.rule} ({check.place})"] = None
        if shown:
            yield from _comment(["; ".join(shown)], 1)
        yield line


def _field(module: _Module, owner: str, key: str, schema: Schema, needed: bool, used: set[str]) -> Iterator[str]:
    annotation = _annotation(module, f"{owner}{_camel(key) or 'Field'}", schema)
    bounds = dict(_bounds(schema))
    name = _identifier(key)
    while name in used:
        name = f"{name}_"
    used.add(name)
    arguments = [f"{argument}={value}" for argument, value in bounds.items()]
    default = schema.get("default")
    if name != key:
        arguments.insert(0, f"alias={_text(key)}")
    if not needed:
        plain = isinstance(default, (str, int, float, bool)) and _fits(default, schema)
        if not plain and not annotation.endswith("| None") and annotation != "Any":
            annotation = f"{annotation} | None"
        value = (_text(default) if isinstance(default, str) else repr(default)) if plain else "None"
        arguments.insert(0, f"default={value}")
        if len(arguments) == 1:
            yield f"    {name}: {annotation} = {value}"
            return
    if not arguments:
        yield f"    {name}: {annotation}"
        return
    module.use("pydantic", "Field")
    yield f"    {name}: {annotation} = Field({', '.join(arguments)})"


def _annotation(module: _Module, name: str, schema: Schema) -> str:
    choices = schema.get("enum")
    if (
        isinstance(choices, list)
        and choices
        and all(isinstance(each, (str, int, bool)) or each is None for each in choices)
    ):
        values = [_text(each) if isinstance(each, str) else repr(each) for each in choices]
        return f"{module.use('typing', 'Literal')}[{', '.join(dict.fromkeys(values))}]"
    kind = schema.get("type")
    kinds = (
        [each for each in kind if isinstance(each, str)]
        if isinstance(kind, list)
        else [kind]
        if isinstance(kind, str)
        else []
    )
    parts = [_of_kind(module, name, each, schema) for each in kinds if each != "null"]
    if not parts:
        return module.use("typing", "Any")
    return " | ".join([*dict.fromkeys(parts), *(["None"] if "null" in kinds else [])])


def _of_kind(module: _Module, name: str, kind: str, schema: Schema) -> str:
    if kind == "array":
        items = schema.get("items")
        return f"list[{_item(module, name, items) if isinstance(items, dict) else module.use('typing', 'Any')}]"
    if kind == "object":
        if schema.get("properties"):
            return _class(module, name, schema, [f"a part of {name}"], None)
        return f"dict[str, {module.use('typing', 'Any')}]"
    if kind == "string" and schema.get("format") in _FORMATS:
        found, package = _FORMATS[schema["format"]]
        return module.use(package, found)
    return _KINDS.get(kind) or module.use("typing", "Any")


def _item(module: _Module, name: str, schema: Schema) -> str:
    annotation = _annotation(module, f"{name}Item", schema)
    if bounds := dict(_bounds(schema)):
        module.use("typing", "Annotated")
        module.use("pydantic", "Field")
        return f"Annotated[{annotation}, Field({', '.join(f'{key}={value}' for key, value in bounds.items())})]"
    return annotation


def _bounds(schema: Schema) -> Iterator[tuple[str, str]]:
    kinds = schema.get("type")
    kind = next((each for each in kinds if each != "null"), None) if isinstance(kinds, list) else kinds
    if "enum" in schema or (kind == "string" and schema.get("format") in _FORMATS):
        return
    for key, argument in _BOUNDS.items():
        value = schema.get(key)
        wanted = {"Length": "string", "Items": "array"}.get(key[3:], "number")
        fits = kind == wanted or (wanted == "number" and kind == "integer")
        if fits and isinstance(value, (int, float)) and not isinstance(value, bool):
            yield argument, repr(value)
    pattern = schema.get("pattern")
    # Pydantic's patterns are Rust's, which cannot look around.
    if (
        kind == "string"
        and isinstance(pattern, str)
        and "(?=" not in pattern
        and "(?!" not in pattern
        and "(?<" not in pattern
    ):
        yield "pattern", _text(pattern)


def _fits(default: Any, schema: Schema) -> bool:  # noqa: ANN401 - a literal
    if "enum" in schema:
        return default in schema["enum"] and not isinstance(default, float)
    if schema.get("format") in _FORMATS:
        return False
    kind = schema.get("type")
    kinds = set(kind) if isinstance(kind, list) else {kind}
    if isinstance(default, bool):
        return "boolean" in kinds
    if isinstance(default, str):
        return "string" in kinds
    return "number" in kinds or ("integer" in kinds and isinstance(default, int))


def _origin(operation: Operation, what: Any) -> Iterator[str]:  # noqa: ANN401 - a place, or which part
    place = f", {operation.place}" if operation.place else ""
    if what == "body":
        yield f"what {operation.label} takes{place}"
    else:
        yield f"what {operation.label} answers{f', {what}' if what else place}"


def _comment(texts: Any, indent: int = 0) -> Iterator[str]:  # noqa: ANN401 - texts
    begins = f"{'    ' * indent}#"
    for text in texts:
        line = begins
        for word in "".join(sign if sign.isprintable() else " " for sign in text).split():
            if len(line) + len(word) + 1 > _WIDEST and line != begins:
                yield line
                line = begins + " "
            line = f"{line} {word}"
        yield line


def _camel(text: str) -> str:
    words = _WORD.findall(re.sub(r"\{([^}]*)\}", r" by \1 ", text))
    joined = "".join(word[:1].upper() + word[1:] for word in words)
    return joined if not joined[:1].isdigit() else f"At{joined}"


def _identifier(key: str) -> str:
    name = re.sub(r"\W", "_", key, flags=re.ASCII).lstrip("_") or "field"
    if name[0].isdigit():
        name = f"field_{name}"
    if keyword.iskeyword(name) or name in _OWN or name.startswith("model_"):
        # Pydantic keeps the names that begin with model_ for itself.
        name = f"{name}_" if not name.startswith("model_") else name
    return name


def _text(text: str) -> str:
    shown = repr(text)
    return f'"{shown[1:-1]}"' if shown.startswith("'") and '"' not in text else shown


def _import_order(name: str) -> tuple[bool, str]:
    return name.isupper(), name
