"""Drafts from OpenAPI documents: sign-in by each security scheme, a request for each operation, right answers."""

import json
from pathlib import Path
from typing import Any

import pytest
from serving_lab.documents.examples import Examples
from serving_lab.documents.finding import USUAL_PLACES
from serving_lab.documents.openapi import OpenApiDocument
from support.fake_server import Asked, Says

from drafting.drafts import document, draft, of_document, recorded

OK: dict[str, Any] = {"responses": {"200": {"description": "ok"}}}
A = {"$ref": "#/components/schemas/A"}
CREDENTIALS = {
    "type": "object",
    "required": ["email", "password"],
    "properties": {"email": {"type": "string"}, "password": {"type": "string"}},
}


def body(schema: object, media_type: str = "application/json") -> dict[str, Any]:
    return {"requestBody": {"content": {media_type: {"schema": schema}}}, **OK}


def secured(scheme: dict[str, Any], **paths: dict[str, Any]) -> dict[str, Any]:
    content = document(things={"get": OK}, **paths)
    return content | {"components": {"securitySchemes": {"s": scheme}}, "security": [{"s": []}]}


def login(**answer: object) -> dict[str, Any]:
    answered = {"content": {"application/json": {"schema": {"type": "object", "properties": answer}}}}
    return {"post": body(CREDENTIALS) | {"security": [], "responses": {"200": answered}}}


