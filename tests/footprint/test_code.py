"""Code counted: each line for what it is, each function for its types."""

from pathlib import Path

import pytest
from serving_lab.errors import LabError
from serving_lab.footprint import code
from serving_lab.footprint.python_source import PythonSource
from serving_lab.footprint.result import CodeFacts
from serving_lab.targets.catalogue import Catalogue
from serving_lab.targets.catalogue import Code as CodeForm
from support.checkout import REPOSITORY

SOURCE = '''\
"""What the module is.

Two lines, and an empty one between.
"""

LIMIT = 3  # with a comment
"""What the attribute is."""

# Nothing but a comment.
TEXT = """a value
# not a comment

of four lines"""


class Reader:
    """What the class is."""

    def read(self, name: str, *more: int) -> str:
        """What the method does."""
        return (
            name

        )

    def guess(self, name): ...

    @staticmethod
    def wrong(self: int) -> int:
        return self


@decorated
def check(value: object) -> bool:
    return bool(value)
'''


def test_lines_are_code_or_documentation_or_neither() -> None:
    source = PythonSource.parse(SOURCE)

    lines = SOURCE.splitlines()
    assert [lines[number - 1].strip() for number in sorted(source.code)] == [
        "LIMIT = 3  # with a comment",
        'TEXT = """a value',
        "# not a comment",
        "",
        'of four lines"""',
        "class Reader:",
        "def read(self, name: str, *more: int) -> str:",
        "return (",
        "name",
        ")",
        "def guess(self, name): ...",
        "@staticmethod",
        "def wrong(self: int) -> int:",
        "return self",
        "@decorated",
        "def check(value: object) -> bool:",
        "return bool(value)",
    ]
    assert len(source.docstrings) == 4 + 1 + 1 + 1


@pytest.mark.parametrize(
    ("function", "whole"),
    [
        ("def f() -> None: ...", True),
        ("def f(): ...", False),
        ("async def f(a: int, *, b: str) -> None: ...", True),
        ("def f(a: int, *, b) -> None: ...", False),
        ("def f(a: int, *rest, **more: int) -> None: ...", False),
        ("def f(a, /, b: int) -> None: ...", False),
        ("class C:\n def f(self) -> None: ...", True),
        ("class C:\n def f(self): ...", False),
        ("class C:\n def __init__(self, a: int): ...", True),
        ("class C:\n def __init__(self): ...", False),
        ("class C:\n @staticmethod\n def f(a) -> None: ...", False),
        ("class C:\n @classmethod\n def f(cls) -> None: ...", True),
    ],
)
def test_a_function_has_all_its_types_or_not(function: str, whole: bool) -> None:
    source = PythonSource.parse(function)

    assert (source.functions, source.annotated) == (1, int(whole))


def test_functions_within_functions_count() -> None:
    source = PythonSource.parse("def f() -> None:\n def g(x): ...\n")

    assert (source.functions, source.annotated) == (2, 1)


def counted(folder: Path, *validation: str, type_check: bool = False) -> CodeFacts:
    form = CodeForm(folders=["."], validation=list(validation))
    return code.count(form, folder, None, type_check=type_check)


def test_validation_is_what_is_named_and_counts_once(tmp_path: Path) -> None:
    (tmp_path / "reader.py").write_text(SOURCE)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "rules.py").write_text("A = 1\n\nB = 2\n")

    assert counted(tmp_path).validation_lines is None
    assert counted(tmp_path, "reader.py:check").validation_lines == 3
    assert counted(tmp_path, "reader.py:check", "reader.py:LIMIT", "below/rules.py").validation_lines == 3 + 1 + 2
    assert counted(tmp_path, "reader.py", "reader.py:check").validation_lines == 17


def test_what_is_for_more_than_the_others_have_is_not_counted(tmp_path: Path) -> None:
    (tmp_path / "extra").mkdir()
    for name in ("app.py", "extra.py", "extra/more.py", "extra/further.py"):
        (tmp_path / name).write_text("A = 1\n")

    found = code.count(CodeForm(folders=["."], without=["extra", "extra.py"]), tmp_path, None, type_check=False)

    assert (found.files, found.all_lines, found.without) == (1, 1, ["extra", "extra.py"])
    with pytest.raises(LabError, match="without 'gone': there is no gone"):
        code.count(CodeForm(folders=["."], without=["gone"]), tmp_path, None, type_check=False)


def test_other_languages_count_by_lines_that_are_not_blank(tmp_path: Path) -> None:
    (tmp_path / "main.go").write_text("package main\n\nfunc main() {}\n")
    (tmp_path / "check.py").write_text("x = 1\n")
    (tmp_path / "data.json").write_text("{}\n")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "left.js").write_text("out\n")

    found = counted(tmp_path, "main.go")

    assert (found.files, found.lines, found.validation_lines) == (2, {"Go": 2, "Python": 1}, 2)


def test_every_candidate_needs_fewer_lines_to_check_requests_than_the_baseline() -> None:
    catalogue = Catalogue.read(REPOSITORY / "loadtest" / "catalogue.yaml")
    baseline, *candidates = [
        code.count(entry.code, catalogue.path.parent, None, type_check=False).validation_lines or 0
        for entry in catalogue.entries
        if entry.code
    ]

    assert candidates
    assert all(0 < lines < baseline for lines in candidates)


@pytest.mark.parametrize(
    ("named", "complaint"),
    [
        ("gone.py", "there is no gone.py"),
        ("reader.py:gone", "reader.py has no function, class or assignment gone"),
        ("main.go:main", "Go is counted by whole files"),
    ],
)
def test_validation_that_is_not_there_is_an_error(tmp_path: Path, named: str, complaint: str) -> None:
    (tmp_path / "reader.py").write_text(SOURCE)
    (tmp_path / "main.go").write_text("package main\n")

    with pytest.raises(LabError, match=complaint):
        counted(tmp_path, named)


def test_what_is_no_python_is_an_error_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def f(:\n")

    with pytest.raises(LabError, match=r"broken\.py cannot be counted"):
        counted(tmp_path)


@pytest.mark.service
def test_type_errors_are_counted(tmp_path: Path) -> None:
    (tmp_path / "typed.py").write_text("import no_such_library\n\n\ndef f(a: int) -> str:\n    return a\n")
    assert counted(tmp_path, type_check=True).type_errors == 1

    (tmp_path / "untyped.py").write_text("def g(a):\n    return a\n")
    assert counted(tmp_path, type_check=True).type_errors == 2
