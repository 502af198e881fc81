"""How a person runs a command of the laboratory from where they are."""

from serving_lab.errors import LabError
from serving_lab.project import Project


def run(command: str) -> str:
    """Return the line that runs a command such as `bench`: `make bench` in a checkout, `lab bench` elsewhere.

    A command of a group, such as `model judge`, is no target of its own.
    """
    return f"{'make' if in_checkout() and ' ' not in command else 'lab'} {command}"


def install(extra: str = "") -> str:
    """Return the line that installs what is missing: of an extra, or of the laboratory itself."""
    if in_checkout():
        return "make install"
    return f"pip install 'serving-lab[{extra}]'" if extra else "pip install --upgrade serving-lab"


def in_checkout() -> bool:
    """Return whether this runs in a checkout of the laboratory."""
    try:
        Project.find()
    except LabError:
        return False
    return True