@pytest.mark.parametrize(
    ("scheme", "line"),
    [
        ({"type": "apiKey", "in": "header", "name": "X-API-Key"}, 'X-API-Key: "${env:API_KEY}"'),
        ({"type": "apiKey", "in": "cookie", "name": "sid"}, 'Cookie: "sid=${env:API_SID}"'),
        ({"type": "apiKey", "in": "query", "name": "key"}, 'key: "${env:API_KEY}"'),
        ({"type": "http", "scheme": "basic"}, 'Authorization: "Basic ${env:API_BASIC}"'),
        ({"type": "http", "scheme": "bearer"}, 'Authorization: "Bearer ${env:API_TOKEN}"'),
        ({"type": "openIdConnect", "openIdConnectUrl": "/x"}, 'Authorization: "Bearer ${env:API_TOKEN}"'),
        (
            {"type": "oauth2", "flows": {"password": {"tokenUrl": "token", "scopes": {}}}},
            'form: {grant_type: password, username: "${env:API_USERNAME}", password: "${env:API_PASSWORD}"}',
        ),
        (
            {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": {}}}},
            "form: {grant_type: client_credentials, "
            'client_id: "${env:API_CLIENT_ID}", client_secret: "${env:API_CLIENT_SECRET}"}',
        ),
        (
            {"type": "oauth2", "flows": {"password": {"tokenUrl": "https://elsewhere.example/token", "scopes": {}}}},
            "# to do: its tokens come from another host: set API_TOKEN to one",
        ),
        ({"type": "mutualTLS"}, "# to do: the document asks for a client certificate, which the lab does not send"),
    ],
)
def test_each_security_scheme_becomes_a_sign_in_or_an_authorization(
    tmp_path: Path, scheme: dict[str, Any], line: str
) -> None:
    drafted = of_document(tmp_path, secured(scheme))

    assert drafted.line(line)
    assert drafted.description.requests


def test_a_login_of_the_document_gives_the_token_of_a_bearer_scheme(tmp_path: Path) -> None:
    bearer = {"type": "http", "scheme": "bearer"}
    text = {"type": "string"}
    drafted = of_document(tmp_path, secured(bearer, login=login(accessToken=text, expires_in={"type": "integer"})))

    sign_in = drafted.description.sign_in
    assert sign_in is not None
    assert (sign_in.save, sign_in.lifetime) == ({"token": "$.accessToken"}, "$.expires_in")
    assert json.loads(sign_in.request.body) == {"email": "the-username", "password": "the-password"}
    assert drafted.description.authorization == (("Authorization", "Bearer ${token}"),)
    assert [*drafted.description.requests] == ["things"]
    assert "set API_USERNAME, API_PASSWORD in the environment" in drafted.said


def test_with_its_variables_set_the_sign_in_is_tried_and_corrected(tmp_path: Path) -> None:
    def respond(asked: Asked) -> Says:
        if asked.path == "/login":
            right = asked.json() == {"email": "me", "password": "let me in"}
            return Says({"data": {"jwt": "abc.def", "expires_in": 60}}) if right else Says({}, 401)
        return Says({"n": 1}) if asked.headers.get("authorization") == "Bearer abc.def" else Says({}, 401)

    content = secured({"type": "http", "scheme": "bearer"}, login=login())
    right = {"API_USERNAME": "me", "API_PASSWORD": "let me in"}
    drafted = of_document(tmp_path, content, respond, right)

    assert drafted.line("save: {token: $.data.jwt}")
    assert drafted.line("lifetime: $.data.expires_in")
    assert drafted.line("reading: {things: 1}")
    assert "to do:" not in drafted.text.partition("sign_in:")[2]

    (tmp_path / "api.yaml").unlink()
    drafted = of_document(tmp_path, content, respond, right | {"API_PASSWORD": "wrong"})
    assert drafted.line("# to do: it was answered 401: are API_USERNAME and API_PASSWORD right?")
    assert [asked.path for asked in drafted.asked if asked.path == "/things"] == []


@pytest.mark.parametrize(
    ("schema", "example"),
    [
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "integer", "exclusiveMaximum": 0}, -1),
        ({"type": "number", "maximum": 0.25}, 0.25),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, 2),
        ({"type": "integer", "multipleOf": 7}, 7),
        ({"type": "string", "minLength": 6}, "textxx"),
        ({"type": "string", "maxLength": 2}, "te"),
        ({"type": "string", "format": "date"}, "2026-01-31"),
        ({"enum": ["a", "b"]}, "a"),
        ({"const": 3}, 3),
        ({"type": ["null", "boolean"]}, True),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, 1),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 3}, [1, 1, 1]),
        ({"type": "array", "items": {"type": "integer"}, "maxItems": 0}, []),
        ({"type": "object", "required": ["a"], "properties": {"a": {"default": 2}, "b": {}}}, {"a": 2}),
        ({"properties": {"a": {"example": "x"}, "id": {"type": "integer", "readOnly": True}}}, {"a": "x"}),
        ({"allOf": [A, {"required": ["b"], "properties": {"b": {}}}]}, {"a": 9, "b": "text"}),
        ({"$ref": "#/components/schemas/Tree"}, {"child": {"child": {}}}),
        ({"type": "int"}, 1),
        ({"type": "bool"}, True),
        ({"type": "telephone"}, "text"),
    ],
)  # fmt: skip
def test_an_example_is_made_of_a_schema_that_has_none(schema: dict[str, Any], example: object) -> None:
    a = {"type": "object", "required": ["a"], "properties": {"a": {"examples": [9]}}}
    tree = {"type": "object", "properties": {"child": {"$ref": "#/components/schemas/Tree"}}}
    content = document() | {"components": {"schemas": {"A": a, "Tree": tree}}}

    assert Examples(OpenApiDocument.of(content)).of_schema(schema, "x") == example


@pytest.mark.parametrize(
    ("place", "odd"),
    [
        (("security",), [1, "b", {"s": []}]),
        (("components", "securitySchemes", "s", "type"), {"a": 1}),
        (("components", "securitySchemes", "s"), "x"),
        (("paths", "/things", "get", "parameters"), [{"in": "query", "name": {}, "required": True}, 7]),
        (("paths", "/things", "get", "responses"), [1]),
        (("paths", "/things", "get", "requestBody"), {"content": {"application/json": {"example": "\ud800 ${x}"}}}),
    ],
)
def test_what_is_odd_in_a_document_costs_no_more_than_itself(
    tmp_path: Path, place: tuple[str, ...], odd: object
) -> None:
    content = json.loads(json.dumps(secured({"type": "http", "scheme": "bearer"}, others={"get": OK})))
    holder: Any = content
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = odd

    assert "others" in of_document(tmp_path, content).description.requests


