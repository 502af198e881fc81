"""The contract's words: each is written once, promised in the docs, and raised where docs/contributing.md says."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FunctionType

import pytest
from serving_core.http import errors, messages
from support.checkout import REPOSITORY

SERVICES = REPOSITORY / "services"
ADAPTERS = set(SERVICES.glob("*_api/*_api"))
OTHER_MODULES = {
    path: ast.parse(path.read_text()) for path in sorted(SERVICES.rglob("*.py")) if not path.samefile(messages.__file__)
}
CONTRACT = " ".join((REPOSITORY / "docs" / "contract.md").read_text().split())
[GUIDE] = [
    section
    for section in (REPOSITORY / "docs" / "contributing.md").read_text().split("\n## ")
    if section.startswith("Which file answers with which status and message")
]
# In a text that is put together when the program runs: what is not known before.
VALUE = "\0"


FEATURES = [("features", "{i}"), ("samples", "{i}", "{j}")]
PLACES: dict[str, list[tuple[str, ...]]] = {
    "missing": [("features",), ("samples",), ("query",)],
    "not_a_list": [("features",), ("samples",), ("samples", "{i}")],
    "empty": [("samples",)],
    "too_many": [("samples",)],
    "wrong_length": [("features",), ("samples", "{i}")],
    "not_a_number": FEATURES,
    "out_of_range": FEATURES,
    "not_a_string": [("query",), ("operationName",)],
    "too_long": [("query",)],
    "not_an_object": [("variables",)],
}
"""Of what each function may be said, with the contract's placeholders."""


def texts_of(name: str) -> list[str]:
    """Every word or message of this name."""
    value = getattr(messages, name)
    return [value(*place) for place in PLACES[name]] if isinstance(value, FunctionType) else [value]


def names() -> list[str]:
    return [
        name
        for name, value in vars(messages).items()
        if (name.isupper() and isinstance(value, str)) or (name[0] != "_" and isinstance(value, FunctionType))
    ]


TEXTS = [text for name in names() for text in texts_of(name)]
MESSAGES = [text for text in TEXTS if text[0].isupper()]


@pytest.mark.parametrize("text", TEXTS)
def test_every_word_is_one_of_the_contract(text: str) -> None:
    assert re.search(rf"[`\"]{re.escape(text)}[`\"]", CONTRACT)


def test_the_contract_promises_no_other_message() -> None:
    of_errors = re.findall(r"`([A-Z][\w-]+(?: [\w{}\[\],/-]+)+)`", CONTRACT)

    assert set(of_errors) == set(MESSAGES)


@pytest.mark.parametrize("path", OTHER_MODULES, ids=lambda path: str(path.relative_to(SERVICES)))
def test_no_word_is_written_a_second_time(path: Path) -> None:
    again = [text for text in written_texts(OTHER_MODULES[path]) if says_what_the_contract_says(text)]

    assert not again


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        ('raise E("Malformed JSON")', True),
        ('raise E(f"Feature {i} must be a number")', True),
        ('raise E(f"{subject} out of valid range [-1000, 1000]")', True),
        ('description = "Says Expected 10 features where there are fewer."', True),
        ('status = "ready"', True),
        ('route = "/ready"', False),
        ('line = f"{one}, {other}"', False),
        ('def f():\n    """Answer `Malformed JSON`."""', False),
    ],
)
def test_a_second_time_would_be_seen(source: str, is_found: bool) -> None:
    found = [text for text in written_texts(ast.parse(source)) if says_what_the_contract_says(text)]

    assert bool(found) is is_found


def written_texts(tree: ast.Module) -> Iterator[str]:
    """The strings of a module, with VALUE for what is put into them; docstrings are for readers."""
    parts = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    docstrings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else VALUE for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings | parts:
            yield node.value


def says_what_the_contract_says(text: str) -> bool:
    """Whether it is a word of the contract, holds one of its messages, or can become one."""
    if text in TEXTS or any(message in text for message in MESSAGES):
        return True
    if VALUE not in text or len(re.sub(r"\W", "", text)) < 6:
        return False
    pattern = re.compile(".+".join(map(re.escape, text.split(VALUE))))
    return any(pattern.fullmatch(message) for message in MESSAGES)


@dataclass(frozen=True)
class Row:
    """A line of the guide's first table."""

    status: int
    message: str
    name: str
    files: str
    """Below services/, with `*` for whatever adapters there are."""

    @property
    def for_adapters(self) -> bool:
        """Whether each adapter raises it."""
        return self.files.startswith("*")


ROWS = [
    Row(int(status), message, name, files)
    for status, message, name, files in re.findall(
        r"^\| (\d{3}) \| `([^`]+)`[^|]* \| `(\w+)` \| `([^`]+)` \|$", GUIDE, re.MULTILINE
    )
]
OTHERS = re.findall(r"^\| [A-Z`][^|]+ \| `(\w+)` \| `([^`]+)` \|$", GUIDE, re.MULTILINE)


def test_the_guide_has_every_message_of_an_error() -> None:
    assert {row.message for row in ROWS} == set(MESSAGES)
    assert len(OTHERS) == 8


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.status} {row.message}")
def test_the_guide_names_each_message_and_status_as_the_code_does(row: Row) -> None:
    if error := getattr(errors, row.name, None):
        assert (error.status, error.message) == (row.status, row.message)
        return
    assert row.message in texts_of(row.name)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.message} in {row.files}")
def test_each_message_is_raised_where_the_guide_says(row: Row) -> None:
    raising = set(SERVICES.glob(row.files)) & files_that_raise(row.name)

    assert {path.parent for path in raising} == (ADAPTERS if row.for_adapters else {(SERVICES / row.files).parent})


@pytest.mark.parametrize("name", sorted({row.name for row in ROWS}))
def test_no_message_is_raised_elsewhere(name: str) -> None:
    rows = [row for row in ROWS if row.name == name]
    named = {path for row in rows for path in SERVICES.glob(row.files)}
    elsewhere = files_that_raise(name) - named

    # An adapter may have reasons to answer in more than one place, the core has none.
    assert not [path for path in elsewhere if path.parent not in ADAPTERS or not any(row.for_adapters for row in rows)]


@pytest.mark.parametrize(("name", "file"), OTHERS)
def test_what_else_the_guide_names_is_where_it_says(name: str, file: str) -> None:
    assert re.search(rf"\b{name}\b", (SERVICES / file).read_text())


def files_that_raise(name: str) -> set[Path]:
    return {path for path in OTHER_MODULES if name in raised(path)}


@cache
def raised(path: Path) -> set[str]:
    """The errors that a module makes and the messages that it uses, by name; examples of a schema do not count."""
    tree = OTHER_MODULES[path]
    examples = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == "examples"
        for inner in ast.walk(node)
    }
    names = set()
    for node in set(ast.walk(tree)) - examples:
        match node:
            case (
                ast.Attribute(value=ast.Name(id="messages"), attr=name)
                | ast.Raise(exc=ast.Name(id=name))
                | ast.Call(func=ast.Name(id=name))
            ):
                names.add(name)
    return names
