"""The services of a checkout of the lab, of two of its revisions."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from rich.console import Console

from serving_lab.errors import LabError
from serving_lab.gate.command import Pair
from serving_lab.gate.kept import Keeper
from serving_lab.gate.revisions import Build, Revisions, short
from serving_lab.gate.sides import Program
from serving_lab.project import Project
from serving_lab.stack import secrets
from serving_lab.stack.environment import Settings
from serving_lab.stack.secrets import SECRETS
from serving_lab.wire.ports import LOOPBACK


@dataclass(frozen=True)
class Own:
    """The services of a checkout, and what the gate's own instances of them are started with."""

    project: Project
    settings: Settings
    names: Sequence[str]
    secrets: Mapping[str, str]
    """As variables; none of what the checkout says of secrets, which may be those of a lab that runs beside."""

    @classmethod
    def of(cls, project: Project, names: Sequence[str]) -> "Own":
        """Return the services of a checkout that are named, else those that `make up` starts.

        Secrets are made for this gate alone; other settings are those of the checkout.

        Raises:
            LabError: there is no such service, or a setting is wrong.
        """
        made = {each.name: token_hex(each.random_bytes) for each in SECRETS if each.of_targets and each.random_bytes}
        settings = Settings.load(project, secrets=made)
        running = [entry.name for entry in settings.running.entries]
        if unknown := [name for name in names if name not in running]:
            raise LabError(f"there is no service {unknown[0]!r}", hint=f"choose from {', '.join(running)}")
        return cls(project, settings, list(names) or running, secrets.alone(made))

    @property
    def environment(self) -> dict[str, str]:
        """What the commands that compare and measure see."""
        return {**os.environ, **self.settings.environment, **self.secrets}

    def pairs(self, base: str | None, keeper: Keeper, console: Console) -> list[Pair]:
        """Build both revisions, and return each service on both sides.

        Raises:
            LabError: there is no base, no service that both have, or one of the two cannot be built.
        """
        revisions = Revisions(self.project.root)
        commits = revisions.base(base), revisions.head()
        builds = [revisions.build(commit, keeper, console) for commit in commits]
        there = [revisions.services(build, self.names) for build in builds]
        pairs = []
        for name in self.names:
            if missing := [short(commit) for commit, has in zip(commits, there, strict=True) if name not in has]:
                console.print(f"{name} is left out: {missing[0]} does not have it", markup=False)
                continue
            sides = [self._side(name, build) for build in builds]
            words = [f"{name} of {short(commit)}" for commit in commits]
            pairs.append(Pair(name, sides[0], sides[1], (words[0], words[1])))
        if not pairs:
            raise LabError("no service is in both revisions", hint="--base REF names another one")
        return pairs

    def _side(self, name: str, build: Build) -> Program:
        environment = {
            **self.settings.public,
            **self.secrets,
            "PREDICTION_LOG": "off",
            "MODEL_DIR": str(build.model),
            "RUN_DIR": "",
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "HOST": LOOPBACK,
            "PORT": "${port}",
        }
        return Program((str(build.program(name)),), Path(self.project.root), environment)
