"""The Python files of a project: their functions, classes and constants, and what a name in them means."""

import ast
import os
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from serving_lab.inventory.result import Place

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_NOT_OF_THE_PROJECT = frozenset({"site-packages", "dist-packages", "node_modules", "__pycache__", "build", "dist"})
_MOST_FILES = 3000
_MOST_BYTES = 2 << 20
_DEEPEST = 8
"""How many imports a name is followed through."""


@dataclass(frozen=True, eq=False)
class Module:
    """A file."""

    path: Path
    name: str
    tree: ast.Module
    shown: str
    """Its path as people read it."""

    @cached_property
    def imports(self) -> dict[str, str]:
        """What each imported name stands for, with dots."""
        found: dict[str, str] = {}
        package = self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    found[alias.asname or alias.name.partition(".")[0]] = (
                        alias.name if alias.asname else alias.name.partition(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    parts = package.split(".") if package else []
                    above = parts[: len(parts) - (node.level - 1)]
                    base = ".".join([*above, *([node.module] if node.module else [])])
                for alias in node.names:
                    found[alias.asname or alias.name] = f"{base}.{alias.name}" if base else alias.name
        return found

    @cached_property
    def functions(self) -> "dict[str, Function]":
        """All functions and methods, by their qualified names."""
        return {function.qualname: function for function in self._functions(self.tree, "", None)}

    @cached_property
    def classes(self) -> "dict[str, Class]":
        """The classes, by their names."""
        return {node.name: Class(self, node) for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef)}

    @cached_property
    def assigned(self) -> dict[str, ast.expr]:
        """What stands at module level behind each name: the last assignment."""
        found: dict[str, ast.expr] = {}
        for node in _module_level(self.tree.body):
            targets: list[ast.expr] = []
            if isinstance(node, ast.Assign):
                targets = node.targets
            elif isinstance(node, ast.AnnAssign) and node.value is not None:
                targets = [node.target]
            for target in targets:
                if isinstance(target, ast.Name) and isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value:
                    found[target.id] = node.value
        return found

    def place(self, node: ast.AST) -> Place:
        """Where a node is."""
        return Place(self.shown, getattr(node, "lineno", 1))

    def _functions(self, node: ast.AST, prefix: str, owner: "Class | None") -> "Iterator[Function]":
        for child in ast.iter_child_nodes(node):
            if isinstance(child, FunctionNode):
                yield Function(self, child, prefix + child.name, owner)
                yield from self._functions(child, f"{prefix}{child.name}.", None)
            elif isinstance(child, ast.ClassDef):
                yield from self._functions(child, f"{prefix}{child.name}.", Class(self, child))
            else:
                yield from self._functions(child, prefix, owner)


@dataclass(frozen=True, eq=False)
class Class:
    """A class."""

    module: Module
    node: ast.ClassDef

    @property
    def name(self) -> str:
        """What it is called."""
        return self.node.name


@dataclass(frozen=True, eq=False)
class Function:
    """A function or a method."""

    module: Module
    node: FunctionNode
    qualname: str
    owner: Class | None

    @property
    def place(self) -> Place:
        """Where it begins."""
        return self.module.place(self.node)

    @property
    def parameters(self) -> list[str]:
        """The names of what may be given by position or by name; `self` and `cls` are left out."""
        arguments = self.node.args
        names = [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        return names[1:] if self.owner and names[:1] in (["self"], ["cls"]) else names

    @cached_property
    def local(self) -> dict[str, list[ast.expr]]:
        """What is assigned to each name and attribute in it, by `x` and `g.db`."""
        found: dict[str, list[ast.expr]] = {}
        for node in ast.walk(self.node):
            pairs: list[tuple[ast.expr, ast.expr]] = []
            if isinstance(node, ast.Assign):
                pairs = [(target, node.value) for target in node.targets]
            elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value:
                pairs = [(node.target, node.value)]
            elif isinstance(node, (ast.With, ast.AsyncWith)):
                pairs = [(item.optional_vars, item.context_expr) for item in node.items if item.optional_vars]
            for target, value in pairs:
                if isinstance(target, (ast.Name, ast.Attribute)):
                    found.setdefault(ast.unparse(target), []).append(value)
        return found


@dataclass(eq=False)
class Project:
    """The files below a folder, read when they are asked for."""

    root: Path
    roots: tuple[Path, ...] = ()
    """Where else imports are looked for."""
    files: tuple[Path, ...] | None = None
    """The files that count, where they are known; None: all below the root."""
    unread: list[str] = field(default_factory=list)
    """Files that could not be read, with why."""
    _modules: dict[Path, Module | None] = field(default_factory=dict)

    def module(self, path: Path) -> Module | None:
        """The file as a module; None: it is not of the project, or cannot be read."""
        path = path.resolve()
        if path not in self._modules:
            self._modules[path] = self._read(path)
        return self._modules[path]

    def named(self, name: str) -> Module | None:
        """The module with a dotted name."""
        for root in self._roots:
            base = root.joinpath(*name.split(".")) if name else root
            for path in (base.with_suffix(".py") if name else base / "__init__.py", base / "__init__.py"):
                if path.is_file() and (module := self.module(path)):
                    return module
        return None

    def all_modules(self) -> Iterator[Module]:
        """Every file that counts."""
        for path in self.paths() if self.files is None else self.files:
            if module := self.module(path):
                yield module

    def paths(self) -> Iterator[Path]:
        """The paths of the project's files; tests, environments and what is hidden are left out."""
        count = 0
        for here, names, files in os.walk(self.root):
            folder = Path(here)
            names[:] = sorted(name for name in names if self._is_wanted(folder / name))
            for name in sorted(files):
                if name.endswith(".py") and not _is_test(name):
                    count += 1
                    if count > _MOST_FILES:
                        self.unread.append(f"more than {_MOST_FILES:,} files: the rest was not read")
                        return
                    yield folder / name

    def imported_by(self, path: Path) -> Iterator[Path]:
        """A file, and the files of the project that it imports, directly or not."""
        waiting, seen = [path.resolve()], set[Path]()
        while waiting:
            current = waiting.pop(0)
            if current in seen or (module := self.module(current)) is None:
                continue
            seen.add(current)
            yield current
            for whole in module.imports.values():
                parts = whole.split(".")
                inner = [self.named(".".join(parts[:length])) for length in range(1, len(parts) + 1)]
                waiting += [each.path for each in inner if each is not None]

    def function_at(self, path: Path, line: int) -> Function | None:
        """The function that begins at a line of a file, with its decorators or at its `def`."""
        module = self.module(path)
        if module is None:
            return None
        for function in module.functions.values():
            first = min((each.lineno for each in function.node.decorator_list), default=function.node.lineno)
            if line in {first, function.node.lineno}:
                return function
        return None

    def meaning(self, module: Module, dotted: str, depth: int = 0) -> "Function | Class | ast.expr | str | None":
        """What a dotted name means in a module: of the project, or the whole name of something outside it."""
        head, _, rest = dotted.partition(".")
        if head in module.imports:
            whole = module.imports[head] + (f".{rest}" if rest else "")
            return self._absolute(whole, depth)
        if not rest and head in module.functions:
            return module.functions[head]
        if head in module.classes:
            return module.classes[head] if not rest else module.functions.get(dotted)
        if head in module.assigned:
            return self._of_assigned(module, head, rest, depth)
        return None

    def bases(self, owner: Class) -> Iterator[Class]:
        """The class and its bases in the project."""
        seen: list[Class] = []
        waiting = [owner]
        while waiting and len(seen) < _DEEPEST:
            current = waiting.pop(0)
            seen.append(current)
            yield current
            for base in current.node.bases:
                found = self.meaning(current.module, dotted(base) or "")
                if isinstance(found, Class) and found not in seen:
                    waiting.append(found)

    def base_names(self, owner: Class) -> Set[str]:
        """The last parts of the names of all bases, the nearest first, also of those outside the project."""
        found: dict[str, None] = {}
        for each in self.bases(owner):
            found |= {(dotted(base) or "").rpartition(".")[2]: None for base in each.node.bases}
        return found.keys()

    def method(self, owner: Class, name: str) -> Function | None:
        """A method of a class or of its bases."""
        for each in self.bases(owner):
            for function in each.module.functions.values():
                if function.owner and function.owner.node is each.node and function.node.name == name:
                    return function
        return None

    @property
    def _roots(self) -> tuple[Path, ...]:
        return (self.root, *self.roots, self.root / "src")

    def _absolute(self, whole: str, depth: int) -> "Function | Class | ast.expr | str | None":
        parts = whole.split(".")
        for length in range(len(parts), 0, -1):
            if module := self.named(".".join(parts[:length])):
                rest = ".".join(parts[length:])
                if not rest:
                    return whole
                if depth > _DEEPEST:
                    return None
                return self.meaning(module, rest, depth + 1)
        return whole

    def _of_assigned(
        self, module: Module, head: str, rest: str, depth: int
    ) -> "Function | Class | ast.expr | str | None":
        value = module.assigned[head]
        if not rest:
            return value
        if isinstance(value, ast.Call) and depth <= _DEEPEST:
            made_by = self.meaning(module, dotted(value.func) or "", depth + 1)
            if isinstance(made_by, Class):
                return self.method(made_by, rest)
        return None

    def _read(self, path: Path) -> Module | None:
        if not any(path.is_relative_to(root.resolve()) for root in (self.root, *self.roots)) or not self._is_own(path):
            return None
        shown = str(path.relative_to(root)) if path.is_relative_to(root := self.root.resolve()) else str(path)
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise ValueError("it is larger than 2 MiB")
            tree = ast.parse(path.read_bytes(), filename=str(path))
        except (OSError, SyntaxError, ValueError, RecursionError) as error:
            why = (
                error.msg if isinstance(error, SyntaxError) else error.strerror if isinstance(error, OSError) else error
            )
            line = f":{error.lineno}" if isinstance(error, SyntaxError) else ""
            self.unread.append(f"{shown}{line}: {why}")
            return None
        return Module(path, self._name(path), tree, shown)

    def _name(self, path: Path) -> str:
        roots = sorted((root.resolve() for root in self._roots), key=lambda each: -len(each.parts))
        inner = next((path.relative_to(root) for root in roots if path.is_relative_to(root)), Path(path.name))
        parts = [*inner.parts[:-1], *([] if path.name == "__init__.py" else [path.stem])]
        return ".".join(parts)

    def _is_wanted(self, folder: Path) -> bool:
        return (
            self._is_own(folder)
            and not folder.name.startswith(".")
            and folder.name not in {"tests", "test"}
            and not (folder / "pyvenv.cfg").exists()
        )

    def _is_own(self, path: Path) -> bool:
        root = self.root.resolve()
        inner = path.relative_to(root) if path.is_relative_to(root) else path
        return not _NOT_OF_THE_PROJECT & set(inner.parts)


def dotted(node: ast.AST | None) -> str | None:
    """The dotted name that an expression is; None: it is none."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else None
    return None


def _is_test(name: str) -> bool:
    return name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py"


def _module_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        if isinstance(node, (ast.If, ast.Try, ast.With)):
            inner = [*node.body, *getattr(node, "orelse", []), *getattr(node, "finalbody", [])]
            for handler in getattr(node, "handlers", []):
                inner += handler.body
            yield from _module_level(inner)
