"""Where a comparison finds the OpenAPI document, what it does with each version, and at which prefix it asks."""

import contextlib
import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request
from serving_lab.documents.finding import USUAL_PLACES
from serving_lab.documents.openapi import OpenApiDocument
from serving_lab.errors import LabError
from serving_lab.parity.examination.describing import Described, described
from serving_lab.parity.examination.services import Services
from serving_lab.parity.inputs.profile import Profile
from serving_lab.parity.plan import ParityPlan
from serving_lab.parity.traffic import Traffic
from support.fake_server import Asked, FakeServer, Says, fake_server

AUTHORIZATION = (("X-Key", "secret"),)
PETS: dict[str, Any] = {"/pets": {"get": {"responses": {}}}}


def openapi(paths: dict[str, Any] | None, version: str = "3.1.0", **fields: object) -> dict[str, Any]:
    return {
        "openapi": version,
        "info": {"title": "t", "version": "1"},
        **({"paths": paths} if paths is not None else {}),
        **fields,
    }


def service(has: dict[str, Says]) -> Callable[[Asked], Says]:
    """A service that has these paths."""
    return lambda asked: has.get(asked.path, Says({"error": "Not found"}, 404))


def describe(server: FakeServer, openapi: str | None = None, base: str = "", **profile: object) -> Described:
    """What is found of the API of a server."""
    endpoint = Endpoint.parse(server.base_url + base)
    known = replace(Profile.load(None, {}, openapi=openapi), **profile)  # type: ignore[arg-type]
    plan = ParityPlan(endpoint, endpoint, profile=known)
    with contextlib.closing(Services(endpoint, endpoint, None, known)) as services:
        return described(plan, services)


def templates(found: Described) -> tuple[str, ...]:
    assert found.document is not None
    return found.document.templates


class TestPlaces:
    def test_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "pets.yaml").write_text("swagger: 2.0\npaths: {/pets: {get: {responses: {}}}}\n")
        (tmp_path / "profile.yaml").write_text("parity: {openapi: pets.yaml}\n")

        with fake_server(service({"/pets": Says([])})) as server:
            named = describe(server, openapi=str(tmp_path / "pets.yaml"))
            of_profile = describe(server, openapi=Profile.load(tmp_path / "profile.yaml", {}).openapi)

        assert templates(named) == templates(of_profile) == ("/pets",)
        assert named.warnings == of_profile.warnings == ()
        assert server.requests == []

    @pytest.mark.parametrize(
        "place", ["none.yaml", ".", "file:///none.yaml", "http://127.0.0.1:1/x", "http://me:secret@x/"]
    )
    def test_what_is_named_and_not_there_is_an_error(self, place: str) -> None:
        with fake_server(service({})) as server, pytest.raises(LabError) as caught:
            describe(server, openapi=place)

        assert "secret" not in f"{caught.value} {caught.value.hint}"

    def test_another_url_which_the_sign_in_is_not_sent_to(self) -> None:
        has = service({"/pets.json": Says(openapi(PETS))})
        wanting = lambda asked: has(asked) if "x-key" not in asked.headers else Says(status=500)  # noqa: E731
        with fake_server(wanting) as docs, fake_server(service({"/pets": Says([])})) as server:
            found = describe(server, openapi=f"{docs.base_url}/pets.json", authorization=AUTHORIZATION)

        assert (templates(found), found.warnings) == (("/pets",), ())

    @pytest.mark.parametrize("place", ["/v3/api-docs", USUAL_PLACES[-1]])
    @pytest.mark.parametrize("hidden", [Says(status=401), Says(status=404), Says(b"<html>Sign in</html>")])
    def test_another_usual_one_open_or_behind_the_sign_in(self, place: str, hidden: Says) -> None:
        has = service({place: Says(openapi(PETS)), "/pets": Says([])})
        with fake_server(has) as server:
            assert (templates(describe(server)), len(server.requests)) == (("/pets",), USUAL_PLACES.index(place) + 1)
        with fake_server(lambda asked: has(asked) if "x-key" in asked.headers else hidden) as server:
            assert templates(describe(server, authorization=AUTHORIZATION)) == ("/pets",)

    def test_behind_the_sign_in_through_redirects_and_packed(self) -> None:
        packed = Says(gzip.compress(json.dumps(openapi(PETS)).encode()), headers={"Content-Encoding": "gzip"})
        has = service(
            {
                "/openapi.json": Says(status=307, headers={"Location": "docs/latest"}),
                "/docs/latest": Says(status=302, headers={"Location": "/v3/api.json"}),
                "/v3/api.json": packed,
            }
        )
        with fake_server(lambda asked: has(asked) if "x-key" in asked.headers else Says(status=401)) as server:
            found = describe(server, authorization=AUTHORIZATION)

        assert (templates(found), found.warnings) == (("/pets",), ())

    def test_a_start_page_at_the_usual_path_is_told_and_nothing_more(self) -> None:
        page = Says(b"<!doctype html><title>Shop</title>", headers={"Content-Type": "text/html"})
        with fake_server(lambda _: page) as server:
            found = describe(server)

            assert found.document is None
            (warning,) = found.warnings
            assert warning.startswith(f"no OpenAPI document is used: {server.base_url}/openapi.json is not")
            with pytest.raises(LabError, match="is not an OpenAPI document"):
                describe(server, openapi="/docs")

    def test_a_redirect_to_another_host_is_told(self) -> None:
        with fake_server(lambda _: Says(status=302, headers={"Location": "http://127.0.0.1:1/x"})) as server:
            (warning,) = describe(server).warnings

        assert "/openapi.json is redirected to another address, which is never asked; nor is one at " in warning


