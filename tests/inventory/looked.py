"""`lab inventory`, run on the applications of this folder and on small ones that a test writes."""

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving_lab.inventory.result import InventoryResult, Operation
from serving_lab.inventory.source.learned import Learned
from serving_lab.inventory.source.project import Project
from serving_lab.inventory.source.replies import Replies
from serving_lab.inventory.source.validation import Validation
from serving_lab.results import files
from support.checkout import REPOSITORY
from support.command import lab

SHAPES = REPOSITORY / "tests" / "inventory" / "shapes"


@dataclass(frozen=True)
class Looked:
    """What the command found and wrote."""

    result: InventoryResult
    said: str
    folder: Path

    def operation(self, label: str) -> Operation:
        """The operation with this label."""
        return next(each for each in self.result.operations if each.label == label)

    def text(self, name: str) -> str:
        """One of the drafts."""
        return (self.folder / name).read_text(encoding="utf-8")

    @property
    def findings(self) -> set[tuple[str, str]]:
        """Kinds of findings, each with its file and line."""
        return {(each.kind, str(each.place)) for each in self.result.findings}


def looked(target: str | Path, folder: Path, *options: str) -> Looked:
    """Run the command, with drafts in a folder of its own."""
    output = folder / "drafts"
    done = lab("inventory", target, "--output", output, *options, cwd=folder)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return Looked(files.read(output / "inventory.json", InventoryResult), done.stdout, output)


def learned(folder: Path, body: str, before: str = "") -> Learned:
    """What a view with these lines asks of its request."""
    path = folder / "view.py"
    lines = "from flask import request, jsonify, abort\nimport re\n\n" + textwrap.dedent(before) + "\n\ndef view():\n"
    path.write_text(lines + textwrap.indent(textwrap.dedent(body), "    "), encoding="utf-8")
    project = Project(folder)
    module = project.module(path)
    assert module is not None, project.unread
    validation = Validation(project, Replies(project))
    validation.follow(module.functions["view"])
    return validation.learned


def schema(folder: Path, body: str, before: str = "") -> dict[str, Any]:
    """The schema of the JSON body that a view with these lines asks for."""
    return learned(folder, body, before).parts["json"].schema()
