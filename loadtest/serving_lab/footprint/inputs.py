"""What `lab footprint` knows of services: how to start them, how to ask and load them, and where their code lies."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec

from serving_lab.experiment.arms import Load
from serving_lab.experiment.profile import Measured, Profile, ScenarioForm
from serving_lab.generator.messages import Open
from serving_lab.stack.services import FASTAPI, FLASK
from serving_lab.text.yaml_file import YamlFile

STACK_SERVICES = (FLASK, FASTAPI)


class CodeForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is written for a target."""

    folders: list[str]
    without: list[str] = []
    """Files and folders below them that are not counted: what they are for, the other targets do not have."""
    validation: list[str] = []
    """What of it checks requests: files below the folders, or `file.py:name` of a function or class."""


class TargetForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A target: a service of the lab, an image, or a command."""

    service: str | None = None
    """One of the lab's: started as the lab runs it, in containers or as a process."""
    image: str | None = None
    base: str | None = None
    """Of the image; where it is left out, what its label says."""
    port: int | None = None
    """Where the image's container listens; without it the image is only weighed."""
    command: list[str] = []
    """A program on this host; `${port}` in it and in its environment is a free port."""
    environment: dict[str, str] = {}
    ready: str | None = None
    """Path that answers 200 when it is ready, where it is another than the file's."""
    code: CodeForm | None = None


class LoadForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same load for all."""

    scenario: str
    """One of the profile with an open loop: its requests, connections and arrivals."""
    rate: float
    """Requests/s."""


class FileForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A footprint file."""

    profile: str | None = None
    """As `lab bench` reads it; relative to this file."""
    ready: str = "/ready"
    metrics: str = "/metrics"
    document: str = "/openapi.json"
    first: str | None = None
    """The request of the profile whose right answer ends a start."""
    load: LoadForm | None = None
    targets: dict[str, TargetForm]


@dataclass(frozen=True)
class Inputs:
    """What a file says, checked."""

    folder: Path
    """Paths of code are relative to it."""
    profile: Profile | None
    ready: str
    metrics: str
    document: str
    first: Measured | None
    load: Load | None
    targets: Mapping[str, TargetForm]

    @classmethod
    def load_file(cls, path: Path, environment: Mapping[str, str]) -> Self:
        """Read a file; paths in it are relative to it.

        Raises:
            LabError: it, or the profile it names, cannot be read or is wrong.
        """
        file = YamlFile.read(path, environment)
        form = file.convert(FileForm)
        profile = Profile.load(path.parent / form.profile, environment) if form.profile else None
        for name in ("ready", "metrics", "document"):
            _check_path(file, name, getattr(form, name))
        if not form.targets:
            raise file.fault("targets", "there are none")
        for name, target in form.targets.items():
            _check(file, f"targets.{name}", target)
        return cls(
            folder=path.parent,
            profile=profile,
            ready=form.ready,
            metrics=form.metrics,
            document=form.document,
            first=_first(file, form.first, profile),
            load=_load(file, form.load, profile),
            targets=form.targets,
        )


def _first(file: YamlFile, name: str | None, profile: Profile | None) -> Measured | None:
    if name is None:
        return None
    if profile is None or name not in profile.requests:
        raise file.fault("first", f"there is no request {name!r} in the profile")
    return profile.requests[name]


def _load(file: YamlFile, form: LoadForm | None, profile: Profile | None) -> Load | None:
    if form is None:
        return None
    scenario = profile.scenarios.get(form.scenario) if profile else None
    match scenario:
        case ScenarioForm(loop="open", connections=int() as connections):
            if 0 < form.rate < float("inf"):
                return Load(scenario.requests, connections, Open(form.rate, scenario.arrivals))
            raise file.fault("load.rate", "a number above 0")
        case None:
            raise file.fault("load.scenario", f"there is no scenario {form.scenario!r} in the profile")
    raise file.fault("load.scenario", f"{form.scenario!r} has no open loop: its rate would depend on the answers")


def _check(file: YamlFile, place: str, target: TargetForm) -> None:
    ways = {"service": target.service, "image": target.image, "command": target.command or None}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) != 1:
        raise file.fault(place, "it has one of service, image and command")
    if target.service is not None and target.service not in STACK_SERVICES:
        raise file.fault(f"{place}.service", f"the lab's are {' and '.join(STACK_SERVICES)}")
    if target.image is None and (target.port or target.base):
        raise file.fault(place, "port and base belong to an image")
    if target.service is not None and target.environment:
        raise file.fault(f"{place}.environment", "the lab's services take theirs from .env")
    if target.port is not None and not 1 <= target.port <= 65535:
        raise file.fault(f"{place}.port", "from 1 to 65535")
    if target.ready is not None:
        _check_path(file, f"{place}.ready", target.ready)
    for at, folder in enumerate(target.code.folders if target.code else ()):
        if not (file.path.parent / folder).is_dir():
            raise file.fault(
                f"{place}.code.folders[{at}]", f"{folder} is no folder", hint="it is relative to this file"
            )


def _check_path(file: YamlFile, place: str, path: str) -> None:
    if not path.startswith("/") or any(character.isspace() for character in path):
        raise file.fault(place, f"{path!r} is no path such as /ready")
