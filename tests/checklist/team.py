"""A team that moves a service over: its repository, and the evidence in it, as the lab's commands would leave it."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import msgspec
from markdown_it import MarkdownIt
from serving_lab.results import files
from serving_lab.results.checkout import Checkout
from serving_lab.results.envelope import Envelope
from support.command import lab

SERVICES = (
    *("--baseline", "flask-api=http://127.0.0.1:5000"),
    *("--candidate", "fastapi-api=http://127.0.0.1:8000"),
)


@dataclass(frozen=True)
class Team:
    """A repository with a commit."""

    root: Path

    @classmethod
    def at(cls, root: Path) -> "Team":
        team = cls(root)
        team.git("init", "--quiet")
        team.commit()
        return team

    def git(self, *arguments: str) -> None:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        subprocess.run(["git", *who, *arguments], cwd=self.root, check=True, capture_output=True)

    def commit(self) -> None:
        (self.root / "app.py").write_text(f"# {datetime.now(UTC)}\n")
        self.git("add", "app.py")
        self.git("commit", "--quiet", "--message", "work")

    @property
    def revision(self) -> str | None:
        return Checkout.at(self.root).revision

    def has(self, name: str, result: Envelope, *, days: float = 0, **changes: object) -> None:
        """Put a result into its folder: of its commit and of so many days ago, unless changed."""
        started = (datetime.now(UTC) - timedelta(days)).isoformat(timespec="seconds")
        made = {"started": started, "revision": self.revision, **changes}
        files.write(self.root / "results" / name, msgspec.structs.replace(result, **made))

    def tested(
        self,
        name: str,
        cases: dict[str, str],
        *,
        tier: str = "unit",
        days: float = 0,
        suite: dict[str, str] | None = None,
    ) -> None:
        """Put a JUnit file into its folder: outcomes by the names of tests, and what its suite says."""
        started = (datetime.now(UTC) - timedelta(days)).isoformat()
        element = ElementTree.Element("testsuite", timestamp=started)
        stated = {"revision": self.revision or ""} if suite is None else suite
        _add_properties(element, stated)
        for case, outcome in cases.items():
            module, _, test = case.rpartition(".")
            added = ElementTree.SubElement(element, "testcase", classname=module, name=test)
            _add_properties(added, {"tier": tier})
            if outcome != "passed":
                ElementTree.SubElement(added, outcome)
        path = self.root / "results" / name
        path.parent.mkdir(exist_ok=True)
        ElementTree.ElementTree(element).write(path)

    def checklist(self, *options: str, services: Sequence[str] = SERVICES) -> "Shown":
        done = lab("checklist", *services, *options, cwd=self.root)
        return Shown(done.returncode, done.stdout, done.stderr, self.root / "results")


@dataclass(frozen=True)
class Shown:
    """What came of the command."""

    code: int
    stdout: str
    stderr: str
    folder: Path

    @property
    def markdown(self) -> str:
        return (self.folder / "checklist.md").read_text()

    @property
    def page(self) -> str:
        return (self.folder / "checklist.html").read_text()

    def box(self, text: str) -> str:
        """The box whose text begins so, with all that is said of it, in one line as a reader sees it."""
        block = next(each for each in self.markdown.split("\n- [") if each[3:].startswith(text))
        tokens = MarkdownIt("commonmark").parse(f"[{block.partition(chr(10) + '#')[0]}")
        inline = [child for token in tokens if token.children for child in token.children]
        return " ".join(" ".join(child.content for child in inline if child.content).split())


def _add_properties(element: ElementTree.Element, properties: dict[str, str]) -> None:
    group = ElementTree.SubElement(element, "properties")
    for name, value in properties.items():
        ElementTree.SubElement(group, "property", name=name, value=value)
