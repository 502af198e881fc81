"""What is found in applications as people write them; the folder `shapes` has them, written anew."""

from collections.abc import Callable
from pathlib import Path

import pytest
from serving_lab.inventory.result import Operation

from inventory.looked import SHAPES, Looked, looked

pytestmark = pytest.mark.service

Look = Callable[[str], Looked]


@pytest.fixture(scope="module")
def look(tmp_path_factory: pytest.TempPathFactory) -> Look:
    """Looks at each application once."""
    known: dict[str, Looked] = {}

    def at(target: str) -> Looked:
        if target not in known:
            known[target] = looked(SHAPES / target, tmp_path_factory.mktemp("shape"))
        return known[target]

    return at


def access(operation: Operation) -> list[tuple[str, str, str]]:
    return [(each.kind, each.name, each.through) for each in operation.access]


def rules(operation: Operation) -> set[str]:
    return {f"{each.field}: {each.rule}" for each in operation.checks}


def errors(operation: Operation) -> list[tuple[int | None, object]]:
    return [(each.status, each.body) for each in operation.errors]


def test_a_factory_with_blueprints_forms_and_a_session(look: Look) -> None:
    found = look("flaskr")

    assert found.result.how == "import"
    assert [each.label for each in found.result.operations] == [
        "GET /",
        "GET /auth/login",
        "POST /auth/login",
        "GET /auth/logout",
        "GET /auth/register",
        "POST /auth/register",
        "GET /hello",
        "POST /{id}/delete",
        "GET /{id}/update",
        "POST /{id}/update",
    ]
    update = found.operation("POST /{id}/update")
    assert (str(update.place), update.group, update.handler) == ("flaskr/blog.py:27", "blog", "update")
    assert access(update) == [("session", "g.user", "decorator")]
    assert update.body is not None
    assert (update.body.kind, update.body.schema["required"]) == ("form", ["title"])
    assert "form title: is required, and not empty" in rules(update)
    assert (403, None) in errors(update)
    assert found.operation("GET /auth/login").access == []
    assert ("secret", "flaskr/__init__.py:10") in found.findings


def test_what_a_view_does_for_another_method_is_not_the_operations(look: Look) -> None:
    get, post = look("flaskr").operation("GET /auth/register"), look("flaskr").operation("POST /auth/register")

    assert get.body is None
    assert "generate_password_hash" not in {each.call for each in get.blocking}
    assert "generate_password_hash" in {each.call for each in post.blocking}
    # What loads the user before every request waits for the database each time.
    assert {each.kind for each in get.blocking} == {"database"}


def test_a_session_is_signed_in_to_by_its_cookie(look: Look) -> None:
    drafted = look("flaskr").text("api.yaml")

    assert "save: {session: {cookie: session}}" in drafted
    assert 'form: {username: "${env:API_USERNAME}", password: "${env:API_PASSWORD}"}' in drafted


