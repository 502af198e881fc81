"""The way of an ordinary user on a fresh machine: `make up` in a clone, with python3 and make and nothing else."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from serving_lab.stack.supervisor import RUN_DIR_VARIABLE
from support.checkout import new_checkout, odd_ports
from support.services import wait_until

NOBODY = 65534
UP_SECONDS = 300.0

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Account:
    """A user without privileges, with a home and a clone."""

    clone: Path
    prefix: tuple[str, ...]
    environment: Mapping[str, str]

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run make in the clone."""
        return subprocess.run(
            [*self.prefix, "make", "--silent", *arguments],
            cwd=self.clone,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=UP_SECONDS,
            check=False,
        )


@pytest.fixture
def account() -> Iterator[Account]:
    # Not tmp_path: only its owner may enter that.
    directory = Path(tempfile.mkdtemp(prefix="lab-user-"))
    try:
        prefix: tuple[str, ...] = ()
        clone = new_checkout(directory / "clone").root
        (directory / "home").mkdir()
        if os.geteuid() == 0:
            prefix = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
            for path in (directory, *directory.rglob("*")):
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        # Where packages come from and who vouches for it is this machine's; everything else is a bare login's.
        network = {
            name: value
            for name, value in os.environ.items()
            if name.lower().endswith(("_proxy", "_index", "_index_url")) or name == "SSL_CERT_FILE"
        }
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(directory / "home"),
            **network,
            **odd_ports(),
        }
        account = Account(clone, prefix, environment | {"PYTHON": python_for(prefix)})
        yield account
        account.make("down")
    finally:
        shutil.rmtree(directory)


def python_for(prefix: tuple[str, ...]) -> str:
    """Return a supported python3 that this user may run; root's own may lie where nobody else can look."""
    supported = "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))"
    for candidate in ("/usr/bin/python3", "/usr/local/bin/python3", os.path.realpath(sys.executable)):
        asked = subprocess.run([*prefix, candidate, "-c", supported], capture_output=True, check=False)
        if asked.returncode == 0:
            return candidate
    pytest.fail("an ordinary user has no python3 of 3.11 to 3.14 on this machine")


def test_an_ordinary_user_brings_the_lab_up_uses_it_and_leaves_nothing_behind(account: Account) -> None:
    first = account.make("up", "MODE=native")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "The lab is up (native)" in first.stdout
    env_file = account.clone / ".env"
    assert env_file.stat().st_mode & 0o777 == 0o600
    written = env_file.read_bytes()

    again = account.make("up")
    assert again.returncode == 0, again.stdout + again.stderr
    assert env_file.read_bytes() == written

    wait_until(lambda: account.make("ps").stdout.count(" ready ") >= 3, "three that are ready")
    load = account.make("load", "USERS=4", "RATE=4", "DURATION=3s")
    assert load.returncode == 0, load.stdout + load.stderr

    assert account.make("down").stdout == "The lab is down (native).\n"
    assert processes_of(account.clone) == []
    before = {path.name for path in new_files(account.clone)}
    assert before == {".env", ".secrets-written-by-make-up", ".tools", ".venv", "build"}


def new_files(clone: Path) -> list[Path]:
    """Return what lies in the clone besides what was cloned."""
    ignored = {line.strip().rstrip("/") for line in (clone / ".gitignore").read_text().splitlines()}
    return [path for path in clone.iterdir() if path.name in ignored]


def processes_of(clone: Path) -> list[psutil.Process]:
    """Return the processes that were started for the clone's lab."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(RUN_DIR_VARIABLE) == str(clone / ".run"):
                found.append(process)
        except psutil.Error:
            continue
    return found
