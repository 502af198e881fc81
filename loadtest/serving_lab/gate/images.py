"""The services of a revision as containers: images by commit, which the engine keeps."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from serving_lab.errors import LabError
from serving_lab.gate.kept import Keeper
from serving_lab.gate.revisions import Revisions, short
from serving_lab.gate.sides import Image, exposed_port
from serving_lab.project import Project
from serving_lab.stack import engine
from serving_lab.stack.base_images import BaseImages
from serving_lab.stack.compose import ca_bundle
from serving_lab.stack.containers import GATE_LABEL
from serving_lab.stack.environment import Settings
from serving_lab.targets.catalogue import Catalogue, Entry

_BASE = "PYTHON_IMAGE"
_KEY_LENGTH = 10


@dataclass(frozen=True)
class Images:
    """Builds images, each with the limits that the settings give every service."""

    revisions: Revisions
    environment: Mapping[str, str]
    """What services are started with."""
    settings: Settings
    base: str
    """The image that they begin with."""

    @classmethod
    def find(cls, project: Project, settings: Settings, environment: Mapping[str, str]) -> "Images":
        """Return what builds images here.

        Raises:
            LabError: no engine answers, it cannot limit processors, or there is no base image.
        """
        if not engine.Engine.find().limits_processors:
            raise LabError("the engine cannot limit processors (no CPU CFS quota)", hint="--mode native")
        base = BaseImages.of(project, settings).had(_BASE)
        if base is None:
            raise LabError(
                f"the image {settings.environment[_BASE]} cannot be had ({_BASE})",
                hint="make base-images, or --mode native",
            )
        return cls(Revisions(project.root), environment, settings, base)

    def build(self, commit: str, names: Sequence[str], keeper: Keeper, console: Console) -> dict[str, Image]:
        """Build a commit's images, unless that was done before; return those of the names that it has.

        Raises:
            LabError: one cannot be built.
        """
        images = {name: self._name(name, commit) for name in names}
        missing = [name for name, image in images.items() if not engine.has_image(image)]
        if not missing:
            console.print(f"the images of {short(commit)} are built already", markup=False)
        else:
            absent = self._build(commit, missing, keeper, console)
            images = {name: image for name, image in images.items() if name not in absent}
        return {name: self._side(image) for name, image in images.items()}

    def _side(self, image: str) -> Image:
        cpus, memory = (self.settings.environment[name] for name in ("SERVICE_CPUS", "SERVICE_MEMORY"))
        limits = ("--cpus", cpus, "--memory", memory, "--memory-swap", memory)
        return Image(image, exposed_port(image), self.environment, limits)

    def _build(self, commit: str, names: Sequence[str], keeper: Keeper, console: Console) -> set[str]:
        """Build services of a commit; return those that it does not have."""
        directory = self.revisions.root / "build" / "gate" / f"{commit}-images"
        source, logs = directory / "source", directory / "logs"
        with ExitStack() as undone:
            undone.enter_context(keeper.undoing(str(directory), ["rm", "-rf", str(directory)]))
            undone.enter_context(self.revisions.source(commit, source, keeper, logs / "worktree.log"))
            entries = {entry.name: entry for entry in Catalogue.read(source / "loadtest" / "catalogue.yaml").entries}
            for name in names:
                if name in entries:
                    console.print(f"building the image of {name} of {short(commit)}", markup=False)
                    self._build_one(entries[name], commit, source, keeper, logs / f"{name}.log")
        return set(names) - entries.keys()

    def _build_one(self, entry: Entry, commit: str, source: Path, keeper: Keeper, log: Path) -> None:
        image = self._name(entry.name, commit)
        arguments = {_BASE: self.base, "MODEL_KIND": self.settings.environment["MODEL_KIND"], "REVISION": commit}
        command = ["docker", "build", "--file", str(source / "services" / "Dockerfile"), "--target", entry.image_target]
        command += [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        if certificates := ca_bundle(self.settings):
            command += ["--secret", f"id=ca,src={certificates}"]
        command += ["--label", f"{GATE_LABEL}={self.revisions.root}", "--tag", image, str(source)]
        if self.revisions.is_temporary(commit):
            keeper.ask("undo", image, ["docker", "image", "rm", image])
        keeper.run(command, os.environ, self.revisions.root, log, hint=f"can this revision be built? ({log.name})")

    def _name(self, service: str, commit: str) -> str:
        """An image's name, which says all that it is made of."""
        made_of = f"{engine.image_id(self.base)} {self.settings.environment['MODEL_KIND']}"
        key = hashlib.sha256(made_of.encode()).hexdigest()[:_KEY_LENGTH]
        return f"{GATE_LABEL}/{service}:{commit}-{key}"
