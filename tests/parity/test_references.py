"""References in documents of others: they read no file, ask nobody but the service, and what they miss is told."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from serving_lab.api.endpoint import Endpoint
from serving_lab.documents.openapi import OpenApiDocument
from serving_lab.documents.references import NotFollowedError, SelfContained, self_contained
from serving_lab.documents.site import Site
from serving_lab.parity.generation.left_out import LeftOutOperations
from serving_lab.parity.generation.schema_requests import Fit, SchemaOperation, schema_operations
from serving_lab.parity.inputs.profile import Profile
from serving_lab.parity.plan import ParityPlan
from support.fake_server import Asked, FakeServer, Says, fake_server

from parity.comparing import result_of_comparing

URL = "http://service/api/openapi.json"
CANARY = "canary-of-the-test"
PET: dict[str, Any] = {"type": "object", "required": ["name"], "properties": {"name": {"enum": ["Rex"]}}}


def openapi(paths: dict[str, Any], **fields: object) -> dict[str, Any]:
    return {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths, **fields}


def taking(schema: object, **media_type: object) -> dict[str, Any]:
    """An operation whose body has this schema."""
    body = {"required": True, "content": {"application/json": {"schema": schema, **media_type}}}
    return {"post": {"requestBody": body, "responses": {}}}


class Shelf:
    """Documents of one service, by their URLs."""

    def __init__(self, **documents: object) -> None:
        self.asked: list[str] = []
        self._documents = {f"http://service/api/{name}.json": document for name, document in documents.items()}

    def fetch(self, url: str) -> tuple[str, object]:
        self.asked.append(url)
        if url not in self._documents:
            raise NotFollowedError("not here")
        return url, self._documents[url]


def gathered(document: dict[str, Any], **others: object) -> tuple[SelfContained, Shelf]:
    shelf = Shelf(**others)
    return self_contained(document, URL, shelf.fetch), shelf


def read(document: dict[str, Any]) -> tuple[list[SchemaOperation], list[str]]:
    """Return the operations that requests can be drawn for, and what is told of the others."""
    left_out = LeftOutOperations()
    return schema_operations(OpenApiDocument.of(document), left_out, signed_in=False), list(left_out.warnings())


def body_of(found: SelfContained) -> Any:  # noqa: ANN401
    """What the schema of the only operation's body is once all references are followed."""
    (item,) = found.content["paths"].values()
    return found.resolved(item["post"]["requestBody"]["content"]["application/json"]["schema"])


