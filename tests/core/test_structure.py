"""Modules and groups of the services' packages import each other in one direction."""

import re
from collections.abc import Mapping, Set
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from support.checkout import REPOSITORY
from support.imports import imports_of

PACKAGES = [path.parent for path in (REPOSITORY / "services").glob("*/*/__init__.py")]
CORE = REPOSITORY / "services" / "core" / "serving_core"
GROUPS = {path.parent.name for path in CORE.glob("*/__init__.py")}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_no_module_imports_itself_by_way_of_others(package: Path) -> None:
    assert_no_circle(imports_of(package))


def test_groups_of_the_core_import_only_those_that_the_design_names() -> None:
    design = (REPOSITORY / "docs" / "design.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", design, re.MULTILINE)
    named = {group: set(re.findall(r"`(\w+)`", imports)) for group, imports in rows if group in GROUPS}
    imported: dict[str, set[str]] = {group: set() for group in GROUPS}
    for module, others in imports_of(CORE).items():
        if group := group_of(module):
            imported[group] |= {group_of(other) or other for other in others}

    between = {group: others - {group, "serving_core.bounds"} for group, others in imported.items()}

    assert between == named
    assert_no_circle(between)


def test_a_circle_would_be_seen(tmp_path: Path) -> None:
    package = tmp_path / "planted"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "one.py").write_text("from planted import two\n")
    (package / "two.py").write_text("def later():\n    from planted.one import two\n")

    with pytest.raises(CycleError):
        assert_no_circle(imports_of(package))


def assert_no_circle(graph: Mapping[str, Set[str]]) -> None:
    """Raise an error that shows the circle, where there is one."""
    TopologicalSorter(graph).prepare()


def group_of(module: str) -> str:
    """The group that a module of the core is in, or nothing where it stands above all."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in GROUPS else ""
