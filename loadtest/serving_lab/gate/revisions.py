"""Revisions of a checkout: which one is the base, and how services of any of them are built on this host."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from serving_lab.errors import LabError
from serving_lab.gate.kept import Keeper
from serving_lab.targets.catalogue import Catalogue

_DEFAULT_BRANCHES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
_COMPLETE = "complete"
"""The file that says that a build was finished."""
_MODEL_DATE = "1767225600"
"""Seconds since 1970 in the metadata of the models, fixed so that equal sources give equal models, as in images."""
_MODEL_SOURCES = "services/model", "services/artifact", "uv.lock"
_SHORT = 10


@dataclass(frozen=True)
class Build:
    """The services of one revision, installed by themselves: the checkout may change or go away."""

    directory: Path

    @property
    def model(self) -> Path:
        """The directory of the model that the revision trains."""
        return self.directory / "model"

    def program(self, name: str) -> Path:
        """Return the path of a program."""
        return self.directory / "environment" / "bin" / name


class Revisions:
    """The revisions of one checkout."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def base(self, given: str | None) -> str:
        """Return the commit that is the base: the one that is named, else where this branch left the default one.

        Raises:
            LabError: there is no such commit, or none that the head differs from.
        """
        if given is not None:
            return self._commit(given)
        for branch in _DEFAULT_BRANCHES:
            if self._says("rev-parse", "--verify", "--quiet", f"{branch}^{{commit}}") is None:
                continue
            found = self._says("merge-base", branch, "HEAD")
            if found is None:
                raise LabError(
                    f"{branch} and this branch have no commit in common here",
                    hint="fetch the whole history (actions/checkout: fetch-depth: 0), or name one: --base REF",
                )
            if found != self.head():
                return found
        raise LabError("there is nothing to compare: head is the default branch", hint="name the base: --base REF")

    def head(self) -> str:
        """Return the commit that is the head: the last one, or, with changes to known files, one of what is there now.

        Raises:
            LabError: this is no git checkout, or it has no commit.
        """
        return self._says("stash", "create") or self._commit("HEAD")

    def build(self, commit: str, keeper: Keeper, console: Console) -> Build:
        """Build a commit's services, unless that was done before.

        Raises:
            LabError: they cannot be built.
        """
        directory = self._root / "build" / "gate" / commit
        build = Build(directory)
        if (directory / _COMPLETE).exists():
            console.print(f"{short(commit)} is built already", markup=False)
            return build
        console.print(f"building {short(commit)}", markup=False)
        source = directory / "source"
        keeper.ask("undo", commit, ["rm", "-rf", str(directory)])
        subprocess.run(["rm", "-rf", str(directory)], check=True)  # noqa: S603, S607 - what an earlier one has left
        model = self._root / "build" / "gate" / "models" / self._model_key(commit)
        with keeper.undoing(str(source), _removing(self._root, source)):
            self._run(keeper, directory, "worktree", ["git", "worktree", "add", "--detach", str(source), commit])
            self._install(keeper, directory, "environment", self._services(source))
            if not model.exists():
                console.print(f"training the model of {short(commit)}", markup=False)
                self._install(keeper, directory, "training", ["model-training"])
                trained = directory / "trained"
                train = directory / "training" / "bin" / "train-model"
                self._run(keeper, directory, "model", [str(train), "--output", str(trained)])
                model.parent.mkdir(parents=True, exist_ok=True)
                trained.rename(model)
                shutil.rmtree(directory / "training")
        build.model.symlink_to(model)
        (directory / _COMPLETE).touch()
        keeper.ask("undone", commit)
        return build

    def services(self, build: Build, names: Sequence[str]) -> list[str]:
        """Return those of the services that a build has."""
        return [name for name in names if build.program(name).exists()]

    def _services(self, source: Path) -> list[str]:
        """The services that a revision's own catalogue has."""
        return [entry.name for entry in Catalogue.read(source / "loadtest" / "catalogue.yaml").entries]

    def _model_key(self, commit: str) -> str:
        """What the model of a commit is made of: equal sources give equal models."""
        trees = [self._says("rev-parse", f"{commit}:{path}") or "" for path in _MODEL_SOURCES]
        return hashlib.sha256(" ".join(trees).encode()).hexdigest()[:_SHORT]

    def _install(self, keeper: Keeper, directory: Path, name: str, packages: Sequence[str]) -> None:
        """Install packages of the revision with what they need, and nothing that refers to its files."""
        uv = [sys.executable, str(self._root / "deploy" / "bootstrap.py")]
        chosen = [word for package in packages for word in ("--package", package)]
        command = [*uv, "sync", "--frozen", "--no-dev", "--no-editable", "--compile-bytecode", *chosen]
        self._run(keeper, directory, name, command, directory / "source", UV_PROJECT_ENVIRONMENT=str(directory / name))

    def _run(
        self, keeper: Keeper, directory: Path, name: str, command: list[str], cwd: Path | None = None, **settings: str
    ) -> None:
        environment = {**os.environ, "SOURCE_DATE_EPOCH": _MODEL_DATE, **settings}
        log = directory / "logs" / f"{name}.log"
        keeper.run(command, environment, cwd or self._root, log, hint=f"can this revision be built? ({log.name})")

    def _commit(self, ref: str) -> str:
        found = self._says("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        if not found:
            raise LabError(
                f"there is no commit {ref!r} in {self._root}", hint="git fetch (actions/checkout: fetch-depth: 0)"
            )
        return found

    def _says(self, *words: str) -> str | None:
        """What git prints; None where it fails."""
        try:
            done = subprocess.run(  # noqa: S603
                ["git", "-C", str(self._root), *words],  # noqa: S607
                capture_output=True,
                text=True,
                check=False,
            )
        except FileNotFoundError:
            raise LabError("git is not installed", hint="apt-get install git, or gate two URLs") from None
        return done.stdout.strip() if done.returncode == 0 else None


def short(commit: str) -> str:
    """Return a commit as people name it."""
    return commit[:_SHORT]


def _removing(root: Path, source: Path) -> list[str]:
    """What removes a worktree, also one that is half made."""
    script = 'git -C "$1" worktree remove --force "$2"; rm -rf "$2"; git -C "$1" worktree prune'
    return ["sh", "-c", script, "sh", str(root), str(source)]
