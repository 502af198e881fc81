"""What `lab inventory` was pointed at."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from serving_lab.errors import LabError

_APPLICATIONS = frozenset(
    {"Flask", "FastAPI", "Starlette", "Litestar", "Quart", "Bottle", "Sanic", "APIFlask", "OpenAPI"}
)
_FACTORY = re.compile(r"(?:create|make|build|get)_(?:app|application)|app_factory")
_USUAL_FILES = (
    "wsgi.py",
    "asgi.py",
    "app.py",
    "main.py",
    "application.py",
    "server.py",
    "api.py",
    "run.py",
    "__init__.py",
)
_MODULE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_ATTRIBUTE = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(\(\s*\))?")
_HINT = (
    "a module (package.module:app), a file (path/app.py, path/app.py:create_app), a folder with an app, the URL of a "
    "service, an OpenAPI document, a HAR file, or a Postman collection"
)
_DEEPEST = 4


@dataclass(frozen=True)
class ApplicationTarget:
    """An application in Python."""

    root: Path
    """The folder that its imports begin at."""
    module: str
    attribute: str | None
    """Of the application in the module; None: it is looked for."""
    call: bool
    """Whether the attribute is a function that makes it."""
    file: Path | None
    """Where the module is, as far as that is known without importing anything."""
    by_file: bool = False
    """Whether only the file can be imported, because its name is none that Python takes."""


@dataclass(frozen=True)
class UrlTarget:
    """A running service."""

    url: str


@dataclass(frozen=True)
class FileTarget:
    """A file that is no Python."""

    path: Path


Target = ApplicationTarget | UrlTarget | FileTarget


def parse(written: str) -> Target:
    """What a target means.

    Raises:
        LabError: nothing, or a file or folder that is not there.
    """
    if not written.strip():
        raise LabError("the target is empty", hint=f"name {_HINT}")
    if re.match(r"https?://", written, re.IGNORECASE):
        return UrlTarget(written)
    path, attribute, call = _split(written)
    if path.is_dir():
        return _in_folder(path, attribute, call)
    if path.is_file():
        return _in_file(path, attribute, call) if path.suffix == ".py" else FileTarget(path)
    name = str(path)
    if _MODULE.fullmatch(name) and not name.endswith((".py", ".json", ".yaml", ".yml", ".har")):
        return ApplicationTarget(Path.cwd(), name, attribute, call, _file_of(name))
    raise LabError(f"{written}: there is no such file, folder or module", hint=f"name {_HINT}")


def _split(written: str) -> tuple[Path, str | None, bool]:
    before, colon, after = written.rpartition(":")
    found = _ATTRIBUTE.fullmatch(after) if colon and before else None
    if found is None or Path(written).exists():
        return Path(written), None, False
    return Path(before), found[1], found[2] is not None


def _file_of(name: str) -> Path | None:
    base = Path.cwd().joinpath(*name.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def _in_file(path: Path, attribute: str | None, call: bool) -> ApplicationTarget:
    whole = path.resolve()
    root, parts = whole.parent, [] if whole.name == "__init__.py" else [whole.stem]
    while (root / "__init__.py").is_file() and root != root.parent:
        parts.insert(0, root.name)
        root = root.parent
    module = ".".join(parts)
    if _MODULE.fullmatch(module):
        return ApplicationTarget(root, module, attribute, call, whole)
    name = re.sub(r"\W", "_", f"module_{whole.stem}", flags=re.ASCII)
    return ApplicationTarget(whole.parent, name, attribute, call, whole, by_file=True)


def _in_folder(folder: Path, attribute: str | None, call: bool) -> ApplicationTarget:
    found = [path for path in _python_files(folder) if _makes_application(path)]
    if not found:
        raise LabError(
            f"{folder} has no Python file that makes an application",
            hint=f"name the module: lab inventory {folder}/FILE.py:NAME",
        )

    def rank(path: Path) -> tuple[int, int, str]:
        usual = _USUAL_FILES.index(path.name) if path.name in _USUAL_FILES else len(_USUAL_FILES)
        return len(path.relative_to(folder).parts), usual, str(path)

    return _in_file(min(found, key=rank), attribute, call)


def _python_files(folder: Path, depth: int = 0) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix == ".py" and not path.name.startswith("test_") and path.name != "conftest.py":
            yield path
        elif (
            path.is_dir()
            and depth < _DEEPEST
            and not path.name.startswith(".")
            and path.name not in {"tests", "test", "node_modules", "site-packages", "__pycache__"}
            and not (path / "pyvenv.cfg").exists()
        ):
            yield from _python_files(path, depth + 1)


def _makes_application(path: Path) -> bool:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return False
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and (
            _FACTORY.fullmatch(node.name) or node.name in {"app", "application"}
        ):
            return True
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Call):
            called = node.value.func
            name = (
                called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
            )
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            named = any(isinstance(each, ast.Name) and each.id in {"app", "application"} for each in targets)
            if name in _APPLICATIONS or (named and _FACTORY.fullmatch(name)):
                return True
            if named and name in {"get_wsgi_application", "get_asgi_application", "App", "ProxyFix"}:
                return True
    return False