class TestFollowing:
    def test_what_the_document_has_itself_stays(self) -> None:
        document = openapi({"/a": taking({"$ref": "#/components/schemas/Pet"})}, components={"schemas": {"Pet": PET}})

        found, shelf = gathered(document)

        assert found == SelfContained(document)
        assert shelf.asked == []

    @pytest.mark.parametrize(
        "reference",
        [
            "pets.json#/Pet",
            "./pets.json#/Pet",
            "/api/pets.json#/Pet",
            "//service/api/pets.json#/Pet",
            "x/../pets.json#Pet",
            "http://service/api/pets.json#/Pet",
            "pets.json#pet",
        ],
    )
    def test_what_the_service_has_is_put_into_the_document(self, reference: str) -> None:
        found, shelf = gathered(openapi({"/a": taking({"$ref": reference})}), pets={"Pet": PET | {"$anchor": "pet"}})

        assert body_of(found)["properties"] == PET["properties"]
        assert shelf.asked == ["http://service/api/pets.json"]
        assert found.left_out == ()

    def test_references_of_other_documents_are_relative_to_those(self) -> None:
        one = {"A": {"properties": {"b": {"$ref": "two.json#/B"}, "own": {"$ref": "#/Own"}}}, "Own": {"const": 1}}
        two = {
            "B": {
                "properties": {
                    "back": {"$ref": "one.json#/A"},
                    "home": {"$ref": "openapi.json#/components/schemas/Pet"},
                }
            }
        }

        found, shelf = gathered(
            openapi({"/a": taking({"$ref": "one.json#/A"})}, components={"schemas": {"Pet": PET}}), one=one, two=two
        )

        a = body_of(found)
        b = found.resolved(a["properties"]["b"])
        assert isinstance(b, dict)
        assert found.resolved(a["properties"]["own"]) == {"const": 1}
        assert found.resolved(b["properties"]["back"]) == a
        assert found.resolved(b["properties"]["home"]) == PET
        assert shelf.asked == ["http://service/api/one.json", "http://service/api/two.json"]

    @pytest.mark.parametrize(
        "reference",
        ["https://example.org/pet", "https://example.org/pet#/properties/name", "pet", "#/components/schemas/Pet"],
    )
    def test_a_part_that_has_a_name_is_found_by_it(self, reference: str) -> None:
        pet = PET | {"$id": "https://example.org/pet"}
        inside = {"$id": "https://example.org/other", "properties": {"x": {"$ref": reference}}}

        found, shelf = gathered(openapi({"/a": taking(inside)}, components={"schemas": {"Pet": pet}}))

        assert found.resolved(body_of(found)["properties"]["x"]) in (PET, PET["properties"]["name"])
        assert shelf.asked == []

    def test_a_document_that_is_needed_often_is_fetched_once(self) -> None:
        paths = {f"/{name}": taking({"$ref": f"pets.json#/{name}"}) for name in "abc"}

        _, shelf = gathered(openapi(paths), pets={"a": PET, "b": PET})

        assert shelf.asked == ["http://service/api/pets.json"]

    def test_members_of_data_are_no_references(self) -> None:
        data = {"$ref": "pets.json", "id": "https://example.org/1", "$schema": "https://example.org/s"}
        schema = {"type": "object", "example": data, "properties": {"example": {"$ref": "#/components/schemas/Pet"}}}

        found, shelf = gathered(openapi({"/a": taking(schema)}, components={"schemas": {"Pet": PET}}))

        assert body_of(found)["example"] == {"id": data["id"], "$schema": data["$schema"]}
        assert found.resolved(body_of(found)["properties"]["example"]) == PET
        assert (shelf.asked, found.left_out) == ([], ())

    def test_a_property_may_be_called_like_a_keyword(self) -> None:
        names = {"$ref": {"type": "string"}, "$id": {"type": "string"}, "externalValue": {"type": "integer"}}

        found, _ = gathered(openapi({"/a": taking({"properties": names})}))

        assert body_of(found) == {"properties": names}

    @pytest.mark.parametrize("schema", [{"$ref": "#/components/schemas/Loop"}, {"$ref": "loop.json"}])
    def test_circles_end(self, schema: object) -> None:
        circle = {"$ref": "#/components/schemas/Loop"}

        found, _ = gathered(
            openapi({"/a": taking(schema)}, components={"schemas": {"Loop": circle}}), loop={"$ref": "#"}
        )

        (item,) = found.content["paths"].values()
        assert found.needed_by(item) == []
        assert "$ref" in body_of(found)

    def test_depth_is_bounded(self) -> None:
        schema: dict[str, Any] = {"type": "string"}
        for _ in range(100_000):
            schema = {"items": schema}

        found, _ = gathered(openapi({"/deep": taking(schema), "/flat": taking(PET)}))

        assert [each.why for each in found.needed_by(found.content["paths"]["/deep"])] == [
            "they are more than 250 levels deep"
        ]
        assert found.needed_by(found.content["paths"]["/flat"]) == []


class TestLeavingOut:
    @pytest.mark.parametrize(
        ("reference", "why"),
        [
            ("#/components/schemas/Missing", "not in the document"),
            ("pets.json#/Missing", "not in the document"),
            ("http://[broken", "not a URL"),
            ("missing.json", "not here"),
            ("urn:example:pet", "not here"),
        ],
    )
    def test_what_leads_nowhere_is_told_with_the_operations_that_need_it(self, reference: str, why: str) -> None:
        through = {"properties": {"pet": {"$ref": "#/components/schemas/Through"}}}
        document = openapi(
            {"/a": taking(through), "/b": taking(PET)},
            components={"schemas": {"Through": {"items": {"$ref": reference}}}},
        )
        shelf = Shelf(pets={"Pet": PET})

        found = OpenApiDocument(self_contained(document, URL, shelf.fetch))

        assert [(label, each.why, each.what) for label, each in found.left_out] == [
            ("POST /a", f"what they refer to is {why}", reference)
        ]

    def test_of_answers_nothing_is_needed(self) -> None:
        get = {"responses": {"200": {"$ref": "http://other/x"}}, "callbacks": {"c": {"$ref": "http://other/y"}}}

        operations, warnings = read(openapi({"/a": {"get": get}}))

        assert ([each.path for each in operations], warnings) == (["/a"], [])

    def test_each_kind_is_told_once(self) -> None:
        paths = {f"/{number}": taking({"$ref": f"http://me:password@other/{number}.json"}) for number in range(5)}

        _, warnings = read(openapi(paths))

        assert warnings == [
            "no requests are generated for POST /0, POST /1, POST /2 and 2 more: what they refer to is in another "
            "document, and only this one is read "
            "(http://other/0.json, http://other/1.json, http://other/2.json and 2 more)"
        ]


PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    "schema": lambda url: taking({"properties": {"a": {"$ref": url}}, "required": ["a"], "type": "object"}),
    "dynamic reference": lambda url: taking({"$dynamicRef": url}),
    "recursive reference": lambda url: taking({"$recursiveRef": url}),
    "dialect": lambda url: taking({"$schema": url, "type": "object"}),
    "base": lambda url: taking({"$id": url, "allOf": [{"$ref": "#/nowhere"}, {"$ref": "beside.json"}]}),
    "base of draft 4": lambda url: taking({"id": url, "allOf": [{"$ref": "#/nowhere"}, {"$ref": "beside.json"}]}),
    "example": lambda url: taking({"type": "object"}, examples={"e": {"$ref": url}}),
    "example elsewhere": lambda url: taking({"type": "object"}, examples={"e": {"externalValue": url}}),
    "examples of a schema": lambda url: taking({"type": "object", "examples": [{"$ref": url}, {"externalValue": url}]}),
    "data": lambda url: taking({"enum": [{"$ref": url}], "default": {"$ref": url}}),
    "extension": lambda url: taking({"type": "object", "x-examples": {"e": {"$ref": url}}}),
    "extension elsewhere": lambda url: taking({"type": "object", "x-examples": {"e": {"externalValue": url}}}),
    "discriminator": lambda url: taking({"anyOf": [PET], "discriminator": {"mapping": {"a": url}}}),
    "path": lambda url: {"$ref": url},
    "parameter": lambda url: {"get": {"parameters": [{"$ref": url}], "responses": {}}},
    "parameter's example": lambda url: {
        "get": {
            "parameters": [{"name": "q", "in": "query", "schema": {}, "examples": {"e": {"externalValue": url}}}],
            "responses": {},
        }
    },
    "body": lambda url: {"post": {"requestBody": {"$ref": url}, "responses": {}}},
    "answer": lambda url: {"get": {"responses": {"200": {"$ref": url}}}},
    "link": lambda url: {"get": {"responses": {"200": {"description": "", "links": {"l": {"operationRef": url}}}}}},
    "header": lambda url: {"get": {"responses": {"200": {"description": "", "headers": {"X": {"$ref": url}}}}}},
}  # fmt: skip


@pytest.fixture
def other() -> Iterator[FakeServer]:
    """A server that is none of the services."""
    with fake_server(lambda _: Says({"type": "string", "enum": [CANARY]})) as server:
        yield server


