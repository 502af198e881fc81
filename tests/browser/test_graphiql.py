"""GraphiQL of the new service in a real browser that can reach nothing but the service."""

import json
from collections.abc import Iterator

import pytest
from contract.cases import ROW
from playwright.sync_api import Browser, Locator, expect
from support.browser import Visit, chromium, visit
from support.services import RunningService


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def visited(browser: Browser, graphql_service: RunningService) -> Iterator[Visit]:
    """The page; it reports no error and asks nobody else for anything."""
    with visit(browser) as opened:
        opened.page.goto(f"{graphql_service.base_url}/graphql")
        yield opened
        assert (opened.errors, opened.strangers) == ([], [])


def write(visited: Visit, editor: Locator, text: str) -> None:
    """Replace what stands in an editor."""
    editor.click()
    visited.page.keyboard.press("Control+A")
    visited.page.keyboard.insert_text(text)


def test_a_query_with_a_token_is_answered(visited: Visit, graphql_service: RunningService) -> None:
    page = visited.page
    token = graphql_service.login()
    row = ", ".join(map(repr, ROW))

    write(
        visited,
        page.locator(".graphiql-query-editor .CodeMirror"),
        f"{{ predict(features: [{row}]) {{ prediction }} }}",
    )
    page.get_by_role("button", name="Headers").click()
    headers = json.dumps({"Authorization": f"Bearer {token}"})
    write(visited, page.locator(".graphiql-editor-tool .CodeMirror:visible"), headers)
    page.get_by_role("button", name="Execute query").click()

    with graphql_service.client(token) as client:
        prediction = client.post("/predict", json={"features": ROW}).json()["prediction"]
    expect(page.locator(".graphiql-response")).to_contain_text(str(prediction))
    visited.screenshot("graphiql-answer")


def test_the_page_begins_with_a_query_that_lacks_only_the_token(visited: Visit) -> None:
    page = visited.page

    page.get_by_role("button", name="Execute query").click()

    expect(page.locator(".graphiql-response")).to_contain_text('"UNAUTHENTICATED"')
    expect(page.locator(".graphiql-response")).to_contain_text('"featureNames"')


def test_the_schema_is_shown(visited: Visit) -> None:
    page = visited.page

    page.get_by_role("button", name="Show Documentation Explorer").click()
    page.get_by_role("link", name="Query").first.click()

    expect(page.locator(".graphiql-doc-explorer")).to_contain_text("batchPredict")
    visited.screenshot("graphiql-schema")
