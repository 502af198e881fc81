"""Writes the OpenAPI document of the API and, from it, the generated part of each client; `make clients` runs it.

What it writes is checked in. tests/clients/test_generated.py writes it again elsewhere and fails if anything differs.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from fastapi.openapi.utils import get_openapi
from fastapi_api.app import DESCRIPTION, ROUTERS, TITLE

HERE = Path(__file__).resolve().parent
DOCUMENT = Path("openapi.json")
PYTHON = Path("python/prediction_client/generated")
TYPESCRIPT = Path("typescript/src/generated")
_MARK = "Generated from clients/openapi.json by `make clients`. Do not edit."


def main() -> None:
    """Write everything, or only the document and the Python client."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--into", type=Path, default=HERE, help="folder to write to (default: this one)")
    options.add_argument("--only", choices=["python", "typescript"], help="write only this client")
    chosen = options.parse_args()
    write_document(chosen.into / DOCUMENT)
    if chosen.only != "typescript":
        write_python(chosen.into / DOCUMENT, chosen.into / PYTHON)
    if chosen.only != "python":
        write_typescript(chosen.into / DOCUMENT, chosen.into / TYPESCRIPT)


def write_document(path: Path) -> None:
    """Write what a service answers to /openapi.json, except for its version, which is that of its model."""
    document = get_openapi(
        title=TITLE,
        version=version("fastapi-api"),
        description=DESCRIPTION,
        routes=[route for router in ROUTERS for route in router.routes],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def write_python(document: Path, folder: Path) -> None:
    """Write the package `generated` with openapi-python-client."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    programs = Path(sys.executable).parent
    options: list[str | Path] = ["--meta", "none", "--fail-on-warning", "--config", HERE / "openapi-python-client.yaml"]
    _run(
        [programs / "openapi-python-client", "generate", "--path", document, "--output-path", folder, *options],
        PATH=f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",  # it formats what it wrote with ruff
    )
    package = folder / "__init__.py"
    package.write_text(f"# {_MARK}\n{package.read_text(encoding='utf-8')}", encoding="utf-8")
    (folder / "limits.py").write_text(
        f'"""{_MARK}"""\n\nMAX_ROWS = {_most_rows(document)}\n"""In one batch."""\n', encoding="utf-8"
    )


def write_typescript(document: Path, folder: Path) -> None:
    """Write the types of the API with openapi-typescript; npm must be there."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("there is no npm, which writes the TypeScript client (hint: apt-get install npm, or --only python)")
    folder.mkdir(parents=True, exist_ok=True)
    project = HERE / "typescript"
    _run([npm, "run", "--silent", "--prefix", project, "installed"])
    _run([project / "node_modules" / ".bin" / "openapi-typescript", document, "--output", folder / "api.ts"])
    (folder / "limits.ts").write_text(
        f"// {_MARK}\n\n/** Rows in one batch. */\nexport const MAX_ROWS = {_most_rows(document)};\n", encoding="utf-8"
    )


def _most_rows(document: Path) -> int:
    schemas = json.loads(document.read_text(encoding="utf-8"))["components"]["schemas"]
    most: int = schemas["BatchPredictionRequest"]["properties"]["samples"]["maxItems"]
    return most


def _run(command: list[str | Path], **environment: str) -> None:
    done = subprocess.run(  # noqa: S603
        command, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{Path(command[0]).name} failed with {done.returncode}\n{done.stdout}")


if __name__ == "__main__":
    main()
