"""Which modules of a package import which, read from its sources."""

import ast
from collections.abc import Mapping, Set
from functools import cache
from pathlib import Path


@cache
def imports_of(package: Path) -> Mapping[str, Set[str]]:
    """The modules of a package by their dotted names, each with those of the package that it imports anywhere."""
    sources = {_dotted(package, path): path for path in package.rglob("*.py")}
    return {
        module: {name for imported in _imported(path) if (name := _module(imported, sources)) and name != module}
        for module, path in sources.items()
    }


def _dotted(package: Path, path: Path) -> str:
    return ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__")


def _imported(path: Path) -> set[str]:
    """Everything that may be a module in the source's import statements."""
    imported: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None, f"{path}: a relative import"
            imported |= {f"{node.module}.{alias.name}" for alias in node.names}
    return imported


def _module(imported: str, sources: dict[str, Path]) -> str | None:
    """The module that a name such as `package.module.function` is taken from."""
    return next((name for name in (imported, imported.rpartition(".")[0]) if name in sources), None)
