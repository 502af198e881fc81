"""A registry that says what a test decides, in MLflow's words: what a real one would not say by itself."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from model_artifact import files
from support.fake_server import Asked, FakeServer, Says, fake_server

_ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts/"


@dataclass
class Stored:
    """A version: its files by path, and what is said of it."""

    contents: dict[str, bytes]
    tags: dict[str, str]
    source: str


@dataclass
class LyingRegistry:
    """What it has; tests change it while it runs."""

    aliases: dict[str, str] = field(default_factory=dict)
    versions: dict[str, Stored] = field(default_factory=dict)
    down: bool = False
    server: FakeServer | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        assert self.server
        return self.server.base_url

    @property
    def downloads(self) -> int:
        """How many files were asked for."""
        assert self.server
        return sum(count for path, count in self.server.asked.items() if path.startswith(_ARTIFACTS))

    def store(self, directory: Path, *aliases: str) -> Stored:
        """Add a model as `lab model push` would."""
        number = str(len(self.versions) + 1)
        contents = {name: (directory / name).read_bytes() for name in files.SERVICE_FILES}
        artifact = files.read(directory)
        tags = {"artifact_sha256": artifact.digest, "model_sha256": artifact.metadata.sha256}
        stored = Stored(contents, tags, f"mlflow-artifacts:/1/run{number}/artifacts/model")
        self.versions[number] = stored
        self.aliases |= dict.fromkeys(aliases, number)
        return stored

    def answer(self, asked: Asked) -> Says:
        """What it says to a request."""
        if self.down:
            return Says({"error_code": "INTERNAL_ERROR", "message": "database is locked"}, status=500)
        parts = urlsplit(asked.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path.startswith(_ARTIFACTS):
            return self._file(parts.path.removeprefix(_ARTIFACTS))
        if parts.path.endswith("registered-models/get"):
            return Says({"registered_model": {"name": query["name"], "aliases": self._aliases()}})
        return Says({"model_version": self._version(query["version"])})

    def _aliases(self) -> list[Mapping[str, str]]:
        return [{"alias": alias, "version": number} for alias, number in self.aliases.items()]

    def _version(self, number: str) -> Mapping[str, object]:
        stored = self.versions[number]
        tags = [{"key": key, "value": value} for key, value in stored.tags.items()]
        return {"name": "m", "version": number, "source": stored.source, "run_id": f"run{number}", "tags": tags}

    def _file(self, path: str) -> Says:
        for number, stored in self.versions.items():
            name = path.removeprefix(f"1/run{number}/artifacts/model/")
            if name in stored.contents:
                return Says(stored.contents[name], headers={"Content-Type": "application/octet-stream"})
        return Says({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": f"no {path}"}, status=404)


@contextlib.contextmanager
def lying_registry() -> Iterator[LyingRegistry]:
    """Let one run."""
    registry = LyingRegistry()
    with fake_server(registry.answer) as server:
        registry.server = server
        yield registry


def changed_metadata(contents: dict[str, bytes], **changes: object) -> None:
    """Change what model.json says."""
    contents["model.json"] = json.dumps(json.loads(contents["model.json"]) | changes).encode()
