"""The services of a revision as processes of this host: installed by themselves, with the model they answer with."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from serving_lab.gate.kept import Keeper
from serving_lab.gate.revisions import Revisions, short
from serving_lab.gate.sides import Program
from serving_lab.targets.catalogue import Catalogue
from serving_lab.wire.ports import LOOPBACK

_COMPLETE = "complete"
"""The file that says that a build was finished."""
_MODEL_DATE = "1767225600"
"""Seconds since 1970 in the metadata of the models, fixed so that equal sources give equal models, as in images."""
_MODEL_SOURCES = "services/model", "services/artifact", "uv.lock"


@dataclass(frozen=True)
class Programs:
    """Builds programs under `build/gate`, by commit: the checkout may change meanwhile."""

    revisions: Revisions
    environment: Mapping[str, str]
    """What services are started with, besides what says where they listen and what they answer with."""

    def build(self, commit: str, names: Sequence[str], keeper: Keeper, console: Console) -> dict[str, Program]:
        """Build a commit's services, unless that was done before; return those of the names that it has.

        Raises:
            LabError: they cannot be built.
        """
        directory = self.revisions.root / "build" / "gate" / commit
        if (directory / _COMPLETE).exists():
            console.print(f"{short(commit)} is built already", markup=False)
        else:
            console.print(f"building {short(commit)}", markup=False)
            self._build(commit, directory, keeper, console)
        programs = {name: directory / "environment" / "bin" / name for name in names}
        model = directory / "model"
        return {name: self._side(program, model) for name, program in programs.items() if program.exists()}

    def _side(self, program: Path, model: Path) -> Program:
        own = {"MODEL_DIR": str(model), "RUN_DIR": "", "HOST": LOOPBACK, "PORT": "${port}"}
        threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        return Program((str(program),), self.revisions.root, {**self.environment, **own, **threads})

    def _build(self, commit: str, directory: Path, keeper: Keeper, console: Console) -> None:
        source = directory / "source"
        keeper.ask("undo", commit, ["rm", "-rf", str(directory)])
        subprocess.run(["rm", "-rf", str(directory)], check=True)  # noqa: S603, S607 - what an earlier one has left
        model = self.revisions.root / "build" / "gate" / "models" / self.revisions.key(commit, _MODEL_SOURCES)
        with self.revisions.source(commit, source, keeper, directory / "logs" / "worktree.log"):
            # The services that the revision's own catalogue has.
            names = [entry.name for entry in Catalogue.read(source / "loadtest" / "catalogue.yaml").entries]
            self._install(keeper, directory, "environment", names)
            if not model.exists():
                console.print(f"training the model of {short(commit)}", markup=False)
                self._install(keeper, directory, "training", ["model-training"])
                trained = directory / "trained"
                train = directory / "training" / "bin" / "train-model"
                self._run(keeper, directory, "model", [str(train), "--output", str(trained)])
                model.parent.mkdir(parents=True, exist_ok=True)
                trained.rename(model)
                shutil.rmtree(directory / "training")
        (directory / "model").symlink_to(model)
        (directory / _COMPLETE).touch()
        if not self.revisions.is_temporary(commit):
            keeper.ask("undone", commit)

    def _install(self, keeper: Keeper, directory: Path, name: str, packages: Sequence[str]) -> None:
        """Install packages of the revision with what they need, and nothing that refers to its files."""
        uv = [sys.executable, str(self.revisions.root / "deploy" / "bootstrap.py")]
        chosen = [word for package in packages for word in ("--package", package)]
        command = [*uv, "sync", "--frozen", "--no-dev", "--no-editable", "--compile-bytecode", *chosen]
        self._run(keeper, directory, name, command, directory / "source", UV_PROJECT_ENVIRONMENT=str(directory / name))

    def _run(
        self, keeper: Keeper, directory: Path, name: str, command: list[str], cwd: Path | None = None, **settings: str
    ) -> None:
        environment = {**os.environ, "SOURCE_DATE_EPOCH": _MODEL_DATE, **settings}
        log = directory / "logs" / f"{name}.log"
        keeper.run(
            command, environment, cwd or self.revisions.root, log, hint=f"can this revision be built? ({log.name})"
        )
