"""GraphiQL's files in the new service are those that its project published, and the script sees where they are not."""

import gzip
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.checkout import REPOSITORY

SCRIPT = Path("deploy/graphiql.py")
FILES = Path("services/fastapi_api/fastapi_api/graphiql")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the script and the files."""
    (tmp_path / "deploy").mkdir()
    shutil.copy(REPOSITORY / SCRIPT, tmp_path / SCRIPT)
    shutil.copytree(REPOSITORY / FILES, tmp_path / FILES)
    return tmp_path


def check(checkout: Path) -> tuple[int, str]:
    """How `--check` ends, and what it says."""
    ended = subprocess.run(
        [sys.executable, checkout / SCRIPT, "--check"], capture_output=True, text=True, timeout=60, check=False
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_the_files_are_those_that_were_published() -> None:
    assert check(REPOSITORY) == (0, "")


def test_a_changed_file_is_told(checkout: Path) -> None:
    script = checkout / FILES / "graphiql.min.js.gz"
    script.write_bytes(gzip.compress(gzip.decompress(script.read_bytes()) + b"//"))

    code, said = check(checkout)

    assert (code, said.count("\n")) == (1, 1)
    assert said.startswith("error: graphiql.min.js.gz has the sha256 ")
    assert "python3 deploy/graphiql.py" in said


def test_a_missing_file_is_told(checkout: Path) -> None:
    (checkout / FILES / "LICENSE.react").unlink()

    assert check(checkout) == (1, "error: LICENSE.react is missing: python3 deploy/graphiql.py fetches it\n")


def test_a_damaged_file_is_told(checkout: Path) -> None:
    (checkout / FILES / "react.production.min.js.gz").write_bytes(b"damaged")

    code, said = check(checkout)

    assert (code, said.count("\n")) == (1, 1)
    assert said.startswith("error: react.production.min.js.gz ")