@pytest.mark.service
def test_no_place_in_a_document_opens_a_file_or_another_host(
    tmp_path: Path, other: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names are fresh in each place, because libraries remember what they have read."""
    monkeypatch.chdir(tmp_path)
    forms = [
        "file://{directory}/{name}", "{other}/{name}", "{directory}/{name}", "//{host}/{name}", "./%2e/{name}",
        "FILE://localhost{directory}/{name}", "{name}", "{other}/{name}#/enum", "file:{directory}/{name}",
    ]  # fmt: skip
    paths: dict[str, Any] = {}
    for number, (place, written) in enumerate(PLACES.items()):
        for form in (*forms[number % 2 :: 2], *forms[:4]) if place == "schema" else forms[number % 4 :: 3]:
            name = f"{len(paths)}.json"
            (tmp_path / name).write_text(json.dumps({"type": "string", "enum": [CANARY]}))
            host = other.base_url.removeprefix("http://")
            url = form.format(directory=tmp_path, name=name, other=other.base_url, host=host)
            paths[f"/{place.replace(' ', '-')}/{len(paths)}"] = written(url)
    (tmp_path / "beside.json").write_text(json.dumps({"enum": [CANARY]}))
    scheme = {"s": {"$ref": f"{other.base_url}/scheme.json"}}
    document = openapi(
        paths,
        components={"securitySchemes": scheme},
        security=[{"s": []}],
        jsonSchemaDialect=f"{other.base_url}/dialect",
    )
    opened = _watch_files(tmp_path)

    operations, warnings = read(document)
    sent = [operation.draw(Fit.VALID, 2, 1) for operation in operations]

    assert CANARY not in repr((sent, warnings))
    assert not opened
    assert other.requests == []
    assert len(operations) > len(paths) / 2


def _watch_files(directory: Path) -> list[str]:
    """Return the names of the directory's files that are opened from now on."""
    opened: list[str] = []

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        if (
            event == "open"
            and str(arguments[0]).endswith(".json")
            and (directory / Path(str(arguments[0])).name).exists()
        ):
            opened.append(str(arguments[0]))

    sys.addaudithook(audit)
    return opened


class Service:
    """A service that says what it is asked for, and which documents it has."""

    def __init__(self, answers: dict[str, Says]) -> None:
        self.answers = answers

    def __call__(self, asked: Asked) -> Says:
        return self.answers.get(asked.path, Says({"error": "Not found"}, 404))


class TestSite:
    """What the service is asked for, and what nobody is asked for."""

    @pytest.mark.parametrize(
        "url",
        [
            "file:///etc/hostname", "/etc/hostname", "http://other/x", "//other/x", "https://127.0.0.1:{port}/x",
            "http://127.0.0.1:1/x", "http://localhost:{port}/x", "http://me:secret@127.0.0.1:{port}/x", "ftp://127.0.0.1/x",
            "http://[broken", "http://127.0.0.1:{port}0000/x", "", "urn:x", "http:///x", "http://127.0.0.1@other/x",
        ],
    )  # fmt: skip
    def test_other_addresses_are_never_asked(self, url: str) -> None:
        with fake_server(Service({"/x": Says({})})) as server:
            site = Site(Endpoint.parse(server.base_url))

            with pytest.raises(NotFollowedError, match="not on the service itself"):
                site.get(url.format(port=site.endpoint.port))

            assert server.requests == []

    def test_redirects_are_followed_within_the_service_only(self, other: FakeServer) -> None:
        to = {
            "/a": "/b", "/b": "{own}/c", "/loop": "/loop",
            "/out": f"{other.base_url}/x", "/file": "file:///etc/hostname",
            "/slashes": f"//{other.base_url.removeprefix('http://')}/x",
        }  # fmt: skip
        service = Service({"/c": Says({"found": True})})
        with fake_server(service) as server:
            service.answers |= {
                path: Says(status=302, headers={"Location": where.format(own=server.base_url)})
                for path, where in to.items()
            }
            site = Site(Endpoint.parse(server.base_url))

            assert site.fetch(f"{server.base_url}/a") == (f"{server.base_url}/c", {"found": True})
            for path in ("/out", "/file", "/slashes"):
                with pytest.raises(NotFollowedError, match="redirected to another address"):
                    site.get(f"{server.base_url}{path}")
            with pytest.raises(NotFollowedError, match="answered with 302"):
                site.get(f"{server.base_url}/loop")

        assert other.requests == []

    def test_what_is_excluded_is_not_asked_for(self) -> None:
        with fake_server(Service({"/cache/clear": Says({})})) as server:
            site = Site(Endpoint.parse(server.base_url), excluded=lambda target: target == "/cache/clear")

            with pytest.raises(NotFollowedError, match="excluded by the profile"):
                site.get(f"{server.base_url}/cache/clear")

            assert server.requests == []

    def test_a_url_cannot_add_to_the_request(self) -> None:
        with fake_server(Service({})) as server:
            with pytest.raises(NotFollowedError, match="answered with 404"):
                Site(Endpoint.parse(server.base_url)).get(f"{server.base_url}/x y\r\nX-Evil: 1\r\n\r\nGET /z")

            (asked,) = server.requests
            assert "x-evil" not in asked.headers

    def test_where_the_service_wants_it_the_sign_in_is_sent(self) -> None:
        def respond(asked: Asked) -> Says:
            return Says({}) if asked.headers.get("authorization") == "Bearer x" else Says(status=401)

        with fake_server(respond) as server:
            site = Site(Endpoint.parse(server.base_url), (("Authorization", "Bearer x"),))

            assert site.fetch(f"{server.base_url}/x")[1] == {}


def test_a_comparison_gets_what_the_document_refers_to_from_the_candidate(other: FakeServer) -> None:
    schemas = {"Pet": PET, "Far": {"$ref": f"{other.base_url}/far.json"}}
    paths = {"/pets": taking({"$ref": "schemas.json#/Pet"}), "/far": taking({"$ref": "schemas.json#/Far"})}
    service = Service(
        {"/openapi.json": Says(openapi(paths)), "/schemas.json": Says(schemas), "/pets": Says({"ok": True})}
    )
    with fake_server(service) as server:
        endpoint = Endpoint.parse(server.base_url)

        result = result_of_comparing(ParityPlan(endpoint, endpoint, profile=Profile(), generate=40))

        bodies = [asked.body for asked in server.requests if asked.path == "/pets"]
    assert b'{"name":"Rex"}' in [body.replace(b" ", b"") for body in bodies]
    (warning,) = (each for each in result.warnings if each.startswith("no requests are generated"))
    assert "POST /far" in warning
    assert f"not on the service itself, and nobody else is asked ({other.base_url}/far.json)" in warning
    assert other.requests == []
