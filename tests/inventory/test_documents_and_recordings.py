"""A service in any language is read by its document, or by what was recorded of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.command import lab
from support.fake_server import Says, fake_server

from inventory.looked import looked

DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1"},
    "components": {
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
        "schemas": {
            "Item": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "minimum": 1}}}
        },
    },
    "paths": {
        "/items/{id}": {
            "put": {
                "security": [{"key": []}],
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Item"}}}},
                "responses": {"200": {"description": "ok"}, "404": {"description": "no such item"}},
            }
        },
        "/health": {"get": {"responses": {"200": {"description": "ok"}}}},
    },
}


def test_the_document_of_a_running_service_is_found(tmp_path: Path) -> None:
    with fake_server(lambda asked: Says(DOCUMENT) if asked.path == "/openapi.json" else Says({}, 404)) as server:
        found = looked(server.base_url, tmp_path)
        given = looked(f"{server.base_url}/openapi.json", tmp_path, "--force")

    assert [each.label for each in given.result.operations] == [each.label for each in found.result.operations]
    put = found.operation("PUT /items/{id}")
    assert [(each.kind, each.name) for each in put.access] == [("api key", "X-Key")]
    assert [(each.field, each.rule) for each in put.checks] == [
        ("n", "is required, integer, at least 1"),
        ("path id", "integer"),
    ]
    assert 404 in {each.status for each in put.errors}
    assert "class ItemsByIdRequest(BaseModel):" in found.text("models.py")
    assert "X-Key: ${env:API_KEY}" in found.text("api.yaml").replace('"', "")


def test_a_document_in_a_file_in_yaml_is_read(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(json.dumps(DOCUMENT), encoding="utf-8")

    assert looked("shop.yaml", tmp_path).result.how == "document"


def entry(method: str, url: str, status: int, body: Any = None, answer: Any = None) -> dict[str, Any]:  # noqa: ANN401
    request: dict[str, Any] = {
        "method": method,
        "url": url,
        "headers": [{"name": "Authorization", "value": "Bearer a.b.c"}],
    }
    if body is not None:
        request["postData"] = {"mimeType": "application/json", "text": json.dumps(body)}
    content = {"mimeType": "application/json", "text": json.dumps(answer)}
    return {"request": request, "response": {"status": status, "content": content, "headers": []}}


def test_recorded_traffic_shows_operations_fields_and_errors_without_secrets(tmp_path: Path) -> None:
    base = "https://shop.example.org"
    entries = [
        entry("POST", f"{base}/login", 200, {"user": "u", "password": "open sesame"}, {"token": "secret-token-value"}),
        *(
            entry("POST", f"{base}/orders", 201, {"item": "a", "count": count, "tags": ["x"]}, {"id": count})
            for count in (1, 2)
        ),
        entry("POST", f"{base}/orders", 201, {"item": "b", "count": 1.5}, {"id": 9}),
        entry("POST", f"{base}/orders", 400, {"item": 7}, {"error": "item must be text"}),
        *(entry("GET", f"{base}/orders/{number}?page=2", 200, None, {"id": number}) for number in (1, 2, 3)),
    ]
    (tmp_path / "shop.har").write_text(json.dumps({"log": {"entries": entries}}), encoding="utf-8")

    found = looked("shop.har", tmp_path)

    assert [each.label for each in found.result.operations] == ["POST /login", "POST /orders", "GET /orders/{id}"]
    orders = found.operation("POST /orders")
    assert orders.body is not None
    assert orders.body.schema["required"] == ["item", "count"]
    assert orders.body.schema["properties"]["count"] == {"type": "number"}
    assert [(each.status, each.body) for each in orders.errors] == [(400, {"error": "item must be text"})]
    assert [each.name for each in found.operation("GET /orders/{id}").parameters] == ["id", "page"]
    written = "".join(path.read_text(encoding="utf-8") for path in found.folder.iterdir())
    assert "open sesame" not in written
    assert "secret-token-value" not in written


def test_a_postman_collection_is_read(tmp_path: Path) -> None:
    item = {"name": "a", "request": {"method": "POST", "url": "https://a.example.org/a", "header": [],
            "body": {"mode": "raw", "raw": '{"n": 1}', "options": {"raw": {"language": "json"}}}}}  # fmt: skip
    schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    collection = {"info": {"name": "c", "schema": schema}, "item": [item]}
    (tmp_path / "c.json").write_text(json.dumps(collection), encoding="utf-8")

    body = looked("c.json", tmp_path).operation("POST /a").body

    assert body is not None
    assert body.schema["properties"] == {"n": {"type": "integer"}}


@pytest.mark.parametrize(
    ("target", "problem", "hint"),
    [
        ("{url}", "has no OpenAPI document", "package.module:app"),
        ("page.html", "is not an OpenAPI document", ""),
        ("broken.har", "is not a HAR file", "Save all as HAR"),
        ("http://127.0.0.1:1", "does not answer", ""),
    ],
)
def test_what_is_no_document_is_told(tmp_path: Path, target: str, problem: str, hint: str) -> None:
    (tmp_path / "page.html").write_text("<html>", encoding="utf-8")
    (tmp_path / "broken.har").write_text("{", encoding="utf-8")
    with fake_server(lambda _: Says({}, 404)) as server:
        done = lab("inventory", target.format(url=server.base_url), cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, ""), done.stdout
    assert problem in done.stderr
    assert hint in done.stderr
