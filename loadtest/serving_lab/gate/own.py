"""The services of a checkout of the lab, of two of its revisions."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Protocol

from rich.console import Console

from serving_lab.errors import LabError
from serving_lab.gate.command import Pair, Work
from serving_lab.gate.contract import Suite
from serving_lab.gate.images import Images
from serving_lab.gate.kept import Keeper
from serving_lab.gate.programs import Programs
from serving_lab.gate.revisions import Revisions, short
from serving_lab.gate.sides import Image, Program
from serving_lab.project import Project
from serving_lab.stack import secrets
from serving_lab.stack.base import Mode, on_this_machine
from serving_lab.stack.environment import Settings, read
from serving_lab.stack.secrets import SECRETS
from serving_lab.text.phrases import listed


class Builder(Protocol):
    """Builds services of revisions."""

    def build(
        self, commit: str, names: Sequence[str], keeper: Keeper, console: Console
    ) -> Mapping[str, Program | Image]:
        """Build a commit's services, unless that was done before; return those of the names that it has.

        Raises:
            LabError: they cannot be built.
        """


@dataclass(frozen=True)
class Own:
    """The services of a checkout, and what the gate's own instances of them are started with."""

    project: Project
    settings: Settings
    names: Sequence[str]
    mode: Mode | None
    """How they run; None: in containers where that can be."""
    secrets: Mapping[str, str]
    """As variables; none of what the checkout says of secrets, which may be those of a lab that runs beside."""

    @classmethod
    def of(cls, project: Project, names: Sequence[str], mode: Mode | None) -> "Own":
        """Return the services of a checkout that are named, else those that `make up` starts.

        Secrets are made for this gate alone; other settings are those of the checkout.

        Raises:
            LabError: there is no such service, or a setting is wrong, or they are to run in a cluster.
        """
        mode = on_this_machine(mode)
        made = {each.name: token_hex(each.random_bytes) for each in SECRETS if each.of_targets and each.random_bytes}
        settings = Settings.load(project, secrets=made)
        running = [entry.name for entry in settings.running.entries]
        if unknown := [name for name in names if name not in running]:
            raise LabError(f"there is no service {unknown[0]!r}", hint=f"choose from {', '.join(running)}")
        return cls(project, settings, list(names) or running, mode, secrets.alone(made))

    @property
    def environment(self) -> dict[str, str]:
        """What the commands that compare and measure see."""
        return {**os.environ, **self.settings.environment, **self.secrets}

    def work(self, base: str | None, contract: bool, keeper: Keeper, console: Console) -> Work:
        """Build both revisions, and return each service on both sides.

        Args:
            base: The revision that is the base; None: where this branch left the default one.
            contract: Whether head is to be tested against the contract.
            keeper: What runs the builds.
            console: Where progress goes.

        Raises:
            LabError: there is no base, no service that both have, or one of the two cannot be built.
        """
        revisions = Revisions(self.project.root)
        commits = revisions.base(base), revisions.head()
        builder = self._builder(console)
        # The baseline, too: the contract's tests compare others with it.
        baseline = [self.settings.catalogue.baseline.name] if contract else []
        new = builder.build(commits[1], list(dict.fromkeys([*baseline, *self.names])), keeper, console)
        old = builder.build(commits[0], self.names, keeper, console)
        pairs = []
        for name in self.names:
            if missing := [short(commit) for commit, has in zip(commits, (old, new), strict=True) if name not in has]:
                console.print(f"{name} is left out: {missing[0]} does not have it", markup=False)
                continue
            words = [f"{name} of {short(commit)}" for commit in commits]
            pairs.append(Pair(name, old[name], new[name], (words[0], words[1]), self._source(name)))
        if not pairs:
            raise LabError("no service is in both revisions", hint="--base REF names another one")
        return Work(pairs, self._suite(new, commits[1], keeper, console) if contract else None)

    def _source(self, name: str) -> str | None:
        """The folder of a service's code, relative to the working directory."""
        catalogue = self.settings.catalogue
        code = catalogue.entry(name).code
        return os.path.relpath(catalogue.path.parent / code.folders[0]) if code else None

    def _suite(self, built: Mapping[str, Program | Image], head: str, keeper: Keeper, console: Console) -> Suite:
        """The contract's tests, on services of head that have the settings which the contract is written for."""
        defaults = {name: value for name, value in read(self.project.env_example).items() if value}
        services = {
            name: replace(side, environment={**side.environment, **defaults, **self.secrets})
            for name, side in built.items()
        }
        environment = {**os.environ, **self.secrets, "API_USERNAME": defaults["API_USERNAME"]}
        suite = Suite(self.project.root, environment, services, f"{listed(list(services))} of {short(head)}")
        console.print("installing what the tests of the contract need", markup=False)
        suite.install(keeper, self.project.root / "build" / "gate" / "tests.log")
        return suite

    def _builder(self, console: Console) -> Builder:
        """What builds the services as they are to run: as was asked, else in containers where that can be."""
        environment = {**self.settings.public, **self.secrets, "PREDICTION_LOG": "off"}
        if self.mode is not Mode.NATIVE:
            try:
                images = Images.find(self.project, self.settings, environment)
            except LabError as error:
                if self.mode is Mode.CONTAINERS:
                    raise
                console.print(f"both run as processes of this host: {error}", markup=False, soft_wrap=True)
            else:
                console.print("both run in containers; to force the other: --mode native", markup=False)
                return images
        return Programs(Revisions(self.project.root), environment)
