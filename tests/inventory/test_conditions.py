"""Whatever way a view checks its request in, the same rule is read of it."""

from pathlib import Path
from typing import Any

import pytest

from inventory.looked import learned, schema

GET = "data = request.get_json()\n"
REFUSE = "    return jsonify(error='no'), 400\n"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("'n' not in data", {"required": ["n"]}),
        ("not data or 'n' not in data", {"required": ["n"]}),
        ("data.get('n') is None", {"required": ["n"]}),
        ("not data.get('n')", {"required": ["n"]}),
        ("not ('n' in data and 'm' in data)", {"required": ["n", "m"]}),
        ("not all(k in data for k in ('n', 'm'))", {"required": ["n", "m"]}),
        ("any(k not in data for k in NAMES)", {"required": ["n", "m"]}),
        ("[k for k in NAMES if k not in data]", {"required": ["n", "m"]}),
        ("{'n', 'm'} - set(data)", {"required": ["n", "m"]}),
        ("set(NAMES).difference(data)", {"required": ["n", "m"]}),
        ("not set(NAMES) <= data.keys()", {"required": ["n", "m"]}),
        ("not set(NAMES).issubset(data)", {"required": ["n", "m"]}),
        ("not isinstance(data.get('n'), str)", {"n": {"type": "string"}}),
        ("not isinstance(data.get('n'), (int, float))", {"n": {"type": "number"}}),
        ("not isinstance(data.get('n'), int | float)", {"n": {"type": "number"}}),
        ("type(data.get('n')) is not list", {"n": {"type": "array", "items": {}}}),
        ("isinstance(data.get('n'), bool) or not isinstance(data.get('n'), int)", {"n": {"type": "integer"}}),
        ("data.get('n') < 3", {"n": {"type": "number", "minimum": 3}}),
        ("3 > data.get('n')", {"n": {"type": "number", "minimum": 3}}),
        ("data.get('n') <= 3", {"n": {"type": "number", "exclusiveMinimum": 3}}),
        ("not 3 <= data.get('n') <= LIMIT", {"n": {"type": "number", "minimum": 3, "maximum": 50}}),
        ("not (0 < data.get('n') and data.get('n') < 1)", {"n": {"type": "number", "exclusiveMinimum": 0}}),
        ("data.get('n') not in ('a', 'b')", {"n": {"type": "string", "enum": ["a", "b"]}}),
        ("data.get('n') not in CHOICES", {"n": {"type": "string", "enum": ["x", "y"]}}),
        ("not re.match(r'[a-z]+', data.get('n'))", {"n": {"type": "string", "pattern": "^(?:[a-z]+)"}}),
        ("not PATTERN.fullmatch(data.get('n'))", {"n": {"type": "string", "pattern": "^(?:[0-9]{4})$"}}),
        ("not isinstance(data.get('n'), list) or len(data.get('n')) != 4", {"n": {"minItems": 4, "maxItems": 4}}),
        ("not isinstance(data.get('n'), str) or len(data.get('n')) > 9", {"n": {"maxLength": 9}}),
        ("not isinstance(data.get('n'), str) or not 2 <= len(data['n']) <= 9", {"n": {"minLength": 2, "maxLength": 9}}),
        ("not data.get('n') or len(data['n']) > 9", {"n": {"minLength": 1, "maxLength": 9}, "required": ["n"]}),
        ("'n' in data and not isinstance(data['n'], str)", {"n": {"type": "string"}, "required": []}),
        ("'n' in data and data['n'] not in CHOICES", {"n": {"enum": ["x", "y"]}, "required": []}),
        ("data.get('n') is not None and not isinstance(data['n'], str)", {"n": {"type": ["string", "null"]}}),
        ("not all(isinstance(x, str) for x in data.get('n'))", {"n": {"type": "array", "items": {"type": "string"}}}),
        ("any(not isinstance(x, float) for x in data.get('n'))", {"n": {"type": "array", "items": {"type": "number"}}}),
    ],
)  # fmt: skip
def test_a_refused_condition_is_a_rule(tmp_path: Path, condition: str, expected: dict[str, Any]) -> None:
    before = "NAMES = ('n', 'm')\nLIMIT = 50\nCHOICES = {'x': 1, 'y': 2}\nPATTERN = re.compile(r'[0-9]{4}')\n"

    found = schema(tmp_path, f"{GET}if {condition}:\n{REFUSE}return jsonify(ok=True)\n", before)

    if "required" in expected:
        assert found.get("required", []) == expected["required"]
    field = found["properties"]["n"]
    assert {key: field.get(key) for key in expected.get("n", {})} == expected.get("n", {})


@pytest.mark.parametrize(
    "refusal",
    [
        "return jsonify({'error': 'no'}), 400",
        "return {'error': 'no'}, 422",
        "return bad('no')",
        "return bad('no', 409)",
        "abort(400)",
        "abort(400, description='no')",
        "raise ValueError('no')",
        "raise Problem('no')",
    ],
)
def test_every_way_to_refuse_counts(tmp_path: Path, refusal: str) -> None:
    before = """
        class Problem(Exception):
            status_code = 400

        def bad(text, status=400):
            response = jsonify(error=text)
            return response, status
    """

    found = schema(tmp_path, f"{GET}if 'n' not in data:\n    {refusal}\nreturn jsonify(ok=True)\n", before)

    assert found["required"] == ["n"]


