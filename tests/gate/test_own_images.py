"""Images of a checkout's services by revision: built once, and what is only of now is gone with the gate."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import pytest
from rich.console import Console
from serving_lab.gate.images import Images
from serving_lab.gate.kept import keeper
from serving_lab.gate.revisions import Revisions
from serving_lab.gate.sides import running
from serving_lab.project import Project
from serving_lab.stack.containers import GATE_LABEL
from serving_lab.stack.engine import docker, has_image, inspected, remove_images
from serving_lab.stack.environment import Settings
from support.checkout import REPOSITORY
from support.services import wait_until

from gate.test_revisions import add, git

DOCKERFILE = """
ARG PYTHON_IMAGE
FROM ${PYTHON_IMAGE} AS old
EXPOSE 8000
COPY ready .
CMD ["python3", "-m", "http.server", "8000"]
FROM old AS new
"""
OLD, NEW = (
    f"- {{name: {name}, label: {name}, about: x, role: {role}, port: {port}, port_setting: {name.upper()}_PORT,"
    f" colour: '#{port}00', image_target: {name}}}\n"
    for name, role, port in (("old", "baseline", 5000), ("new", "candidate", 8000))
)
BUILD = """
import sys
from pathlib import Path
from rich.console import Console
from serving_lab.gate.images import Images
from serving_lab.gate.kept import keeper
from serving_lab.project import Project
from serving_lab.stack.environment import Settings
project = Project(Path(sys.argv[1]))
with keeper() as kept:
    Images.find(project, Settings.load(project, {}, {}), {}).build(sys.argv[2], ["old"], kept, Console(quiet=True))
"""


@pytest.fixture
def checkout(base_images: Mapping[str, str], tmp_path: Path) -> Iterator[Path]:
    """A repository of two commits: the first has one service, the second a candidate for it."""
    root = tmp_path / "checkout"
    (root / "services").mkdir(parents=True)
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "config", "user.name", "Tester")
    git(root, "config", "user.email", "tester@example.org")
    shutil.copy(REPOSITORY / ".env.example", root)
    (root / ".env").write_text(f"PYTHON_IMAGE={base_images['PYTHON_IMAGE']}\n")
    add(root, ".gitignore", ".env\n")
    add(root, "ready", uuid4().hex)
    add(root, "services/Dockerfile", DOCKERFILE)
    add(root, "loadtest/catalogue.yaml", f"services:\n{OLD}")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "one")
    add(root, "loadtest/catalogue.yaml", f"services:\n{OLD}{NEW}")
    git(root, "commit", "--quiet", "--message", "two")
    yield root
    remove_images(f"{GATE_LABEL}={root}")


def test_a_revision_is_built_once_and_runs_with_the_limits_of_the_settings(checkout: Path, tmp_path: Path) -> None:
    commit = git(checkout, "rev-parse", "HEAD")
    with keeper() as kept:
        [image] = images(checkout).build(commit, ["new"], kept, Console(quiet=True)).values()
        built = inspected("image", image.name)["Id"]
        with running({"head": image}, kept, tmp_path, "/ready"):
            [container] = docker("ps", "--quiet", "--filter", f"ancestor={image.name}").split()
            limits = inspected("container", container)["HostConfig"]
            assert (limits["NanoCpus"], limits["Memory"]) == (1e9, 1 << 30)
    with keeper() as kept, open("/dev/null", "w") as nowhere:  # noqa: PTH123
        console = Console(file=nowhere, record=True)
        images(checkout).build(commit, ["new"], kept, console)

    assert "are built already" in console.export_text()
    assert inspected("image", image.name)["Id"] == built
    assert docker("ps", "--all", "--quiet", "--filter", f"ancestor={image.name}") == ""
    nothing_is_left(checkout)


def test_a_service_that_a_revision_does_not_have_is_not_built(checkout: Path) -> None:
    with keeper() as kept:
        built = images(checkout).build(git(checkout, "rev-parse", "HEAD~1"), ["old", "new"], kept, Console(quiet=True))

    assert list(built) == ["old"]


def test_the_image_of_what_is_not_committed_goes_with_the_gate(checkout: Path) -> None:
    (checkout / "ready").write_text("changed")
    with keeper() as kept:
        [image] = images(checkout).build(Revisions(checkout).head(), ["new"], kept, Console(quiet=True)).values()
        assert has_image(image.name)

    assert not has_image(image.name)
    nothing_is_left(checkout)


def test_a_gate_that_is_killed_while_it_builds_an_image_leaves_nothing(checkout: Path) -> None:
    add(checkout, "services/Dockerfile", DOCKERFILE.replace("EXPOSE", "RUN sleep 600\nEXPOSE"))
    git(checkout, "commit", "--quiet", "--message", "what builds never ends")
    commit = git(checkout, "rev-parse", "HEAD")
    with subprocess.Popen([sys.executable, "-c", BUILD, str(checkout), commit]) as process:
        wait_until(lambda: "sleep 600" in log(checkout), "it builds", seconds=60, explain=lambda: log(checkout))
        process.kill()

    wait_until(lambda: not list((checkout / "build" / "gate").iterdir()), "nothing is left", seconds=60)
    nothing_is_left(checkout)


def images(checkout: Path) -> Images:
    project = Project(checkout)
    return Images.find(project, Settings.load(project, {}, {}), {})


def log(checkout: Path) -> str:
    return "".join(path.read_text() for path in checkout.glob("build/gate/*/logs/old.log"))


def nothing_is_left(checkout: Path) -> None:
    """Neither worktree nor files of a build."""
    assert len(git(checkout, "worktree", "list").splitlines()) == 1
    assert list((checkout / "build" / "gate").iterdir()) == []
