"""What the parts of parity import: the judgement nothing that acts, and nobody but the command the wording."""

from pathlib import Path

from serving_lab import parity
from support.imports import imports_of

LAB = Path(parity.__file__).parents[1]
PARITY = "serving_lab.parity"


def importers_of(package: str) -> set[str]:
    """The modules outside a package of parity that import it."""
    name = f"{PARITY}.{package}"
    return {
        module
        for module, imported in imports_of(LAB).items()
        if not module.startswith(name) and any(each.startswith(name) for each in imported)
    }


def test_only_the_command_puts_a_comparison_into_words() -> None:
    assert importers_of("reporting") == {f"{PARITY}.command"}


def test_only_a_run_sends() -> None:
    senders = {module for module, imported in imports_of(LAB).items() if "serving_lab.wire.connection" in imported}

    assert {module for module in senders if module.startswith(PARITY)} == {f"{PARITY}.examination.session"}
    assert (
        {f"{PARITY}.run"} <= importers_of("examination") <= {f"{PARITY}.{name}" for name in ("run", "plan", "outcome")}
    )
