"""What lets requests in is found in decorators, hooks, classes and views, and nothing else is taken for it."""

from pathlib import Path

import pytest

from inventory.test_answers import operations

VIEW = "@app.get('/a')\n{decorators}def a():\n    {body}\n    return jsonify(a=1)\n"
REFUSE = "return jsonify(error='no'), 401"


@pytest.mark.parametrize(
    ("before", "decorator", "expected"),
    [
        ("from flask_login import login_required", "@login_required", "session"),
        ("from flask_jwt_extended import jwt_required", "@jwt_required()", "bearer"),
        ("from flask_jwt_extended import jwt_required as needs", "@needs(fresh=True)", "bearer"),
        ("from flask_httpauth import HTTPBasicAuth\nauth = HTTPBasicAuth()", "@auth.login_required", "basic"),
        ("from flask_httpauth import HTTPTokenAuth\nt = HTTPTokenAuth()", "@t.login_required(role='x')", "bearer"),
        ("from elsewhere import token_required", "@token_required", "bearer"),
        ("from elsewhere import require_api_key", "@require_api_key", "api key"),
        ("from elsewhere import admin_only", "@admin_only", "other"),
    ],
)
def test_decorators_of_libraries_are_known_by_where_they_are_from_or_by_name(
    tmp_path: Path, before: str, decorator: str, expected: str
) -> None:
    found = operations(tmp_path, before + "\n" + VIEW.format(decorators=f"{decorator}\n", body="pass"))

    assert [(each.kind, each.through) for each in found["GET /a"].access] == [(expected, "decorator")]


CHECKS = [
    ("request.headers.get('Authorization')", "bearer", "Authorization"),
    ("request.headers['Authorization'].removeprefix('Bearer ')", "bearer", "Authorization"),
    ("base64.b64decode(request.headers.get('Authorization')[6:])", "basic", "Authorization"),
    ("request.authorization", "basic", "Authorization"),
    ("request.headers.get('X-API-Key') == KEY", "api key", "X-API-Key"),
    ("request.args.get('api_key') == KEY", "api key", "?api_key="),
    ("request.cookies.get('session_id')", "cookie", "session_id"),
    ("session.get('user')", "session", "session['user']"),
    ("'user' in session", "session", "session['user']"),
]


@pytest.mark.parametrize(("condition", "kind", "name"), CHECKS)
@pytest.mark.parametrize("where", ["decorator", "decorator with arguments", "view", "hook", "helper"])
def test_what_the_projects_own_code_asks_for(tmp_path: Path, where: str, condition: str, kind: str, name: str) -> None:
    head = "import base64, functools\nfrom flask import session\nKEY = object()\n"
    check = f"if not ({condition}):\n{{}}    {REFUSE}\n"
    text = {
        "decorator": f"def guard(view):\n    @functools.wraps(view)\n    def inner(*a, **k):\n        "
        f"{check.format('        ')}        return view(*a, **k)\n    return inner\n"
        + VIEW.format(decorators="@guard\n", body="pass"),
        "decorator with arguments": f"def guard(role):\n    def around(view):\n        def inner(*a):\n            "
        f"{check.format('            ')}            return view(*a)\n        return inner\n    return around\n"
        + VIEW.format(decorators="@guard('x')\n", body="pass"),
        "view": VIEW.format(decorators="", body=check.format("    ").rstrip()),
        "hook": f"@app.before_request\ndef guard():\n    {check.format('    ')}"
        + VIEW.format(decorators="", body="pass"),
        "helper": f"def check():\n    if not ({condition}):\n        abort(401)\n"
        + VIEW.format(decorators="", body="check()"),
    }[where]

    found = operations(tmp_path, head + text)

    assert [(each.kind, each.name) for each in found["GET /a"].access] == [(kind, name)]


@pytest.mark.parametrize(
    "text",
    [
        VIEW.format(decorators="", body="theme = request.cookies.get('theme')"),
        VIEW.format(decorators="", body="lang = request.headers.get('Accept-Language')"),
        VIEW.format(decorators="", body="trace = request.headers.get('X-Request-Id')"),
        "from elsewhere import cached, timed\n" + VIEW.format(decorators="@cached(60)\n@timed\n", body="pass"),
        "from flask_jwt_extended import jwt_required\n"
        + VIEW.format(decorators="@jwt_required(optional=True)\n", body="pass"),
        "@app.before_request\ndef count():\n    request.headers.get('Authorization')\n"
        + VIEW.format(decorators="", body=""),
        "@app.before_request\ndef guard():\n    if request.endpoint != 'a' and not request.headers.get('X-Key'):\n"
        "        abort(401)\n" + VIEW.format(decorators="", body=""),
    ],
)
def test_what_lets_nobody_in_is_not_taken_for_it(tmp_path: Path, text: str) -> None:
    assert operations(tmp_path, text)["GET /a"].access == []


def test_a_hook_of_a_blueprint_guards_its_routes_alone(tmp_path: Path) -> None:
    found = operations(
        tmp_path,
        """
        from flask import Blueprint
        admin = Blueprint("admin", __name__, url_prefix="/admin")

        @admin.before_request
        def guard():
            if request.headers.get("X-Admin-Token") != "x":
                abort(403)

        @admin.get("/users")
        def users():
            return jsonify([])

        @app.get("/open")
        def open_to_all():
            return jsonify([])

        app.register_blueprint(admin)
        """,
    )

    assert [each.name for each in found["GET /admin/users"].access] == ["X-Admin-Token"]
    assert found["GET /open"].access == []


@pytest.mark.parametrize(
    ("condition", "guarded"),
    [
        ("if request.path == '/a':\n        return None\n    {check}", {"/b", "/c/d"}),
        ("if request.endpoint in ('a', 'b'):\n        return\n    {check}", {"/c/d"}),
        ("if request.path.startswith('/c'):\n        return None\n    {check}", {"/a", "/b"}),
        ("if request.path != '/a':\n        {check}", {"/b", "/c/d"}),
        ("if request.path not in ['/a', '/b']:\n        {check}", {"/c/d"}),
        ("if not request.path.startswith('/c'):\n        {check}", {"/a", "/b"}),
        ("if request.path.startswith('/c'):\n        {check}", {"/c/d"}),
        ("if request.endpoint == 'b':\n        {check}", {"/b"}),
        ("{check}", {"/a", "/b", "/c/d"}),
    ],
)
def test_a_hook_says_for_which_requests_it_counts(tmp_path: Path, condition: str, guarded: set[str]) -> None:
    check = "if not request.headers.get('X-Key'): abort(401)"
    hook = f"@app.before_request\ndef guard():\n    {condition.format(check=check)}\n"
    views = "".join(
        f"@app.get('{path}')\ndef {name}():\n    return jsonify(a=1)\n"
        for path, name in (("/a", "a"), ("/b", "b"), ("/c/d", "d"))
    )

    found = operations(tmp_path, hook + views)

    assert {each.path for each in found.values() if each.access} == guarded