class TestVersions:
    @pytest.mark.parametrize(
        "text",
        [
            "openapi: 3.0\npaths: {/pets: {get: {responses: {}}}}",
            "swagger: 2.0\npaths: {/pets: {get: {responses: {}}}}",
            'swagger: "2.0"\ninfo: {title: t, version: 1}\npaths: {/pets: {get: {responses: {}}}}',
            "openapi: 3.2.0\npaths: {/pets: {get: {responses: {}}}}",
            "openapi: 3.1.0\npaths: {/pets: {$ref: '#/components/pathItems/pets'}}\n"
            "components: {pathItems: {pets: {get: {responses: {200: {description: done}}}}}}",
        ],
    )
    def test_each_is_read(self, text: str) -> None:
        with fake_server(service({"/openapi.json": Says(text.encode()), "/pets": Says([])})) as server:
            found = describe(server)

        assert (templates(found), found.warnings) == (("/pets",), ())

    def test_methods_of_version_3_2(self) -> None:
        body = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"const": "found"}}}}}
        item = {"query": body, "additionalOperations": {"LINK": body, "Purge": {}, "CONNECT": {}, "G T": {}}}
        document = openapi({"/pets": item}, "3.2.0")
        profile = Profile()
        with fake_server(service({"/openapi.json": Says(document)})) as server:
            endpoint = Endpoint.parse(server.base_url)
            traffic = Traffic(ParityPlan(endpoint, endpoint, profile=profile), describe(server).document)

        surface = [case.request for (case,) in traffic.surface if isinstance(case.request, Request)]
        assert traffic.sources is not None
        generator = traffic.sources.generator()
        sent = [case.request for case in islice(generator, 80) if isinstance(case.request, Request)]
        assert {"QUERY", "LINK", "Purge"} <= {each.method for each in surface if each.target == "/pets"}
        assert {"QUERY", "LINK"} <= {each.method for each in sent if each.body == b'"found"'}
        assert not {"CONNECT", "G T"} & {each.method for each in surface}
        assert generator.warnings == [
            "no requests are generated for /pets: its method cannot be sent (CONNECT and G T)"
        ]

    @pytest.mark.parametrize(
        "document",
        [
            openapi(None, webhooks={"new": {"post": {"responses": {}}}}),
            openapi({}),
            openapi(None, components={}),
            openapi({"/pets": {"summary": "nothing"}}),
        ],
    )
    def test_a_document_without_operations_is_told(self, document: dict[str, Any]) -> None:
        with fake_server(service({"/openapi.json": Says(document)})) as server:
            found = describe(server)

        told = "/openapi.json describes no request to the service; nor is one at 15 other usual places"
        assert found == Described(None, (f"no OpenAPI document is used: {told}",))


