"""OpenAPI documents of services that are not ours, for what generation and the surface make of them."""

from typing import Any

from serving_lab.documents.openapi import OpenApiDocument

_PET = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "tag": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
}


def predictions(**additions: object) -> OpenApiDocument:
    """Return the document of a service with one operation that takes JSON, one that takes nothing, and one to leave."""
    row = {
        "type": "array",
        "items": {"type": "number", "minimum": -1000, "maximum": 1000},
        "minItems": 4,
        "maxItems": 4,
    }
    body = {"type": "object", "required": ["features"], "properties": {"features": row}}
    return _document(
        {
            "/predict": {
                "post": {
                    "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
                    "security": [{"bearer": []}],
                }
            },
            "/health": {"get": {}},
            "/cache/clear": {"post": {}},
        }
        | additions,
        components={"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
    )


def pets(version: str) -> OpenApiDocument:
    """Return the document of a pet store: parameters everywhere, forms and files."""
    parameters = [
        {"name": "petId", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}},
        {"name": "X-Trace", "in": "header", "required": True, "schema": {"type": "string"}},
        {"name": "session", "in": "cookie", "schema": {"type": "string"}},
    ]
    query = [
        {"name": "tags", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
        {"name": "limit", "in": "query", "required": True, "schema": {"type": "integer", "maximum": 100}},
    ]
    file = {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}
    return _document(
        {
            "/pets": {
                "get": {"parameters": query},
                "post": {"requestBody": _body("application/json", {"$ref": "#/components/schemas/Pet"})},
            },
            "/pets/{petId}": {"parameters": parameters, "get": {}, "delete": {}},
            "/pets/{petId}/form": {
                "parameters": parameters,
                "post": {"requestBody": _body("application/x-www-form-urlencoded", _PET)},
            },
            "/pets/{petId}/image": {
                "parameters": parameters,
                "post": {"requestBody": _body("multipart/form-data", file)},
            },
            "/note": {"put": {"requestBody": _body("text/plain", {"type": "string"})}},
        },
        version=version,
        components={"schemas": {"Pet": _PET}},
        servers=[{"url": "https://pets.example.com/v3"}],
    )


def old_pets() -> OpenApiDocument:
    """Return a document in Swagger 2.0."""
    identifier = {"name": "petId", "in": "path", "required": True, "type": "integer"}
    name = {"name": "name", "in": "formData", "required": True, "type": "string"}
    body = {"name": "body", "in": "body", "schema": {"$ref": "#/definitions/Pet"}}
    return OpenApiDocument.of(
        {
            "swagger": "2.0",
            "info": {"title": "pets", "version": "1"},
            "basePath": "/v2",
            "definitions": {"Pet": _PET},
            "paths": {
                "/pets": {"post": {"consumes": ["application/json"], "parameters": [body], "responses": {}}},
                "/pets/{petId}": {
                    "get": {"parameters": [identifier], "responses": {}},
                    "post": {
                        "consumes": ["application/x-www-form-urlencoded"],
                        "parameters": [identifier, name],
                        "responses": {},
                    },
                },
            },
        },
        "/v2",
    )


def _document(paths: dict[str, Any], *, version: str = "3.1.0", **fields: object) -> OpenApiDocument:
    for item in paths.values():
        for definition in item.values():
            if isinstance(definition, dict):
                definition.setdefault("responses", {"200": {"description": "done"}})
    content = {"openapi": version, "info": {"title": "t", "version": "1"}, "paths": paths} | fields
    return OpenApiDocument.of(content, "/v3" if "servers" in fields else "")


def _body(media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {media_type: {"schema": schema}}}
