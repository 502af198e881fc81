"""What is generated is what the generators write from the document of the service, and that is what it serves."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support import local_http
from support.checkout import REPOSITORY
from support.services import RunningService

CLIENTS = REPOSITORY / "clients"
DOCUMENT = "openapi.json"
HINT = "run `make clients` and commit what it writes"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the document and the Python client are written to anew."""
    folder = tmp_path_factory.mktemp("clients")
    generate(folder, "python")
    return folder


def generate(folder: Path, client: str) -> None:
    command = [sys.executable, str(CLIENTS / "generate.py"), "--into", str(folder), "--only", client]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def files(folder: Path) -> dict[str, str]:
    """The text of each file, by its path."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in found}


@pytest.mark.service
def test_the_document_is_up_to_date(written: Path) -> None:
    assert (written / DOCUMENT).read_text() == (CLIENTS / DOCUMENT).read_text(), HINT


def test_the_document_is_the_one_that_is_served(documented_service: RunningService) -> None:
    served = local_http.get(f"{documented_service.base_url}/{DOCUMENT}").json()
    document = json.loads((CLIENTS / DOCUMENT).read_text())

    del served["info"]["version"], document["info"]["version"]  # that of the model, and that of the package
    assert document == served, HINT


@pytest.mark.service
def test_the_python_client_is_up_to_date(written: Path) -> None:
    package = Path("python/prediction_client/generated")

    assert len(files(written / package)) > 30
    assert files(written / package) == files(CLIENTS / package), HINT
