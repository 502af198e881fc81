"""What is written for a target: how much, how much of it checks requests, and how well it is described and typed."""

import importlib.util
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from serving_lab.errors import LabError
from serving_lab.footprint.python_source import PythonSource
from serving_lab.footprint.result import CodeFacts
from serving_lab.targets import catalogue

PYTHON = "Python"
LANGUAGES = {
    ".py": PYTHON,
    ".c": "C",
    ".cc": "C++",
    ".cpp": "C++",
    ".cs": "C#",
    ".ex": "Elixir",
    ".go": "Go",
    ".h": "C",
    ".hpp": "C++",
    ".java": "Java",
    ".js": "JavaScript",
    ".jsx": "JavaScript",
    ".kt": "Kotlin",
    ".mjs": "JavaScript",
    ".php": "PHP",
    ".rb": "Ruby",
    ".rs": "Rust",
    ".scala": "Scala",
    ".swift": "Swift",
    ".ts": "TypeScript",
    ".tsx": "TypeScript",
}
"""What counts as source, by the end of its name."""

_LEFT_OUT = frozenset({"__pycache__", "node_modules", "venv", "build", "dist", "target"})
_TYPE_CHECK_SECONDS = 180.0
_TYPE_ERROR = re.compile(r": error: ")
_PROJECT_FILES = ("mypy.ini", ".mypy.ini", "pyproject.toml", "setup.cfg")


@dataclass(frozen=True)
class _File:
    path: Path
    name: str
    """Below its folder."""
    language: str
    lines: int
    python: PythonSource | None


def count(form: catalogue.Code, folder: Path, documented_operations: int | None, *, type_check: bool) -> CodeFacts:
    """Count what is written for a target.

    Args:
        form: Which folders, and what of them checks requests.
        folder: What the folders are relative to.
        documented_operations: As in `CodeFacts`.
        type_check: Whether mypy looks at it; that takes some seconds.

    Raises:
        LabError: a file cannot be read, or what is named is not there.
    """
    roots = [folder / each for each in form.folders]
    files = _counted(form.without, [file for root in roots for file in _files(root)])
    lines: Counter[str] = Counter()
    for file in files:
        lines[file.language] += file.lines
    sources = [file.python for file in files if file.python]
    return CodeFacts(
        folders=form.folders,
        without=form.without,
        files=len(files),
        lines=dict(lines),
        validation=form.validation,
        validation_lines=_validation_lines(form.validation, files) if form.validation else None,
        docstring_lines=sum(len(source.docstrings) for source in sources),
        functions=sum(source.functions for source in sources),
        annotated_functions=sum(source.annotated for source in sources),
        type_errors=type_errors(roots) if sources and type_check else None,
        documented_operations=documented_operations,
    )


def type_errors(folders: list[Path]) -> int | None:
    """Return how many errors `mypy --strict` finds, with the settings of the project they belong to.

    Libraries without types are not counted against the code. None: mypy is not installed, or does not get to an end.
    """
    if importlib.util.find_spec("mypy") is None:
        return None
    with tempfile.TemporaryDirectory() as cache:
        options = ("--strict", "--ignore-missing-imports", "--no-error-summary", "--cache-dir", cache)
        try:
            checked = subprocess.run(  # noqa: S603
                [sys.executable, "-m", "mypy", *options, *map(str, (each.resolve() for each in folders))],
                cwd=_project(folders[0]),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_TYPE_CHECK_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None
    found = len(_TYPE_ERROR.findall(checked.stdout))
    # 0: nothing found, 1: errors found; anything else says that it could not check.
    return found if checked.returncode in (0, 1) else None


def _project(folder: Path) -> Path:
    """Where the settings of a folder's project lie; else the folder."""
    folder = folder.resolve()
    candidates = (folder, *folder.parents)
    has_settings = (each for each in candidates if any((each / name).is_file() for name in _PROJECT_FILES))
    return next(has_settings, folder)


def _files(root: Path) -> Iterator[_File]:
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        hidden = any(part.startswith(".") or part in _LEFT_OUT for part in name.parts)
        if path.suffix in LANGUAGES and path.is_file() and not hidden:
            yield _file(path, name.as_posix())


def _counted(without: list[str], files: list[_File]) -> list[_File]:
    """The files that are left."""
    for name in without:
        kept = [file for file in files if not PurePosixPath(file.name).is_relative_to(name)]
        if len(kept) == len(files):
            raise _missing("without", name, f"there is no {name}")
        files = kept
    return files


def _file(path: Path, name: str) -> _File:
    language = LANGUAGES[path.suffix]
    try:
        text = path.read_text(encoding="utf-8")
        python = PythonSource.parse(text) if language == PYTHON else None
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}") from error
    except (SyntaxError, ValueError) as error:
        raise LabError(f"{path} cannot be counted: {error}") from error
    lines = len(python.code) if python else sum(bool(line.strip()) for line in text.splitlines())
    return _File(path, name, language, lines, python)


def _validation_lines(names: list[str], files: list[_File]) -> int:
    """Lines of code in what is named; what is named twice counts once."""
    found: set[tuple[Path, int]] = set()
    others: dict[Path, int] = {}
    for name in names:
        path, _, symbol = name.partition(":")
        file = next((file for file in files if file.name == path), None)
        if file is None:
            raise _missing("validation", name, f"there is no {path}")
        if file.python is None and not symbol:
            others[file.path] = file.lines
            continue
        if file.python is None:
            raise _missing("validation", name, f"{file.language} is counted by whole files")
        if symbol and symbol not in file.python.spans:
            raise _missing("validation", name, f"{path} has no function, class or assignment {symbol}")
        found |= {(file.path, line) for line in file.python.code if not symbol or line in file.python.spans[symbol]}
    return len(found) + sum(others.values())


def _missing(key: str, name: str, why: str) -> LabError:
    return LabError(f"{key} {name!r}: {why}", hint="fix the footprint file")
