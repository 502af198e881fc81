"""From what a file says of a target to what starts it and what is weighed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from serving_lab.errors import LabError
from serving_lab.footprint.containers import ComposeLauncher, ImageLauncher
from serving_lab.footprint.images import Wanted
from serving_lab.footprint.inputs import Inputs, TargetForm
from serving_lab.footprint.launching import Launcher
from serving_lab.footprint.processes import ProcessLauncher
from serving_lab.footprint.starting import Subject
from serving_lab.project import Project
from serving_lab.stack.base import Mode
from serving_lab.stack.environment import Settings
from serving_lab.stack.programs import Tools, programs_for, shared_environment
from serving_lab.stack.supervisor import RUN_DIR_VARIABLE
from serving_lab.targets.catalogue import Code, Entry
from serving_lab.wire.ports import LOOPBACK


@dataclass(frozen=True)
class Lab:
    """The lab as it runs."""

    project: Project
    settings: Settings
    mode: Mode


@dataclass(frozen=True)
class Chosen:
    """A target, and what can be measured of it."""

    name: str
    subject: Subject | None
    """None: it is not started."""
    image: Wanted | None
    code: Code | None
    folder: Path
    """Paths of code are relative to it."""
    speaks: bool
    """Whether the described requests are for it."""
    of_lab: bool = False
    """Whether the lab runs another instance of it beside."""
    label: str | None = None
    colour: str | None = None
    """What the catalogue says of these."""


def of_file(inputs: Inputs) -> list[Chosen]:
    """The targets of a file.

    Raises:
        LabError: there are none.
    """
    if not inputs.targets:
        raise LabError("the file has no targets to measure", hint="targets: (docs/guide.md)")
    return [_chosen(name, target, inputs) for name, target in inputs.targets.items()]


def of_lab(lab: Lab, inputs: Inputs) -> list[Chosen]:
    """The services of the lab that run, as it starts them: in containers, or as processes."""
    catalogue = lab.settings.running
    found = []
    for entry in catalogue.entries:
        launcher, image = _of_lab(entry, lab)
        subject = Subject(entry.name, launcher, inputs.ready)
        found.append(
            Chosen(
                name=entry.name,
                subject=subject,
                image=image,
                code=entry.code,
                folder=catalogue.path.parent,
                speaks=inputs.api is not None,
                of_lab=True,
                label=entry.label,
                colour=entry.colour,
            )
        )
    return found


def of_images(images: Mapping[str, str], base: str | None, port: int | None, ready_path: str) -> list[Chosen]:
    """Images that were named on the command line; with a port they are started, too."""
    return [
        Chosen(
            name=name,
            subject=Subject(name, ImageLauncher(image, port, {}), ready_path) if port else None,
            image=Wanted(image, base),
            code=None,
            folder=Path(),
            speaks=False,
        )
        for name, image in images.items()
    ]


def _chosen(name: str, target: TargetForm, inputs: Inputs) -> Chosen:
    launcher, image = _launcher(target, inputs.folder)
    subject = Subject(name, launcher, target.ready or inputs.ready) if launcher else None
    return Chosen(name, subject, image, target.code, inputs.folder, inputs.api is not None)


def _launcher(target: TargetForm, folder: Path) -> tuple[Launcher | None, Wanted | None]:
    if target.image is None:
        return ProcessLauncher(tuple(target.command), target.environment, folder / target.directory), None
    started = ImageLauncher(target.image, target.port, target.environment) if target.port else None
    return started, Wanted(target.image, target.base)


def _of_lab(entry: Entry, lab: Lab) -> tuple[Launcher, Wanted | None]:
    if lab.mode is Mode.NATIVE:
        return _of_host(entry.name, lab), None
    launcher = ComposeLauncher(lab.project.root, entry.name, entry.port_setting, lab.settings.public)
    return launcher, Wanted(launcher.image)


def _of_host(service: str, lab: Lab) -> ProcessLauncher:
    """The program that supervisord runs, with what it sees; on a port of its own."""
    project, settings = lab.project, lab.settings
    programs = programs_for(project, settings, Tools(None, None, None, None, {}), project.run_dir)
    program = next(each for each in programs if each.name == service)
    environment = {
        **shared_environment(project, settings, project.run_dir),
        **program.environment,
        "HOST": LOOPBACK,
        "PORT": "${port}",
        # Were this process killed, `make down` would end what it left.
        RUN_DIR_VARIABLE: str(project.run_dir),
    }
    return ProcessLauncher(program.command, environment, project.root, program.stop_seconds)
