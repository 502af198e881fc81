"""What packages of the laboratory import: capabilities know each other by result files alone, services from outside."""

import re
from graphlib import TopologicalSorter

from support.checkout import REPOSITORY
from support.imports import imports_of

LAB = REPOSITORY / "loadtest" / "serving_lab"
CAPABILITIES = {
    *("bench", "checklist", "drafting", "footprint", "gate", "inventory", "live", "parity", "report", "rollout", "tap"),
    *("model_drift", "model_judge", "tour"),
}
"""Packages that stand for one command or page each; what they share lives in the others."""
MAY_IMPORT = {"rollout": ("serving_lab.parity.judgement.", "serving_lab.parity.ledger")}
"""What a capability may import of another all the same: live traffic is judged as parity judges, which is pure."""
READ_RESULTS = {"checklist", "gate", "report", "tour"}
"""Capabilities that are made from the results of others."""
SERVICES = {path.parent.name for path in (REPOSITORY / "services").glob("*/*/__init__.py")} - {"model_artifact"}
"""Their packages; the files of a model are no service's."""


def test_no_module_and_no_package_imports_itself_by_way_of_others() -> None:
    modules = imports_of(LAB)
    packages: dict[str, set[str]] = {}
    for module, others in modules.items():
        packages.setdefault(package(module), set()).update(map(package, others - {"serving_lab"}))
    between = {name: others - {name} for name, others in packages.items() if name != "serving_lab"}

    # Either raises an error that shows the circle, where there is one; that a circle is seen, tests/core proves.
    TopologicalSorter(modules).prepare()
    TopologicalSorter(between).prepare()
    assert between["experiment"] >= {"generator", "targets"}


def test_a_capability_imports_no_other_but_for_their_results() -> None:
    found = [
        f"{module} imports {other}"
        for module, others in imports_of(LAB).items()
        for other in others
        if package(module) in CAPABILITIES
        and package(other) in CAPABILITIES - {package(module)}
        and not (package(module) in READ_RESULTS and other.endswith(".result"))
        and not other.startswith(MAY_IMPORT.get(package(module), ("nothing",)))
    ]

    assert found == []


def test_what_capabilities_share_imports_none_of_them() -> None:
    shared = {"commands", "cli"} | CAPABILITIES
    found = [
        f"{module} imports {other}"
        for module, others in imports_of(LAB).items()
        for other in others
        if package(module) not in shared and package(other) in CAPABILITIES
    ]

    assert found == []


def test_the_laboratory_knows_services_only_from_outside() -> None:
    names = "|".join(sorted(SERVICES))
    imports = re.compile(rf"^\s*(?:from|import) (?:{names})\b", re.MULTILINE)

    assert len(SERVICES) > 2
    assert [path for path in LAB.rglob("*.py") if imports.search(path.read_text())] == []


def package(module: str) -> str:
    """Return the package or module right below `serving_lab`."""
    return module.split(".")[1] if "." in module else module
