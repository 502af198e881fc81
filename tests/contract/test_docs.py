"""The interactive documentation, which must work without internet; it exists on services that say so."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.answers import assert_contract_headers, assert_error
from support.services import RunningService, StartedService, running_service, with_besides, without_besides
from support.wire import Request, send

from contract.cases.paths import ALLOWED

PAGES = ("/docs", "/redoc")
PROTECTED = {"/predict", "/batch-predict", "/cache/stats", "/cache/clear"}
PARTLY_PROTECTED = {"/graphql"}
# Clients are generated from these names, so they must not change.
NAMES = {
    "/predict": ("predict", "PredictionRequest", "PredictionResponse"),
    "/batch-predict": ("batchPredict", "BatchPredictionRequest", "BatchPredictionResponse"),
    "/model-info": ("modelInfo", None, "ModelInfo"),
    "/login": ("login", "LoginRequest", "LoginResponse"),
    "/graphql": ("graphql", "GraphQLRequest", "GraphQLResponse"),
    "/health": ("health", None, "HealthResponse"),
    "/ready": ("ready", None, "ReadyResponse"),
    "/cache/stats": ("cacheStats", None, "CacheStats"),
    "/cache/clear": ("cacheClear", None, "CacheClearResponse"),
    "/metrics": ("metrics", None, None),
}
"""Of each operation, its body, and its answer."""


@pytest.fixture(scope="session")
def openapi(documented_service: RunningService) -> dict[str, Any]:
    response = send(documented_service, Request("GET", "/openapi.json"))
    assert response.status_code == 200
    document = response.json()
    assert isinstance(document, dict)
    return document


def operations(openapi: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield path and operation of everything that is described."""
    for path, methods in openapi["paths"].items():
        for operation in methods.values():
            yield path, operation


@pytest.mark.parametrize("path", [*PAGES, "/openapi.json"])
@pytest.mark.parametrize("name", without_besides("documentation"))
def test_other_services_have_none(started_service: StartedService, name: str, path: str) -> None:
    assert_error(send(started_service(name), Request("GET", path)), 404, "Not found")


@pytest.mark.parametrize("path", [*PAGES, "/openapi.json"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_it_is_served_by_the_same_rules(documented_service: RunningService, path: str, method: str) -> None:
    response = send(documented_service, Request(method, path))

    assert response.status_code == 200
    assert_contract_headers(response)
    assert_error(send(documented_service, Request("POST", path)), 405, "Method not allowed")
    assert_error(send(documented_service, Request("GET", path + "/")), 404, "Not found")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_nothing_from_elsewhere(documented_service: RunningService, path: str) -> None:
    page = send(documented_service, Request("GET", path)).text

    loaded = re.findall(r"""(?:src|href)\s*=\s*["']([^"']+)""", page)
    assert loaded, "a page without script is not the documentation"
    assert not re.findall(r"""["'(](?:https?:)?//[^"')]+""", page)
    for asset in loaded:
        response = send(documented_service, Request("GET", asset))
        assert (response.status_code, len(response.content) > 0) == (200, True), asset


def test_every_endpoint_is_described(openapi: dict[str, Any]) -> None:
    assert set(openapi["paths"]) >= set(ALLOWED)
    for path, operation in operations(openapi):
        assert operation.get("summary"), path
        assert operation["responses"], path


def test_operations_and_models_have_lasting_names(openapi: dict[str, Any]) -> None:
    found = {
        path: (
            operation["operationId"],
            model_of(operation.get("requestBody")),
            model_of(operation["responses"]["200"]),
        )
        for path, operation in operations(openapi)
    }

    assert found == {path: names for path, names in NAMES.items() if path in found}
    models = {name for names in found.values() for name in names[1:] if name}
    assert set(openapi["components"]["schemas"]) == models | {"ErrorResponse"}


def test_every_field_is_described_with_an_example(openapi: dict[str, Any]) -> None:
    models = openapi["components"]["schemas"]
    fields = {f"{name}.{field}": schema for name in models for field, schema in models[name]["properties"].items()}

    assert not [name for name, model in models.items() if not model.get("description")]
    assert not [name for name, schema in fields.items() if not (schema.get("description") and schema.get("examples"))]


def test_every_error_is_described_as_it_is_and_422_is_none(openapi: dict[str, Any]) -> None:
    for path, operation in operations(openapi):
        errors = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
        assert "422" not in errors, path
        assert path not in PROTECTED or "401" in errors
        for status, answer in errors.items():
            schema = resolve(openapi, answer["content"]["application/json"]["schema"])
            assert set(schema["properties"]) == {"error", "detail"}, (path, status)
    assert "HTTPValidationError" not in openapi["components"]["schemas"]


def test_bodies_are_described_with_an_example_that_works(
    openapi: dict[str, Any], documented_service: RunningService
) -> None:
    token = documented_service.login()
    for path in {"/predict", "/batch-predict", "/graphql"} & set(openapi["paths"]):
        content = openapi["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        schema = resolve(openapi, content["schema"])
        example = (
            example_of(content)
            or example_of(schema)
            or {name: example_of(resolve(openapi, value)) for name, value in schema["properties"].items()}
        )
        with documented_service.client(token) as client:
            response = client.post(path, json=example)
        assert response.status_code == 200, (path, example, response.text)


def test_protected_endpoints_say_that_they_ask_for_a_token(openapi: dict[str, Any]) -> None:
    securities = {path: operation["security"] for path, operation in operations(openapi) if "security" in operation}

    assert {path for path, security in securities.items() if {} not in security} == PROTECTED
    assert {path for path, security in securities.items() if {} in security} == PARTLY_PROTECTED & set(openapi["paths"])
    assert all(
        set(one) <= set(openapi["components"]["securitySchemes"]) for each in securities.values() for one in each
    )
    assert {"bearer"} == {scheme.get("scheme") for scheme in openapi["components"]["securitySchemes"].values()}


@pytest.mark.parametrize("name", with_besides("documentation"))
def test_the_documentation_can_be_left_out_and_is_unless_asked_for(model_dir: Path, name: str) -> None:
    with running_service(name, model_dir, DOCUMENTATION=None, WORKERS=1) as service:
        for path in (*PAGES, "/openapi.json", "/docs/swagger-ui.css"):
            assert_error(send(service, Request("GET", path)), 404, "Not found")
        assert send(service, Request("GET", "/health")).status_code == 200


def model_of(described: dict[str, Any] | None) -> str | None:
    """The name of the model of a body or an answer; None if it is no JSON object."""
    content = (described or {}).get("content", {}).get("application/json")
    return content["schema"]["$ref"].rpartition("/")[2] if content else None


def resolve(openapi: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference within the document."""
    while "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = openapi["components"]["schemas"][name]
    return schema


def example_of(described: dict[str, Any]) -> object:
    """Return the first example that is given, in either form of OpenAPI."""
    examples = described.get("examples")
    if isinstance(examples, dict):
        return next(iter(examples.values()))["value"]
    return examples[0] if examples else described.get("example")
