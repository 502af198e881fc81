"""What `lab init` writes, from small inputs, with a service that answers as a test decides."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving_lab.api.description import Description
from serving_lab.api.profile_file import read_description
from support.command import lab
from support.fake_server import Asked, Says, fake_server

KNOWN = {"API_USERNAME": "the-username", "API_PASSWORD": "the-password"}
_VARIABLE = re.compile(r"\$\{env:(\w+)\}")
Respond = Callable[[Asked], Says]


@dataclass(frozen=True)
class Drafted:
    """A draft."""

    text: str
    said: str
    asked: tuple[Asked, ...]
    path: Path

    @property
    def description(self) -> Description:
        """What the file means, with every variable set."""
        return read_description(self.path, dict.fromkeys(_VARIABLE.findall(self.text), "a-secret") | KNOWN)

    def line(self, beginning: str) -> str:
        """The one line that begins so."""
        (found,) = [line.strip() for line in self.text.splitlines() if line.strip().startswith(beginning)]
        return found


def draft(
    directory: Path, *options: str | Path, respond: Respond | None = None, environment: Mapping[str, str] | None = None
) -> Drafted:
    """Draft the description of a service, which by default has nothing."""
    path = directory / "api.yaml"
    with fake_server(respond or (lambda _: Says({}, 404))) as server:
        done = lab("init", server.base_url, *options, cwd=directory, environment=environment or {})
        assert done.returncode == 0, done.stderr
        asked = tuple(server.requests)
    return Drafted(path.read_text(encoding="utf-8"), done.stdout, asked, path)


def document(**paths: Mapping[str, Any]) -> dict[str, Any]:
    """An OpenAPI document with these paths, without their slash."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {f"/{name}": item for name, item in paths.items()},
    }


def of_document(
    directory: Path,
    content: Mapping[str, Any],
    respond: Respond | None = None,
    environment: Mapping[str, str] | None = None,
) -> Drafted:
    """The draft from a document in a file."""
    (directory / "openapi.json").write_text(json.dumps(content), encoding="utf-8")
    return draft(directory, "--openapi", "openapi.json", respond=respond, environment=environment)


def recorded(
    method: str,
    url: str,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    answer: object = None,
    status: int = 200,
    sets: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """An entry of a HAR file; `sets` are headers of the answer."""
    request: dict[str, Any] = {"method": method, "url": url, "headers": pairs(headers or {})}
    if body is not None:
        form = isinstance(body, str)
        media_type = "application/x-www-form-urlencoded" if form else "application/json"
        request["headers"] += pairs({"Content-Type": media_type})
        request["postData"] = {"mimeType": media_type, "text": body if form else json.dumps(body)}
    content = {"mimeType": "application/json", "text": json.dumps(answer)}
    return {"request": request, "response": {"status": status, "headers": pairs(sets or {}), "content": content}}


def pairs(headers: Mapping[str, str]) -> list[dict[str, str]]:
    """Headers as HAR has them."""
    return [{"name": name, "value": value} for name, value in headers.items()]


def of_har(directory: Path, *entries: Mapping[str, Any], respond: Respond | None = None) -> Drafted:
    """The draft from a HAR file with these entries."""
    (directory / "traffic.har").write_text(
        json.dumps({"log": {"version": "1.2", "entries": entries}}), encoding="utf-8"
    )
    return draft(directory, "--har", "traffic.har", respond=respond)


def of_postman(directory: Path, *items: Mapping[str, Any], **collection: object) -> Drafted:
    """The draft from a Postman collection with these items."""
    content = {"info": {"name": "c"}, "item": items} | collection
    (directory / "c.json").write_text(json.dumps(content), encoding="utf-8")
    return draft(directory, "--postman", "c.json")
