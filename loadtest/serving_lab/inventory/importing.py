"""Imports an application in a process of its own, with the interpreter that has its packages."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from serving_lab.errors import LabError
from serving_lab.inventory import probe
from serving_lab.inventory.result import Access
from serving_lab.inventory.target import ApplicationTarget

_GRACE_SECONDS = 5.0
"""How much longer a process may live that does not end by itself."""
_MOST_BYTES = 64 << 20
_MOST_SHOWN = 300
_UNSET = re.compile(r"environ|getenv|env(?:\.\w+)?\(|config\(|Config\(")


class Handler(msgspec.Struct, frozen=True, kw_only=True):
    """A function, and where it is."""

    name: str
    file: str
    line: int
    module: str | None = None
    is_async: bool = False
    doc: str = ""
    decorator: bool = False
    """Whether it is around the one that answers."""
    direct: bool = True
    """Whether it was found by what wrappers say they wrap, not in what they keep."""

    @property
    def path(self) -> Path:
        """The file as a path."""
        return Path(self.file)


class Scheme(msgspec.Struct, frozen=True, kw_only=True):
    """A security scheme of FastAPI."""

    scheme: str
    type: str = ""
    http: str | None = None
    in_: str = msgspec.field(default="", name="in")
    name: str | None = None

    def access(self) -> Access:
        """How it lets requests in."""
        kind, http, key = self.type.lower(), (self.http or "").lower(), self.name or self.scheme
        if kind == "apikey":
            if self.in_ == "cookie":
                return Access(kind="cookie", name=key, through="dependency")
            return Access(kind="api key", name=f"?{key}=" if self.in_ == "query" else key, through="dependency")
        if kind == "http" and http == "basic":
            return Access(kind="basic", name="Authorization", through="dependency")
        if kind in {"http", "oauth2", "openidconnect"}:
            return Access(kind="bearer", name="Authorization", through="dependency")
        return Access(kind="other", name=self.scheme, through="dependency")


class Converter(msgspec.Struct, frozen=True, kw_only=True):
    """A converter of Werkzeug."""

    converter: str
    pattern: str | None = None
    minimum: float | None = None
    maximum: float | None = None


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A route, as the application has it."""

    path: str
    methods: list[str]
    endpoint: str
    handlers: list[Handler]
    syntax: str
    group: str | None = None
    converters: dict[str, Converter] = {}
    by_method: dict[str, list[Handler]] = {}
    dependencies: list[dict[str, Any]] = []

    @property
    def functions(self) -> list[Handler]:
        """The functions among what it depends on."""
        return [msgspec.convert(each, Handler) for each in self.dependencies if "file" in each]

    @property
    def schemes(self) -> list[Scheme]:
        """The security schemes among what it depends on."""
        return [msgspec.convert(each, Scheme) for each in self.dependencies if "scheme" in each]


