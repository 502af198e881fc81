"""What validation libraries are told of a request, as JSON Schema: read from source, so none need be installed."""

import ast
from collections.abc import Iterator

from serving_lab.inventory.result import Schema
from serving_lab.inventory.source.annotations import is_model, schema_of_class
from serving_lab.inventory.source.project import Class, Function, Module, Project, dotted
from serving_lab.inventory.source.request_values import literal

_MARSHMALLOW: dict[str, Schema] = {
    "Str": {"type": "string"},
    "String": {"type": "string"},
    "Int": {"type": "integer"},
    "Integer": {"type": "integer"},
    "Float": {"type": "number"},
    "Decimal": {"type": "number"},
    "Number": {"type": "number"},
    "Bool": {"type": "boolean"},
    "Boolean": {"type": "boolean"},
    "List": {"type": "array"},
    "Dict": {"type": "object"},
    "Email": {"type": "string", "format": "email"},
    "Url": {"type": "string", "format": "uri"},
    "URL": {"type": "string", "format": "uri"},
    "UUID": {"type": "string", "format": "uuid"},
    "DateTime": {"type": "string", "format": "date-time"},
    "Date": {"type": "string", "format": "date"},
    "Nested": {"type": "object"},
    "DelimitedList": {"type": "array"},
}
_WTFORMS = {
    "StringField": "string",
    "TextAreaField": "string",
    "PasswordField": "string",
    "IntegerField": "integer",
    "EmailField": "string",
    "FloatField": "number",
    "DecimalField": "number",
    "BooleanField": "boolean",
    "SelectField": "string",
    "DateField": "string",
    "HiddenField": "string",
    "FileField": "string",
    "URLField": "string",
}
_OF_PYTHON = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
}
_CERBERUS = {
    "string": "string",
    "integer": "integer",
    "float": "number",
    "number": "number",
    "boolean": "boolean",
    "list": "array",
    "dict": "object",
    "datetime": "string",
}
_LOCATIONS = {
    "json": "json",
    "query": "query",
    "querystring": "query",
    "form": "form",
    "args": "query",
    "headers": "header",
    "files": "files",
    "json_or_form": "json",
    "values": "query",
    "cookies": "cookie",
}
_LOADS = frozenset(
    {"load", "loads", "validate", "model_validate", "parse_obj", "from_dict", "parse_raw", "model_validate_json"}
)
_DECORATORS = frozenset({"use_args", "use_kwargs", "arguments", "expect", "validate", "input", "use_body"})
_FORMS = frozenset({"validate_on_submit", "validate"})

Asked = Iterator[tuple[str, Schema, str]]
"""Each with the part of the request, the schema, and what says so."""