def test_views_by_classes_with_hooks_converters_and_error_handlers(look: Look) -> None:
    found = look("shop.py")

    assert access(found.operation("GET /items")) == [("api key", "X-API-Key", "hook")]
    assert found.operation("GET /ping").access == []
    item = found.operation("PUT /items/{item_id}")
    assert (item.handler, item.parameters[0].schema["type"]) == ("ItemView.put", "integer")
    assert item.body is not None
    assert item.body.schema["required"] == ["name", "price"]
    assert item.body.schema["properties"] == {
        "name": {"type": "string", "minLength": 1, "maxLength": 40},
        "price": {"type": "number", "exclusiveMinimum": 0, "maximum": 10_000},
        "size": {"type": "string", "enum": ["small", "large"]},
        "sku": {"type": ["string", "null"], "pattern": r"^(?:[A-Z]{3}-\d{4})$"},
        "tags": {"type": "array", "items": {"type": "string"}},
    }
    assert (404, {"code": 404, "message": "no such thing"}) in errors(found.operation("GET /items/{item_id}"))
    assert (400, {"code": "…", "message": "missing: …"}) in errors(item)
    page = {each.name: each.schema for each in found.operation("GET /items").parameters}
    assert page["page"] == {"type": "integer", "minimum": 1, "default": 1}
    assert page["size"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
    order = found.operation("POST /v1/orders")
    assert order.body is not None
    assert order.body.schema["properties"]["quantity"] == {"type": "integer", "minimum": 1, "maximum": 99}
    assert [each.name for each in order.writes] == ["counter"]
    label = {
        each.call: (each.kind, each.async_helps) for each in found.operation("GET /v1/orders/{order_id}/label").blocking
    }
    assert label == {"time.sleep": ("sleep", True), "subprocess.run": ("process", True), "open": ("disk", True)}


def test_a_model_service_with_bounds_in_a_table(look: Look) -> None:
    found = look("scorer.py")

    score = found.operation("POST /score")
    assert score.body is not None
    assert score.body.schema["properties"]["score"] == {"type": "number", "minimum": 300, "maximum": 850}
    assert score.body.schema["required"] == ["age", "income", "score"]
    assert [(each.call, each.async_helps) for each in score.blocking] == [("model.predict", False)]
    assert (400, {"status": "error", "reason": "… is out of range"}) in errors(score)
    upload = found.operation("POST /upload")
    assert upload.body is not None
    assert upload.body.kind == "multipart"
    assert found.findings >= {
        ("unsafe loading", "scorer.py:13"),
        ("error text", "scorer.py:30"),
        ("state", "scorer.py:27"),
    }


def test_an_application_whose_libraries_are_missing_is_read_from_its_source(look: Look) -> None:
    found = look("tasks.py")

    assert found.result.how == "source"
    assert any("flask_httpauth" in each and "--python PATH" in each for each in found.result.unread)
    listed = found.operation("POST /todo/api/v1.0/tasks")
    assert access(listed) == [("basic", "@auth.login_required", "decorator")]
    assert listed.body is not None
    assert listed.body.schema["required"] == ["title"]
    assert found.operation("GET /todo/api/v1.0/tasks/{id}").summary == "One task."
    assert "Basic ${env:API_BASIC}" in found.text("api.yaml")
    assert any(kind == "debug" for kind, _ in found.findings)


def test_jwt_marshmallow_sqlalchemy_and_an_outside_service(look: Look) -> None:
    found = look("accounts/app.py")

    create = found.operation("POST /users")
    assert [kind for kind, *_ in access(create)] == ["bearer"]
    assert create.body is not None
    properties = create.body.schema["properties"]
    assert "id" not in properties
    assert properties["name"] == {"type": "string", "minLength": 1, "maxLength": 80}
    assert properties["address"]["properties"]["zip"]["pattern"] == r"^\d{5}$"
    assert {each.call: each.kind for each in create.blocking} == {
        "db.session.add": "database",
        "db.session.commit": "database",
        "requests.post": "network",
    }
    assert (422, {"errors": "…"}) in errors(create)
    assert found.operation("GET /public").access == []
    assert "save: {token: $.access_token}" in found.text("api.yaml")


def test_no_secret_is_printed_or_written(look: Look) -> None:
    for target, secret in (
        ("accounts/app.py", "hunter2"),
        ("accounts/app.py", "change-me-please"),
        ("shop.py", "shop-key-1"),
    ):
        found = look(target)
        assert any(kind == "secret" for kind, _ in found.findings)
        assert secret not in found.said
        assert all(secret not in path.read_text(encoding="utf-8") for path in found.folder.iterdir())


def test_fastapi_tells_its_types_and_its_source_tells_the_rest(look: Look) -> None:
    found = look("rides.py")

    book = found.operation("POST /v2/rides")
    assert book.is_async
    assert access(book) == [("bearer", "Authorization", "dependency")]
    assert book.body is not None
    assert book.body.schema["properties"]["stops"]["minItems"] == 2
    assert [each.call for each in book.blocking] == ["time.sleep"]
    assert {(422, "too many stops"), (401, "unknown rider")} <= {
        (status, body["detail"]) for status, body in errors(book) if isinstance(body, dict)
    }
    assert [each.label for each in found.result.operations] == [
        "GET /admin/status",
        "POST /v2/rides",
        "GET /v2/rides/{ride_id}",
    ]


def test_a_plain_callable_says_what_cannot_be_read(look: Look) -> None:
    found = look("plain.py")

    assert [each.label for each in found.result.operations] == ["GET /time", "any method /wait"]
    assert any("of no framework that is known" in each for each in found.result.unread)


def test_the_exercises_old_app(tmp_path: Path) -> None:
    found = looked(SHAPES.parents[1] / "exercise" / "old_app.py", tmp_path)

    predict = found.operation("POST /predict")
    assert access(predict) == [("bearer", "Authorization", "decorator")]
    assert predict.body is not None
    features = predict.body.schema["properties"]["features"]
    assert features == {"type": "array", "items": {"type": "number"}, "minItems": 10, "maxItems": 10}
    assert (400, {"error": "Expected 10 features"}) in errors(predict)
    assert [each.name for each in predict.writes] == ["cache"]
    batch = found.operation("POST /batch-predict").body
    assert batch is not None
    assert batch.schema["properties"]["samples"]["maxItems"] == 100
    assert {kind for kind, _ in found.findings} == {"secret", "error text", "state"}


@pytest.mark.parametrize("target", ["shop.py", "rides.py", "flaskr"])
def test_source_alone_finds_the_same_operations(look: Look, tmp_path: Path, target: str) -> None:
    # A folder says nothing of which file makes the application, so its routes are those of all files.
    path = SHAPES / target
    source = looked(path, tmp_path, "--source").result

    assert source.how == "source"
    imported = {(each.label, each.body is None, len(each.access)) for each in look(target).result.operations}
    assert {(each.label, each.body is None, len(each.access)) for each in source.operations} == imported