class SeenHook(msgspec.Struct, frozen=True, kw_only=True):
    """A function that runs around requests."""

    when: str
    name: str
    group: str | None = None
    place: Handler | None = None
    handlers: list[Handler] = []


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """An OpenAPI document that the application makes."""

    prefix: str
    content: dict[str, Any]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What an imported application has."""

    attribute: str
    called: bool
    stopped: str | None
    framework: str | None
    version: str | None
    type: str
    handler: list[Handler] | None
    routes: list[Route]
    hooks: list[SeenHook]
    extensions: list[str]
    notes: list[str]
    documents: list[Document]
    debug: bool
    files: list[str]
    python: str


@dataclass(frozen=True)
class NotImported:
    """Why there is nothing to see."""

    why: str
    hint: str | None
    mistaken: bool = False
    """Whether the target is named wrongly, so that its source would not answer the question."""


def interpreter(given: Path | None, target: ApplicationTarget, environment: Mapping[str, str]) -> Path:
    """The interpreter that has the application's packages.

    Raises:
        LabError: the one that was named is none.
    """
    if given is not None:
        found = shutil.which(given, path=environment.get("PATH"))
        if found is None:
            raise LabError(f"--python {given}: there is no such program", hint="for example --python venv/bin/python")
        return _absolute(found)
    active = environment.get("VIRTUAL_ENV")
    beside = [folder / name for folder in (target.root, *target.root.parents[:2]) for name in (".venv", "venv", "env")]
    for folder in ([Path(active)] if active else []) + beside:
        path = folder / "bin" / "python"
        if path.exists() and os.access(path, os.X_OK):
            return path
    return _absolute(sys.executable)


def seen(target: ApplicationTarget, python: Path, seconds: float, environment: Mapping[str, str]) -> Seen | NotImported:
    """What the application has; else why it cannot be imported.

    Raises:
        LabError: the interpreter cannot be started.
    """
    reading, writing = os.pipe()
    own_folder = str(target.file.parent) if target.file else None
    paths = [str(target.root), *([own_folder] if own_folder and own_folder != str(target.root) else [])]
    source = target.root / "src"
    asked = {
        "module": target.module,
        "file": str(target.file) if target.file else None,
        "by_file": target.by_file,
        "attribute": target.attribute,
        "call": target.call,
        "root": str(target.root),
        "paths": [*paths, *([str(source)] if source.is_dir() else [])],
        "seconds": seconds,
        "descriptor": writing,
    }
    # Flask's own switch: app.run() does nothing.
    known = {**environment, "FLASK_RUN_FROM_CLI": "true", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(python), "-B", str(Path(probe.__file__)), json.dumps(asked)]
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(  # noqa: S603 - the user's own application is what they asked for
                command,
                cwd=target.root,
                env=known,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                pass_fds=(writing,),
                start_new_session=True,
            )
        except OSError as error:
            os.close(reading)
            os.close(writing)
            raise LabError(f"{python}: {error.strerror}", hint="--python PATH names the interpreter") from error
        os.close(writing)
        ended = threading.Timer(2 * seconds + _GRACE_SECONDS, _end, (process,))
        ended.start()
        try:
            content = _read(reading)
            process.wait()
        finally:
            ended.cancel()
            # What the application started is not left behind.
            _end(process)
            process.wait()
            os.close(reading)
        said.seek(0)
        tail = said.read()[-_MOST_SHOWN * 4 :].decode("utf-8", "replace").strip()
    if not content:
        lines = tail.splitlines()
        last = f": {lines[-1][:_MOST_SHOWN]}" if lines else ""
        return NotImported(f"the interpreter ended ({_ending(process.returncode)}) without an answer{last}", None)
    told = json.loads(content)
    if "failed" in told:
        return _why(told["failed"], target, python)
    return msgspec.convert(told, Seen)


def _absolute(path: str) -> Path:
    # A link is not followed: the environment is where the link is.
    return Path(os.path.abspath(path))  # noqa: PTH100


def _read(descriptor: int) -> bytes:
    content = b""
    while (part := os.read(descriptor, 1 << 16)) and len(content) < _MOST_BYTES:
        content += part
    return content


def _end(process: "subprocess.Popen[bytes]") -> None:
    try:
        os.killpg(process.pid, 9)
    except (ProcessLookupError, PermissionError):
        return


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _why(failed: Mapping[str, Any], target: ApplicationTarget, python: Path) -> NotImported:
    named = ", ".join(failed.get("applications") or ())
    stopped = f": {failed['stopped']}, before there was an application" if failed.get("stopped") else ""
    written = target.file or target.module
    match failed["kind"]:
        case "no module":
            return NotImported(
                f"there is no module {failed['name']} in {target.root}", "run it where its imports begin"
            )
        case "no attribute":
            hint = f"it has {named}: lab inventory {written}:{named.partition(',')[0]}" if named else None
            return NotImported(f"{target.module} has no {failed['name']}{stopped}", hint, mistaken=not stopped)
        case "several":
            told = f"{target.module} has several applications: {named}"
            return NotImported(told, f"name one: {written}:NAME", mistaken=True)
        case "no application":
            return NotImported(
                f"{target.module} has no application that is known{stopped}", f"name it: lab inventory {written}:NAME"
            )
        case "factory":
            needed = ", ".join(failed["parameters"])
            return NotImported(
                f"{failed['name']} needs arguments ({needed}), and factories are called without any",
                "write a module that calls it, such as wsgi.py with app = create_app(…), and name that",
            )
        case "factory stopped":
            return NotImported(f"{failed['name']}(): {failed['why']}", "--timeout SECONDS gives it longer")
        case "stopped":
            return NotImported(failed["message"], "--timeout SECONDS gives it longer")
    return _raised(failed, target, python)


def _raised(failed: Mapping[str, Any], target: ApplicationTarget, python: Path) -> NotImported:
    where = f" ({_shown(failed['file'], target.root)}:{failed['line']})" if "file" in failed else ""
    told = f"its import raises {failed['type']}: {failed['message']}"[: _MOST_SHOWN * 2]
    if failed["type"] == "ModuleNotFoundError":
        return NotImported(
            f"{failed.get('name')}, which it imports, is not installed in {python}{where}",
            "--python PATH names the interpreter that has its packages, such as venv/bin/python",
        )
    if failed["type"] == "KeyError" and _UNSET.search(str(failed.get("code"))):
        name = str(failed["message"]).strip("'\"")
        return NotImported(f"{told}{where}", f"set {name} in the environment, as for a start of the service")
    return NotImported(
        f"{told}{where}", "it has to start as it does here: lab inventory runs what stands at module level"
    )


def _shown(file: str, root: Path) -> str:
    path = Path(file)
    whole = root.resolve()
    return str(path.relative_to(whole)) if path.is_relative_to(whole) else file