class TestPrefix:
    DOCUMENT = openapi(PETS, servers=[{"url": "https://api.example.org/v1"}, {"url": "/v2"}])

    def test_where_the_document_says(self) -> None:
        with fake_server(service({"/openapi.json": Says(self.DOCUMENT), "/v1/pets": Says([])})) as server:
            found = describe(server)

        assert (templates(found), found.warnings) == (("/v1/pets",), ())

    @pytest.mark.parametrize(("prefix", "named"), [("", "/"), ("/v2", "/v2")])
    def test_elsewhere_it_is_noticed_and_told(self, prefix: str, named: str) -> None:
        with fake_server(service({"/openapi.json": Says(self.DOCUMENT), f"{prefix}/pets": Says([])})) as server:
            found = describe(server)

        told = f"the candidate has the paths of the OpenAPI document below {named}, not below /v1 as it says"
        assert (templates(found), found.warnings) == ((f"{prefix}/pets",), (f"{told}: requests go there",))

    def test_nowhere_is_told(self) -> None:
        with fake_server(service({"/openapi.json": Says(self.DOCUMENT)})) as server:
            found = describe(server)

        told = "the candidate has no path of the OpenAPI document that was tried, below /v1 or /v2 or /"
        assert found.warnings == (f"{told}: does its URL need another path?",)

    @pytest.mark.parametrize("status", [401, 429])
    def test_where_all_is_refused_nothing_can_be_told(self, status: int) -> None:
        has = service({"/openapi.json": Says(self.DOCUMENT)})
        with fake_server(lambda asked: has(asked) if asked.path == "/openapi.json" else Says(status=status)) as server:
            assert describe(server).warnings == ()

    def test_operations_that_take_only_post_are_found_by_their_options(self) -> None:
        document = openapi({"/pets": {"post": {"responses": {}}}}, servers=[{"url": "/v1"}])
        has = service({"/openapi.json": Says(document)})
        with fake_server(
            lambda asked: Says() if (asked.method, asked.path) == ("OPTIONS", "/pets") else has(asked)
        ) as server:
            assert templates(describe(server)) == ("/pets",)

    def test_both_are_asked_alike_so_that_counters_agree(self) -> None:
        has = {"/openapi.json": Says(self.DOCUMENT), "/v2/pets": Says([])}
        with fake_server(service(has)) as candidate, fake_server(service(has)) as primary:
            profile = Profile()
            endpoints = Endpoint.parse(primary.base_url), Endpoint.parse(candidate.base_url)
            with contextlib.closing(Services(*endpoints, None, profile)) as services:
                described(ParityPlan(*endpoints, profile=profile), services)

        first, *others = candidate.requests
        assert first.path == "/openapi.json"
        assert [(each.method, each.path) for each in primary.requests] == [(each.method, each.path) for each in others]

    def test_what_is_excluded_is_not_asked_for(self) -> None:
        with fake_server(service({"/openapi.json": Says(self.DOCUMENT), "/pets": Says([])})) as server:
            describe(server, exclude=("* /v1/pets",))

        assert "/v1/pets" not in server.asked

    def test_paths_and_operations_may_have_servers_of_their_own(self) -> None:
        paths = {
            "/pets": {"get": {"responses": {}}},
            "/files": {"servers": [{"url": "https://files.example.org/upload"}], "get": {"responses": {}}},
            "/logs": {"get": {"servers": [{"url": "/logging/"}], "responses": {}}},
        }
        document = openapi(paths, servers=[{"url": "/v1"}])
        with fake_server(service({"/openapi.json": Says(document), "/v1/pets": Says([])})) as server:
            found = describe(server)

        assert found.document is not None
        assert [each.label for each in found.document.operations] == [
            "GET /v1/pets", "GET /upload/files", "GET /logging/logs",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("url", "path"),
        [
            ("v1", "/v1"), ("./v1/", "/v1"), ("../api/v1", "/v1"), ("/api", ""), ("/api/v1", "/v1"), ("/", ""),
            ("{scheme}://x/{v}", "/v1"), ("https://x/{v}?a#b", "/v1"), ("http://[broken", ""), ("https://{host}", ""),
            (5, ""), ("", ""),
        ],
    )  # fmt: skip
    def test_urls_of_servers_in_any_form(self, url: object, path: str) -> None:
        servers = [None, "x", {"url": url, "variables": {"v": {"default": "v1"}, "scheme": 1}}]
        content = json.dumps(openapi(PETS, servers=servers)).encode()

        found = OpenApiDocument.parse(content, "x", "/api/", "http://service/api/openapi.json")

        assert found.templates == (f"{path}/pets",)
