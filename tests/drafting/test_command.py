"""`lab init` as a command: it loses nothing, and what is wrong is one line with a hint."""

from pathlib import Path

import pytest
from support.command import lab
from support.fake_server import Says, fake_server
from support.services import free_port

from drafting.drafts import document

GET = {"get": {"responses": {"200": {"description": "ok"}}}}


def test_an_existing_file_is_kept_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_text("mine", encoding="utf-8")
    with fake_server(lambda _: Says(document(a=GET))) as server:
        refused = lab("init", server.base_url, cwd=tmp_path)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert refused.stderr.startswith("error: api.yaml exists, and is not overwritten\n hint: --force overwrites it")
        assert server.requests == []
        assert (tmp_path / "api.yaml").read_text(encoding="utf-8") == "mine"

        assert lab("init", server.base_url, "--force", cwd=tmp_path).returncode == 0
    assert "requests:" in (tmp_path / "api.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "problem", "hint"),
    [
        (("--openapi", "none.json"), "none.json: No such file or directory", "--openapi"),
        (("--openapi", "page.html"), "page.html is not an OpenAPI document", ""),
        (("--openapi", "/none"), "no OpenAPI document: ", "--openapi PATH|FILE|URL names it"),
        ((), "has no OpenAPI document at the usual places (/openapi.json, ", "--har FILE"),
        (("--har", "none.har"), "none.har: No such file or directory", ""),
        (("--har", "page.html"), "page.html is not a HAR file", "Save all as HAR"),
        (("--postman", "page.html"), "page.html is not a Postman collection", "Export"),
        (("--har", "two.har"), "has requests to 2 addresses", "--base URL"),
        (("--har", "two.har", "--base", "https://c"), "two.har has no request below https://c", "--base URL"),
        (("--output", "none/api.yaml"), "none is not a folder", "--output FILE"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(
    tmp_path: Path, arguments: tuple[str, ...], problem: str, hint: str
) -> None:
    (tmp_path / "page.html").write_text("<html>", encoding="utf-8")
    urls = ("https://a/x", "https://b/x")
    entries = ",".join(f'{{"request": {{"method": "GET", "url": "{url}"}}}}' for url in urls)
    (tmp_path / "two.har").write_text(f'{{"log": {{"entries": [{entries}]}}}}', encoding="utf-8")

    with fake_server(lambda _: Says({}, 404)) as server:
        done = lab("init", server.base_url, *arguments, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert problem in done.stderr
    assert hint in done.stderr
    assert not (tmp_path / "api.yaml").exists()


@pytest.mark.parametrize(
    ("url", "problem"),
    [("http://127.0.0.1:{port}", "does not answer: Connection refused"), ("shop", "is not a valid base URL")],
)
def test_a_service_that_does_not_answer_is_told(tmp_path: Path, url: str, problem: str) -> None:
    done = lab("init", url.format(port=free_port()), cwd=tmp_path)

    assert (done.returncode, problem in done.stderr, "hint:" in done.stderr) == (2, True, True), done.stderr
