"""The TypeScript client: generated anew, compiled, and run against each service by Node's own test runner."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from contract.cases import ROW
from playwright.sync_api import Browser
from support.browser import chromium, visit
from support.checkout import REPOSITORY
from support.fake_server import Asked, FakeServer, Says, fake_server
from support.needs import needed
from support.page import Page
from support.services import SERVICE_NAMES, RunningService, StartedService, running_service

CLIENTS = REPOSITORY / "clients"
PROJECT = CLIENTS / "typescript"

LIBRARY = PROJECT / "node_modules" / "openapi-fetch" / "dist" / "index.mjs"
MODULES = {"prediction-client": "/src/index.js", "openapi-fetch": "/openapi-fetch.js"}


def run(*command: str, **environment: str) -> str:
    """What a command prints, in the project."""
    done = subprocess.run(
        command, cwd=PROJECT, env=os.environ | environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def node(*arguments: str, **environment: str) -> str:
    """What a script prints."""
    return run(needed("node", package="nodejs"), *arguments, **environment)


@pytest.fixture(scope="module")
def compiled() -> None:
    """The client and its tests as JavaScript."""
    npm, version = needed("npm", package="npm"), node("--version").strip()
    if int(version.removeprefix("v").partition(".")[0]) < 20:
        pytest.skip(f"the client needs Node 20, and here is {version}")
    run(npm, "run", "build")


def serve(asked: Asked) -> Says:
    """The files of a page that uses the client."""
    if asked.path == "/":
        page = f'<!doctype html><script type="importmap">{json.dumps({"imports": MODULES})}</script>'
        return Says(page.encode(), headers={"Content-Type": "text/html"})
    path = LIBRARY if asked.path == MODULES["openapi-fetch"] else PROJECT / "dist" / asked.path[1:]
    return Says(path.read_bytes(), headers={"Content-Type": "text/javascript"}) if path.is_file() else Says(status=204)


@pytest.fixture(scope="module")
def website() -> Iterator[FakeServer]:
    with fake_server(serve) as server:
        yield server


@pytest.fixture(scope="module", params=SERVICE_NAMES)
def limited(request: pytest.FixtureRequest, model_dir: Path, website: FakeServer) -> Iterator[RunningService]:
    """A service that allows five requests a second, and the pages of the website."""
    with running_service(
        request.param, model_dir, RATE_LIMIT="5/second", CORS_ORIGINS=website.base_url, WORKERS=1
    ) as service:
        yield service


@pytest.mark.service
@pytest.mark.usefixtures("compiled")
def test_it_is_up_to_date(tmp_path: Path) -> None:
    command = [sys.executable, str(CLIENTS / "generate.py"), "--into", str(tmp_path), "--only", "typescript"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    generated = Path("typescript/src/generated")

    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name for path in (CLIENTS / generated).iterdir()} == {"api.ts", "limits.ts"}
    for path in (CLIENTS / generated).iterdir():
        assert (tmp_path / generated / path.name).read_text() == path.read_text(), "run `make clients`"


@pytest.mark.service
@pytest.mark.usefixtures("compiled")
def test_it_repeats_and_signs_in_as_it_should() -> None:
    assert "# fail 0" in node("--test", "--test-reporter=tap", "dist/test/repeats.test.js")


@pytest.mark.usefixtures("compiled")
def test_it_works_with_each_service(started_service: StartedService, limited: RunningService) -> None:
    service = started_service(limited.name)

    printed = node(
        *("--test", "--test-reporter=tap", "dist/test/services.test.js"),
        BASE_URL=service.base_url,
        LIMITED_URL=limited.base_url,
        API_USERNAME=service.username,
        API_PASSWORD=service.password,
    )

    assert "# fail 0" in printed


@pytest.mark.usefixtures("compiled")
def test_the_code_in_the_documentation_runs_as_it_stands_there(service: RunningService) -> None:
    code = Page("docs/clients.md").block("ts").replace("http://localhost:8000", service.base_url)
    code = code.replace('"lab"', f'"{service.username}"').replace('"secret"', f'"{service.password}"')
    script = PROJECT / "dist" / "documented.mjs"  # within the package, which may import itself by its name
    script.write_text(code, encoding="utf-8")

    printed = node(str(script))

    assert re.fullmatch(r"\d+\.\d+ 1\.0\.0\n250\n400 Expected 10 features null [\w.-]+\n", printed)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.mark.usefixtures("compiled")
def test_it_works_in_a_browser(browser: Browser, website: FakeServer, limited: RunningService) -> None:
    script = """async ([url, username, password, row]) => {
        const { PredictionClient } = await import("prediction-client");
        const client = new PredictionClient(url, { username, password });
        await client.cacheClear();
        const answers = await Promise.all(Array.from({ length: 8 }, () => client.predict(row)));
        return answers.map((answer) => answer.prediction);
    }"""
    with visit(browser) as visited:
        visited.page.goto(website.base_url)
        found = visited.page.evaluate(script, [limited.base_url, limited.username, limited.password, ROW])

    assert len(set(found)) == 1
    assert len(found) == 8, "three of them had to wait: the limit is five a second"
    assert visited.strangers == []
    assert not [error for error in visited.errors if "429" not in error]
