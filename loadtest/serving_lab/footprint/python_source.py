"""A Python file, counted: its lines of code and documentation, and how many functions say all their types."""

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

_NO_CODE = frozenset(
    {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENCODING,
        tokenize.ENDMARKER,
    }
)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class PythonSource:
    """What is in a file."""

    code: frozenset[int]
    """Numbers of the lines with code: no blank lines, comments and docstrings."""
    docstrings: frozenset[int]
    """Numbers of the lines of docstrings, those behind attributes included."""
    functions: int
    annotated: int
    """Functions and methods whose arguments and result all have a type."""
    spans: dict[str, range]
    """Lines of each function, class and assignment of the module, decorators included, by name."""

    @classmethod
    def parse(cls, text: str) -> "PythonSource":
        """Count a file's text.

        Raises:
            SyntaxError, ValueError: it is not Python that this interpreter can read.
        """
        tree = ast.parse(text)
        docstrings = frozenset(line for span in _docstrings(tree) for line in span)
        functions = list(_functions(tree, in_class=False))
        return cls(
            code=frozenset(_code(text)) - docstrings,
            docstrings=docstrings,
            functions=len(functions),
            annotated=sum(functions),
            spans={name: span for node in tree.body for name, span in _named(node)},
        )


def _code(text: str) -> Iterator[int]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _NO_CODE:
            yield from range(token.start[0], token.end[0] + 1)


def _docstrings(tree: ast.AST) -> Iterator[range]:
    """Texts that stand alone: of modules, classes and functions, and of attributes."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                yield _span(node)


def _functions(node: ast.AST, *, in_class: bool) -> Iterator[bool]:
    """Yield for each function whether all of it has types."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Function):
            yield _annotated(child, is_method=in_class)
        yield from _functions(child, in_class=isinstance(child, ast.ClassDef))


def _annotated(function: _Function, *, is_method: bool) -> bool:
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    is_static = any(isinstance(each, ast.Name) and each.id == "staticmethod" for each in function.decorator_list)
    if is_method and not is_static:
        positional = positional[1:]  # self and cls need none
    rest = [each for each in (given.vararg, given.kwarg) if each]
    arguments = [*positional, *given.kwonlyargs, *rest]
    # Type checkers know what __init__ returns where an argument of it has a type.
    known_result = function.returns is not None or (function.name == "__init__" and bool(arguments))
    return known_result and all(argument.annotation for argument in arguments)


def _named(node: ast.stmt) -> Iterator[tuple[str, range]]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            yield node.name, range(first, _span(node).stop)
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            yield name, _span(node)


def _span(node: ast.stmt) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)
