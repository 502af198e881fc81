"""Which revisions of a checkout are compared, and what is left of building them."""

import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from serving_lab.errors import LabError
from serving_lab.gate.kept import keeper
from serving_lab.gate.programs import Programs
from serving_lab.gate.revisions import Revisions
from support.checkout import REPOSITORY
from support.services import wait_until

pytestmark = pytest.mark.service

BUILD = """
import sys
from pathlib import Path
from rich.console import Console
from serving_lab.gate.kept import keeper
from serving_lab.gate.programs import Programs
from serving_lab.gate.revisions import Revisions
with keeper() as kept:
    Programs(Revisions(Path(sys.argv[1])), {}).build(sys.argv[2], [], kept, Console(quiet=True))
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with a main branch, and a branch of one commit from it, which is checked out."""
    root = tmp_path / "checkout"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "config", "user.name", "Tester")
    git(root, "config", "user.email", "tester@example.org")
    commit(root, "one")
    git(root, "switch", "--quiet", "--create", "change")
    commit(root, "two")
    return root


def test_the_base_is_where_the_branch_left_the_default_one(checkout: Path) -> None:
    fork = git(checkout, "rev-parse", "main")
    git(checkout, "switch", "--quiet", "main")
    commit(checkout, "three")
    git(checkout, "switch", "--quiet", "change")

    assert Revisions(checkout).base(None) == fork


def test_a_base_may_be_named(checkout: Path) -> None:
    assert Revisions(checkout).base("HEAD") == git(checkout, "rev-parse", "HEAD")


def test_on_the_default_branch_there_is_nothing_to_compare(checkout: Path) -> None:
    git(checkout, "switch", "--quiet", "main")

    with pytest.raises(LabError, match="nothing to compare") as refused:
        Revisions(checkout).base(None)

    assert refused.value.hint == "name the base: --base REF"


def test_a_base_that_is_not_there_is_said_with_what_helps(checkout: Path) -> None:
    with pytest.raises(LabError, match="there is no commit 'nowhere'") as refused:
        Revisions(checkout).base("nowhere")

    assert "fetch-depth: 0" in str(refused.value.hint)


def test_the_head_has_changes_that_are_not_committed(checkout: Path) -> None:
    (checkout / "two").write_text("changed")

    head = Revisions(checkout).head()

    assert git(checkout, "show", f"{head}:two") == "changed"
    assert git(checkout, "status", "--porcelain") == "M two"


def test_a_build_that_fails_leaves_nothing_behind(checkout: Path) -> None:
    with pytest.raises(LabError), keeper() as kept:
        Programs(Revisions(checkout), {}).build(git(checkout, "rev-parse", "HEAD"), [], kept, Console(quiet=True))

    assert len(git(checkout, "worktree", "list").splitlines()) == 1
    assert list((checkout / "build" / "gate").iterdir()) == []


def test_a_gate_that_is_killed_while_it_builds_leaves_neither_worktree_nor_build(checkout: Path) -> None:
    add(checkout, "loadtest/catalogue.yaml", (REPOSITORY / "loadtest" / "catalogue.yaml").read_text())
    add(checkout, "deploy/bootstrap.py", "import time\ntime.sleep(600)\n")
    git(checkout, "commit", "--quiet", "--message", "what installs never ends")
    building = checkout / "build" / "gate"

    with subprocess.Popen([sys.executable, "-c", BUILD, str(checkout), git(checkout, "rev-parse", "HEAD")]) as process:
        wait_until(lambda: bool(list(building.glob("*/logs/environment.log"))), "it installs", seconds=60)
        assert len(git(checkout, "worktree", "list").splitlines()) == 2
        process.kill()

    wait_until(lambda: list(building.iterdir()) == [], "nothing is left", seconds=60)
    assert len(git(checkout, "worktree", "list").splitlines()) == 1


def add(root: Path, name: str, content: str) -> None:
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text(content)
    git(root, "add", name)


def commit(root: Path, name: str) -> None:
    (root / name).write_text(name)
    git(root, "add", name)
    git(root, "commit", "--quiet", "--message", name)


def git(root: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout.strip()
