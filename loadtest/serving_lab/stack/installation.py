"""What services on the host need: their packages, and the model."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack.programs import tool


def install(project: Project, names: Sequence[str]) -> None:
    """Install services beside the lab, each from the package of its name; without uv they must be there already.

    Raises:
        LabError: they are not there and cannot be installed.
    """
    if uv := os.environ.get("UV"):
        packages = [option for name in (*names, "model-training") for option in ("--package", name)]
        command = [uv, "sync", "--frozen", "--inexact", "--no-dev", "--quiet", *packages]
        if subprocess.run(command, cwd=project.root, check=False).returncode != 0:  # noqa: S603
            raise LabError("the services could not be installed: the lines above say why", hint="fix it, then make up")
    for name in (*names, "train-model"):
        if not Path(tool(name)).exists():
            raise LabError(f"{name} is not installed", hint="make install")


def install_registry(project: Project) -> Path:
    """Install the registry of models in an environment of its own, from its own lock; return its program.

    Raises:
        LabError: it is not there and cannot be installed.
    """
    environment = project.registry_dir / "venv"
    program = environment / "bin" / "mlflow"
    if uv := os.environ.get("UV"):
        command = [uv, "sync", "--frozen", "--no-dev", "--quiet", "--project", str(project.registry_project)]
        command += ["--python", sys.executable]
        if not program.exists():
            command.append("--compile-bytecode")  # or its first start would take a minute
        variables = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        variables["UV_PROJECT_ENVIRONMENT"] = str(environment)
        if subprocess.run(command, env=variables, check=False).returncode != 0:  # noqa: S603
            raise LabError("the registry could not be installed: the lines above say why", hint="fix it, then make up")
    if not program.exists():
        raise LabError("the registry is not installed", hint="COMPOSE_PROFILES=registry in .env, then make up")
    return program


def train(project: Project, kind: str, console: Console) -> None:
    """Train a model of a kind, unless that was done since its sources were last changed.

    Raises:
        LabError: it cannot be trained.
    """
    model = project.model_dir / "model.json"
    folders = [project.root / "services" / name for name in ("artifact", "model")]
    sources = [*(source for folder in folders for source in folder.rglob("*.py")), project.root / "uv.lock"]
    changed = max(source.stat().st_mtime for source in sources)
    if model.exists() and model.stat().st_mtime >= changed and _kind_of(model) == kind:
        return
    with console.status("training the model"):
        result = subprocess.run(  # noqa: S603
            [tool("train-model"), "--kind", kind, "--output", project.model_dir],
            capture_output=True,
            text=True,
            check=False,
        )
    if result.returncode != 0:
        raise LabError(f"the model could not be trained: {(result.stdout + result.stderr).strip()}")
    console.print("[green]ready[/] model")


class _Metadata(msgspec.Struct):
    """What model.json says of its model, as far as it matters here."""

    model_type: str


def _kind_of(model: Path) -> str | None:
    try:
        return msgspec.json.decode(model.read_bytes(), type=_Metadata).model_type
    except msgspec.MsgspecError:
        return None