def test_a_condition_that_does_not_refuse_is_no_rule(tmp_path: Path) -> None:
    found = schema(tmp_path, f"{GET}if 'n' in data:\n    return jsonify(n=data['n'])\nreturn jsonify(n=0)\n")

    assert found == {"type": "object", "properties": {"n": {}}}


@pytest.mark.parametrize(
    "body",
    [
        "missing = [k for k in ('n', 'm') if k not in data]\nif missing:\n    abort(400)\n",
        "for k in ('n', 'm'):\n    if k not in data:\n        abort(400)\n",
        "for k, least in {'n': 1, 'm': 2}.items():\n    if k not in data:\n        abort(400)\n",
        "if not complete(data):\n    abort(400)\n",
        "ok, why = checked(data)\nif not ok:\n    abort(400)\n",
        "errors = found(data)\nif errors:\n    abort(400)\n",
        "Checker(data).check()\n",
        "try:\n    n, m = data['n'], data['m']\nexcept KeyError:\n    abort(400)\n",
    ],
)
def test_checks_are_followed_through_loops_and_helpers(tmp_path: Path, body: str) -> None:
    before = """
        def complete(given):
            return 'n' in given and 'm' in given

        def checked(given):
            if 'n' not in given or 'm' not in given:
                return False, 'n and m are needed'
            return True, None

        def found(given):
            errors = []
            for name in ('n', 'm'):
                if not given.get(name):
                    errors.append(name)
            return errors

        class Checker:
            def __init__(self, given):
                if 'n' not in given:
                    raise ValueError('n')
                if 'm' not in given:
                    raise ValueError('m')

            def check(self):
                pass
    """

    found = schema(tmp_path, f"{GET}{body}return jsonify(ok=True)\n", before)

    assert found["required"] == ["n", "m"]


@pytest.mark.parametrize(
    ("read", "part"),
    [
        ("request.get_json()", "json"),
        ("request.get_json(force=True, silent=True) or {}", "json"),
        ("request.json", "json"),
        ("json.loads(request.data)", "json"),
        ("json.loads(request.get_data(as_text=True))", "json"),
        ("request.form", "form"),
        ("request.form.to_dict()", "form"),
        ("dict(request.args)", "query"),
        ("request.files", "files"),
    ],
)
def test_every_part_of_a_request_is_known(tmp_path: Path, read: str, part: str) -> None:
    found = learned(tmp_path, f"data = {read}\nreturn jsonify(data['n'])\n", "import json\n")

    assert found.parts[part].members["n"].required


@pytest.mark.parametrize(
    ("library", "call"),
    [
        (
            "from pydantic import BaseModel, Field\n"
            "class Item(BaseModel):\n    n: int = Field(ge=1, le=9)\n    m: str | None = None\n",
            "Item(**data)",
        ),
        (
            "from marshmallow import Schema, fields, validate\n"
            "class Item(Schema):\n    n = fields.Int(required=True, validate=validate.Range(min=1, max=9))\n"
            "    m = fields.Str(allow_none=True)\n",
            "Item().load(data)",
        ),
        (
            "import jsonschema\nITEM = {'type': 'object', 'required': ['n'], 'properties': {"
            "'n': {'type': 'integer', 'minimum': 1, 'maximum': 9}, 'm': {'type': ['string', 'null']}}}\n",
            "jsonschema.validate(data, ITEM)",
        ),
        (
            "from cerberus import Validator\nITEM = {'n': {'type': 'integer', 'required': True, 'min': 1, 'max': 9},"
            " 'm': {'type': 'string'}}\n",
            "Validator(ITEM).validate(data)",
        ),
        (
            "from flask_restful import reqparse\nparser = reqparse.RequestParser()\n"
            "parser.add_argument('n', type=int, required=True)\nparser.add_argument('m')\n",
            "parser.parse_args()",
        ),
    ],
    ids=["pydantic", "marshmallow", "jsonschema", "cerberus", "reqparse"],
)
def test_the_schemas_of_libraries_are_read_whether_they_are_installed_or_not(
    tmp_path: Path, library: str, call: str
) -> None:
    found = schema(tmp_path, f"{GET}{call}\nreturn jsonify(ok=True)\n", library)

    assert found["required"] == ["n"]
    field = found["properties"]["n"]
    assert field["type"] == "integer"
    if "reqparse" not in library:
        assert (field["minimum"], field["maximum"]) == (1, 9)
    assert "string" in found["properties"]["m"]["type"]


def test_what_is_checked_names_its_line_and_what_is_answered(tmp_path: Path) -> None:
    found = learned(tmp_path, f"{GET}if 'n' not in data:\n    return jsonify(error='n is needed'), 400\n")

    check = found.checks[0]
    assert (check.field, check.rule, check.error) == ("n", "is required", "400 n is needed")
    assert str(check.place) == "view.py:8"


def test_endless_recursion_in_a_project_ends(tmp_path: Path) -> None:
    before = "def again(data):\n    return again(data['n'])\n"

    assert schema(tmp_path, f"{GET}again(data)\n", before)["required"] == ["n"]
