"""What is read from an OpenAPI document, and which of its operations a request is one of."""

import json

import pytest
from serving_lab.documents.openapi import OpenApiDocument
from serving_lab.documents.operations import Operations
from serving_lab.errors import LabError


def document(**fields: object) -> bytes:
    return json.dumps({"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {}} | fields).encode()


def parsed(**fields: object) -> OpenApiDocument:
    return OpenApiDocument.parse(document(**fields), "http://service/openapi.json")


class TestLabels:
    paths = Operations(["/users/{id}", "/users/me", "/users/{id}/posts/{post}", "/{any}/x", "/"])

    @pytest.mark.parametrize(
        ("method", "target", "label"),
        [
            ("GET", "/users/7", "GET /users/{id}"),
            ("GET", "/users/7?id=8", "GET /users/{id}"),
            ("GET", "/users/me", "GET /users/me"),
            ("GET", "/%75sers/m%65", "GET /users/me"),
            ("DELETE", "/users/a%20b/posts/1", "DELETE /users/{id}/posts/{post}"),
            ("GET", "/users/x", "GET /users/{id}"),
            ("GET", "/", "GET /"),
            ("GET", "/users/7/", "GET (other)"),
            ("GET", "/users/", "GET (other)"),
            ("GET", "/USERS/me", "GET (other)"),
            ("frob", "/nowhere", "frob (other)"),
        ],
    )
    def test_names_the_operation(self, method: str, target: str, label: str) -> None:
        assert self.paths.label(method, target) == label

    def test_shows_a_strange_method_safely(self) -> None:
        label = self.paths.label("A\x00\n" + "B" * 100, "/")

        assert label.isprintable()
        assert len(label) < 40


class TestExclusion:
    paths = Operations(["/cache/clear", "/users/{id}"])

    @pytest.mark.parametrize(
        "target",
        [
            "/cache/clear",
            "/cache/clear?x=1",
            "/cache/clear/",
            "/cache//clear",
            "//cache/clear",
            "/cache/%63lear",
            "/cache/%2563lear",
            "/x/../cache/clear",
            "/cache%2Fclear",
            "/cache/clear;a=1",
            "/CACHE/clear",
            "/cache/./clear",
        ],
    )
    def test_holds_for_whatever_a_service_may_take_for_it(self, target: str) -> None:
        assert self.paths.excludes(("POST /cache/clear",), "POST", target)

    @pytest.mark.parametrize(("method", "target"), [("GET", "/cache/clear"), ("POST", "/cache/stats")])
    def test_leaves_others_alone(self, method: str, target: str) -> None:
        assert not self.paths.excludes(("POST /cache/clear",), method, target)

    def test_takes_templates_and_wildcards(self) -> None:
        assert self.paths.excludes(("DELETE /users/{id}",), "DELETE", "/users/7")
        assert self.paths.excludes(("* /cache/*",), "PATCH", "/cache/anything")


class TestParsing:
    def test_reads_json_and_yaml(self) -> None:
        assert parsed(paths={"/a": {"get": {}}}).templates == ("/a",)
        assert OpenApiDocument.parse(b"openapi: 3.0.0\npaths:\n  /b:\n    get: {}\n", "x").templates == ("/b",)

    def test_resolves_references_to_path_items_and_parameters(self) -> None:
        known = parsed(
            paths={"/a/{id}": {"$ref": "#/components/pathItems/a"}},
            components={
                "pathItems": {"a": {"parameters": [{"$ref": "#/components/parameters/id"}], "get": {}}},
                "parameters": {"id": {"name": "id", "in": "path"}},
            },
        )

        (operation,) = known.operations

        assert (operation.method, operation.template) == ("GET", "/a/{id}")
        assert operation.parameters == ({"name": "id", "in": "path"},)

    def test_survives_a_reference_to_itself(self) -> None:
        assert parsed(paths={"/a": {"$ref": "#/paths/~1a"}}).operations == ()

    @pytest.mark.parametrize(
        ("content", "what"),
        [
            (b"<html>Not found</html>", "it is not an object"),
            (b"{broken", "is not an OpenAPI document"),
            (b"a: [", "is not an OpenAPI document"),
            (b"\xff\xfe\x00", "is not an OpenAPI document"),
            (b"[]", "it is not an object"),
            (b"", "it is not an object"),
            (b'{"error": "Not found"}', "no openapi version"),
            (b'{"openapi": "3.1.0", "paths": []}', "no paths"),
            (b'{"swagger": "1.2", "paths": {}}', "version '1.2'"),
        ],
    )
    def test_says_what_is_no_document(self, content: bytes, what: str) -> None:
        with pytest.raises(LabError, match=what) as caught:
            OpenApiDocument.parse(content, "http://service/openapi.json")

        assert "\n" not in str(caught.value)
        assert str(caught.value).startswith("http://service/openapi.json")


class TestPrefix:
    @pytest.mark.parametrize(
        ("fields", "prefix"),
        [
            ({}, ""),
            ({"servers": [{"url": "/"}]}, ""),
            ({"servers": [{"url": "https://api.example.com/v3/"}]}, "/v3"),
            ({"servers": [{"url": "/{v}", "variables": {"v": {"default": "v2"}}}]}, "/v2"),
            ({"servers": [{"url": "http://[broken"}]}, ""),
            ({"swagger": "2.0", "basePath": "/api"}, "/api"),
        ],
    )
    def test_is_what_the_document_says(self, fields: dict[str, object], prefix: str) -> None:
        known = parsed(paths={"/a": {"get": {}}}, **fields)

        assert known.templates == (f"{prefix}/a",)

    def test_is_not_doubled_where_the_base_url_has_it(self) -> None:
        content = document(paths={"/a": {"get": {}}}, servers=[{"url": "/api/v3"}])

        assert OpenApiDocument.parse(content, "x", base_path="/api/v3/").templates == ("/a",)