def test_requests_are_of_examples_and_what_was_made_up_is_marked(tmp_path: Path) -> None:
    number = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
    size = {"name": "size", "in": "query", "required": True, "example": "a b", "schema": {}}
    media = {"schema": {"type": "object"}, "examples": {"first": {"value": {"item": "apple"}}}}
    rule = {
        "type": "object",
        "required": ["id", "of"],
        "properties": {"id": {"type": "integer"}, "of": {"type": "array"}},
    }
    created = {"201": {"description": "", "content": {"application/json": {"schema": rule}}}}
    post = {"requestBody": {"content": {"application/json": media}}, "responses": created}
    of_one = {"orders/{id}": {"parameters": [number], "get": OK, "delete": OK}}
    drafted = of_document(tmp_path, document(**of_one, orders={"get": OK | {"parameters": [size]}, "post": post}))

    assert [*drafted.description.requests] == ["get_orders_by_id", "delete_orders_by_id", "get_orders", "post_orders"]
    assert drafted.line("request: {method: POST, path: /orders, json: {item: apple}}")
    assert drafted.line("expect: {status: 201, json: {$.id: integer, $.of: list}}")
    assert drafted.line('request: {path: "/orders?size=a%20b"}')
    made_up = [number for number, line in enumerate(drafted.text.splitlines(), 1) if "made up" in line]
    assert all(f"api.yaml:{line}: to do: made up, the document has no example: id" in drafted.said for line in made_up)
    assert len(made_up) == 2
    assert {asked.method for asked in drafted.asked} == {"GET"}


def test_the_mix_has_what_changes_nothing_and_answered_2xx(tmp_path: Path) -> None:
    paths = {name: {"get": OK} for name in ("good", "bad", "logout")} | {"things": {"post": OK}}

    drafted = of_document(
        tmp_path, document(**paths), lambda asked: Says({"a": 1}, 500 if "bad" in asked.path else 200)
    )

    assert drafted.description.mixes == {"reading": {"good": 1}}
    assert drafted.line("# Not in it, because they may change something: logout, things")
    assert drafted.line("# to do: it was answered 500 when it was asked")
    assert drafted.line('exclude: ["* /logout"]')
    assert "/logout" not in {asked.path for asked in drafted.asked}


@pytest.mark.parametrize("place", ["/openapi.json", "/v3/api-docs", USUAL_PLACES[-1]])
def test_the_document_is_looked_for_at_the_usual_places(tmp_path: Path, place: str) -> None:
    content = document(here={"get": OK})

    drafted = draft(tmp_path, respond=lambda asked: Says(content if asked.path == place else {"n": 1}))

    assert drafted.line("reading: {here: 1}")
    assert "openapi:" not in drafted.text


@pytest.mark.parametrize("recorded_sign_in", [True, False])
def test_a_document_behind_the_sign_in_is_found_once_signed_in(tmp_path: Path, recorded_sign_in: bool) -> None:
    has = {"/login": {"token": "t-123456"}, "/v3/api-docs": document(here={"get": OK}), "/here": {"n": 1}}
    known = {"API_TOKEN": "t-123456", "API_PASSWORD": "p"}

    def respond(asked: Asked) -> Says:
        let_in = asked.path == "/login" or asked.headers.get("authorization") == "Bearer t-123456"
        return Says(has[asked.path]) if let_in and asked.path in has else Says({}, 401)

    options: tuple[str, ...] = ()
    if recorded_sign_in:
        login = recorded("POST", "https://a/login", {"password": "p"}, answer={"token": "t-123456"})
        (tmp_path / "a.har").write_text(json.dumps({"log": {"version": "1.2", "entries": [login]}}), encoding="utf-8")
        options, known = ("--har", "a.har"), {"API_PASSWORD": "p"}
    drafted = draft(tmp_path, *options, respond=respond, environment=known)

    assert "here" in drafted.description.requests
    assert sum(asked.path == "/login" for asked in drafted.asked) == recorded_sign_in