class Libraries:
    """Reads the schemas that calls and decorators name."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def asked(self, function: Function, node: ast.expr) -> Asked:
        """What a call, or a decorator, asks of the request."""
        if not isinstance(node, ast.Call):
            return
        name = ast.unparse(node.func)
        last = name.rpartition(".")[2]
        code = ast.unparse(node)
        if last in _DECORATORS and node in function.node.decorator_list:
            yield from ((where, schema, code) for where, schema in self._of_decorator(function, node))
        elif last == "add_argument" and node.args and "add_argument" in name:
            return
        elif last == "parse_args" and isinstance(node.func, ast.Attribute):
            yield from ((where, schema, code) for where, schema in self._of_parser(function, node.func.value))
        elif last == "validate" and len(node.args) >= 2 and "jsonschema" in self._source(function, node.func):
            known = literal(self._project, function, node.args[1])
            if known and isinstance(known.value, dict):
                yield "json", known.value, code
        elif (last in _LOADS and isinstance(node.func, ast.Attribute)) or (
            last in _FORMS and isinstance(node.func, ast.Attribute)
        ):
            yield from ((where, schema, code) for where, schema in self._of_load(function, node.func.value, last))
        elif any(each.arg is None for each in node.keywords):
            found = self._class(function, node.func)
            if found and is_model(self._project, found):
                yield "json", schema_of_class(self._project, found), code

    def of_class(self, found: Class) -> Schema:
        """The schema of a class of any of these libraries."""
        if self._is_marshmallow(found):
            return self._fields(found.module, list(self._assignments(found)))
        return schema_of_class(self._project, found)

    def _of_decorator(self, function: Function, node: ast.Call) -> Iterator[tuple[str, Schema]]:
        where = "json"
        for each in node.keywords:
            if each.arg in {"location", "locations"} and isinstance(each.value, ast.Constant):
                where = _LOCATIONS.get(str(each.value.value), "json")
        for each in node.keywords:
            part = {"body": "json", "json": "json", "query": "query", "form": "form"}.get(each.arg or "")
            found = self._class(function, each.value) if part else None
            if part and found:
                yield part, self.of_class(found)
        if node.args:
            first = node.args[0]
            if isinstance(first, ast.Dict):
                yield where, self._fields(function.module, _pairs(first))
            elif found := self._class(function, first):
                yield where, self.of_class(found)
            elif isinstance(first, ast.Name):
                known = self._project.meaning(function.module, first.id)
                if isinstance(known, ast.Dict):
                    yield where, self._fields(function.module, _pairs(known))
                elif isinstance(known, ast.Call):
                    if isinstance(known.func, ast.Attribute) and known.func.attr == "model" and len(known.args) > 1:
                        members = known.args[1]
                        if isinstance(members, ast.Dict):
                            yield where, self._fields(function.module, _pairs(members))
                    elif (dotted(known.func) or "").rpartition(".")[2] == "RequestParser":
                        yield from self._of_parser(function, first)

    def _of_load(self, function: Function, made: ast.expr, last: str) -> Iterator[tuple[str, Schema]]:
        found = self._class(function, made)
        if found is None and isinstance(made, (ast.Name, ast.Attribute)):
            value = self._assigned(function, made)
            if isinstance(value, ast.Call):
                if (dotted(value.func) or "").rpartition(".")[2] == "Validator" and value.args:
                    known = literal(self._project, function, value.args[0])
                    if known and isinstance(known.value, dict):
                        yield "json", _of_cerberus(known.value)
                    return
                found = self._class(function, value)
        if (
            found is None
            and isinstance(made, ast.Call)
            and (dotted(made.func) or "").endswith("Validator")
            and made.args
        ):
            known = literal(self._project, function, made.args[0])
            if known and isinstance(known.value, dict):
                cerberus = "cerberus" in self._source(function, made.func)
                yield "json", _of_cerberus(known.value) if cerberus else known.value
            return
        if found is None:
            return
        if self._is_form(found):
            yield "form", self._form(found)
        elif self._is_marshmallow(found) or (last not in _FORMS and is_model(self._project, found)):
            yield "json", self.of_class(found)

    def _of_parser(self, function: Function, parser: ast.expr) -> Iterator[tuple[str, Schema]]:
        """The arguments of `reqparse.RequestParser`."""
        name = ast.unparse(parser)
        by_part: dict[str, Schema] = {}
        for node in ast.walk(function.module.tree):
            if (
                not isinstance(node, ast.Call)
                or not isinstance(node.func, ast.Attribute)
                or node.func.attr != "add_argument"
                or ast.unparse(node.func.value) != name
                or not node.args
                or not isinstance(node.args[0], ast.Constant)
            ):
                continue
            given = {each.arg: each.value for each in node.keywords}
            location = given.get("location")
            where = "json"
            if isinstance(location, ast.Constant):
                where = _LOCATIONS.get(str(location.value), "json")
            schema: Schema = {}
            kind = _OF_PYTHON.get((dotted(given["type"]) or "").rpartition(".")[2]) if "type" in given else None
            if kind:
                schema["type"] = kind
            elif "type" not in given:
                schema["type"] = "string"
            choices = literal(self._project, function, given["choices"]) if "choices" in given else None
            if choices and isinstance(choices.value, list):
                schema["enum"] = choices.value
            if (
                "action" in given
                and isinstance(given["action"], ast.Constant)
                and given["action"].value in {"append", "split"}
            ):
                schema = {"type": "array", "items": schema}
            field = str(node.args[0].value).lstrip("-")
            whole = by_part.setdefault(where, {"type": "object", "properties": {}, "required": []})
            whole["properties"][field] = schema
            if _is_true(given.get("required")):
                whole["required"].append(field)
        yield from by_part.items()

    def _fields(self, module: Module, pairs: list[tuple[str, ast.expr]]) -> Schema:
        properties: dict[str, Schema] = {}
        required = []
        for name, value in pairs:
            if not isinstance(value, ast.Call):
                continue
            last = (dotted(value.func) or "").rpartition(".")[2]
            if last not in _MARSHMALLOW:
                continue
            given = {each.arg: each.value for each in value.keywords}
            if _is_true(given.get("dump_only")) or _is_true(given.get("readonly")):
                continue
            properties[name] = self._field(module, last, value, given)
            if _is_true(given.get("required")):
                required.append(name)
        return {"type": "object", "properties": properties, **({"required": required} if required else {})}

    def _field(self, module: Module, last: str, value: ast.Call, given: dict[str | None, ast.expr]) -> Schema:
        schema: Schema = dict(_MARSHMALLOW[last])
        if last in {"List", "DelimitedList"} and value.args:
            inner = value.args[0]
            call = inner if isinstance(inner, ast.Call) else ast.Call(inner, [], [])
            kind = (dotted(call.func) or "").rpartition(".")[2]
            if kind in _MARSHMALLOW:
                schema["items"] = self._field(module, kind, call, {each.arg: each.value for each in call.keywords})
        if last == "Nested" and value.args:
            found = self._project.meaning(module, dotted(value.args[0]) or "")
            schema = self.of_class(found) if isinstance(found, Class) else schema
            if _is_true(given.get("many")):
                schema = {"type": "array", "items": schema}
        checks = given.get("validate")
        for check in checks.elts if isinstance(checks, (ast.List, ast.Tuple)) else [checks] if checks else []:
            schema |= self._bounds(module, check, schema)
        for key in ("min_items", "max_items", "min_length", "max_length", "min", "max", "minimum", "maximum"):
            bound = given.get(key)
            if isinstance(bound, ast.Constant) and last != "Nested":
                schema[_bound_name(key, schema)] = bound.value
        if _is_true(given.get("allow_none")) and isinstance(schema.get("type"), str):
            schema["type"] = [schema["type"], "null"]
        for key in ("load_default", "missing", "default"):
            default = given.get(key)
            if isinstance(default, ast.Constant) and default.value is not None:
                schema["default"] = default.value
        return schema

    def _bounds(self, module: Module, check: ast.expr, schema: Schema) -> Schema:
        if not isinstance(check, ast.Call):
            return {}
        last = (dotted(check.func) or "").rpartition(".")[2]
        given = {each.arg: each.value for each in check.keywords}
        positional = dict(zip(("min", "max"), check.args, strict=False))
        found: Schema = {}
        if last in {"Length", "Range", "NumberRange"}:
            for key, value in (positional | {k: v for k, v in given.items() if k}).items():
                number = self._constant(module, value)
                if key in {"min", "max", "equal"} and isinstance(number, (int, float)):
                    if key == "equal":
                        found |= {_bound_name(f"{side}_length", schema): number for side in ("min", "max")}
                    else:
                        found[_bound_name(f"{key}_length" if last == "Length" else key, schema)] = number
        elif last in {"OneOf", "AnyOf"} and (check.args or "choices" in given or "values" in given):
            choices = self._constant(module, check.args[0] if check.args else given.get("choices") or given["values"])
            if isinstance(choices, (list, tuple)):
                found["enum"] = list(choices)
        elif last == "Regexp" and check.args:
            pattern = self._constant(module, check.args[0])
            if isinstance(pattern, str):
                found["pattern"] = pattern
        elif last == "Email":
            found["format"] = "email"
        return found

    def _form(self, found: Class) -> Schema:
        properties: dict[str, Schema] = {}
        required = []
        for name, value in self._assignments(found):
            last = (dotted(value.func) or "").rpartition(".")[2] if isinstance(value, ast.Call) else ""
            if not isinstance(value, ast.Call) or last not in _WTFORMS:
                continue
            schema: Schema = {"type": _WTFORMS[last]}
            given = {each.arg: each.value for each in value.keywords}
            validators = given.get("validators") or (value.args[1] if len(value.args) > 1 else None)
            for each in validators.elts if isinstance(validators, (ast.List, ast.Tuple)) else []:
                kind = (dotted(each.func if isinstance(each, ast.Call) else each) or "").rpartition(".")[2]
                if kind in {"DataRequired", "InputRequired"}:
                    required.append(name)
                schema |= self._bounds(found.module, each, schema)
            properties[name] = schema
        return {"type": "object", "properties": properties, **({"required": required} if required else {})}

    def _class(self, function: Function, node: ast.expr) -> Class | None:
        """The class that an expression is, or is an instance of."""
        called = node.func if isinstance(node, ast.Call) else node
        name = dotted(called)
        found = self._project.meaning(function.module, name) if name else None
        if isinstance(found, Class):
            return found
        if isinstance(found, ast.Call) and not isinstance(node, ast.Call):
            inner = self._project.meaning(function.module, dotted(found.func) or "")
            return inner if isinstance(inner, Class) else None
        return None

    def _assigned(self, function: Function, made: ast.expr) -> ast.expr | None:
        name = ast.unparse(made)
        if given := function.local.get(name):
            return given[-1]
        found = self._project.meaning(function.module, name)
        return found if isinstance(found, ast.expr) else None

    def _assignments(self, found: Class) -> Iterator[tuple[str, ast.expr]]:
        for each in reversed(list(self._project.bases(found))):
            for node in each.node.body:
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    yield node.targets[0].id, node.value

    def _source(self, function: Function, called: ast.expr) -> str:
        found = self._project.meaning(function.module, dotted(called) or "")
        return found if isinstance(found, str) else ""

    def _constant(self, module: Module, node: ast.expr) -> object:
        if isinstance(node, ast.Name):
            known = self._project.meaning(module, node.id)
            node = known if isinstance(known, ast.expr) else node
        try:
            return ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError):
            return None

    def _is_marshmallow(self, found: Class) -> bool:
        return any("Schema" in name for name in self._project.base_names(found))

    def _is_form(self, found: Class) -> bool:
        return any(name in {"FlaskForm", "Form", "BaseForm"} for name in self._project.base_names(found))


def _pairs(node: ast.Dict) -> list[tuple[str, ast.expr]]:
    return [
        (str(key.value), value)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant)
    ]


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _bound_name(key: str, schema: Schema) -> str:
    side, _, what = key.replace("minimum", "min").replace("maximum", "max").partition("_")
    if what == "items" or (what == "length" and schema.get("type") == "array"):
        return f"{side}Items"
    if what == "length" or schema.get("type") == "string":
        return f"{side}Length"
    return f"{side}imum"


def _of_cerberus(rules: dict[str, object]) -> Schema:
    properties: dict[str, Schema] = {}
    required = []
    for name, rule in rules.items():
        if not isinstance(rule, dict):
            continue
        schema: Schema = {}
        if str(rule.get("type")) in _CERBERUS:
            schema["type"] = _CERBERUS[str(rule["type"])]
        for key, keyword in (("minlength", "min_length"), ("maxlength", "max_length"), ("min", "min"), ("max", "max")):
            if key in rule:
                schema[_bound_name(keyword, schema)] = rule[key]
        if "allowed" in rule:
            schema["enum"] = rule["allowed"]
        if "regex" in rule:
            schema["pattern"] = rule["regex"]
        if isinstance(inner := rule.get("schema"), dict):
            if schema.get("type") == "array":
                schema["items"] = _of_cerberus({"item": inner})["properties"].get("item", {})
            else:
                schema |= _of_cerberus(inner)
        properties[name] = schema
        if rule.get("required"):
            required.append(name)
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}
