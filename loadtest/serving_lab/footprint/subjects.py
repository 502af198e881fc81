"""From what a file says of a target to what starts it and what is weighed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from serving_lab.footprint.containers import ComposeLauncher, ImageLauncher
from serving_lab.footprint.images import Wanted
from serving_lab.footprint.inputs import CodeForm, Inputs, TargetForm
from serving_lab.footprint.launching import LOOPBACK, Launcher
from serving_lab.footprint.processes import ProcessLauncher
from serving_lab.footprint.starting import Subject
from serving_lab.project import Project
from serving_lab.stack.base import Mode
from serving_lab.stack.environment import Settings
from serving_lab.stack.programs import Tools, programs_for, shared_environment
from serving_lab.stack.services import services
from serving_lab.stack.supervisor import RUN_DIR_VARIABLE


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
    code: CodeForm | None
    speaks: bool
    """Whether the file's requests are for it."""
    of_lab: bool = False
    """Whether the lab runs another instance of it beside."""


def chosen(inputs: Inputs, find_lab: Callable[[], Lab]) -> list[Chosen]:
    """Return the targets of a file; the lab is looked for where one is a service of it.

    Raises:
        LabError: the lab is not up.
    """
    return [_chosen(name, target, inputs, find_lab) for name, target in inputs.targets.items()]


def of_images(images: Mapping[str, str], base: str | None, port: int | None, ready_path: str) -> list[Chosen]:
    """Return images that were named on the command line; with a port they are started, too."""
    return [
        Chosen(
            name=name,
            subject=Subject(name, ImageLauncher(image, port, {}), ready_path) if port else None,
            image=Wanted(image, base),
            code=None,
            speaks=False,
        )
        for name, image in images.items()
    ]


def _chosen(name: str, target: TargetForm, inputs: Inputs, find_lab: Callable[[], Lab]) -> Chosen:
    launcher, image = _launcher(target, inputs.folder, find_lab)
    subject = Subject(name, launcher, target.ready or inputs.ready) if launcher else None
    return Chosen(name, subject, image, target.code, inputs.profile is not None, target.service is not None)


def _launcher(target: TargetForm, folder: Path, find_lab: Callable[[], Lab]) -> tuple[Launcher | None, Wanted | None]:
    if target.image is not None:
        started = ImageLauncher(target.image, target.port, target.environment) if target.port else None
        return started, Wanted(target.image, target.base)
    if target.service is None:
        return ProcessLauncher(tuple(target.command), target.environment, folder), None
    lab = find_lab()
    if lab.mode is Mode.NATIVE:
        return _of_host(target.service, lab), None
    service = next(each for each in services(lab.settings) if each.name == target.service)
    launcher = ComposeLauncher(lab.project.root, service.name, service.port_setting, lab.settings.public)
    return launcher, Wanted(launcher.image)


def _of_host(service: str, lab: Lab) -> ProcessLauncher:
    """The program that supervisord runs, with what it sees; on a port of its own."""
    project, settings = lab.project, lab.settings
    programs = programs_for(project, settings, Tools(None, None, None, {}), project.run_dir)
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
