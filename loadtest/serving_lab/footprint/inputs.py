"""What `lab footprint` knows of services: how to start them, how to ask and load them, and where their code lies."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import msgspec

from serving_lab.api.description import Call, Description, check_mix
from serving_lab.api.profile_file import ProfileFile
from serving_lab.experiment.arms import Load
from serving_lab.generator.messages import Open
from serving_lab.targets.catalogue import Code
from serving_lab.text.environment import Environment
from serving_lab.text.yaml_file import YamlFile

MOST_CONNECTIONS = 4096


class TargetForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A target: an image, or a command."""

    image: str | None = None
    base: str | None = None
    """Of the image; where it is left out, what its label says."""
    port: int | None = None
    """Where the image's container listens; without it the image is only weighed."""
    command: list[str] = []
    """A program on this host; `${port}` in it and in its environment is a free port."""
    directory: str = ""
    """Where the command runs, relative to the file; by default the file's own folder."""
    environment: dict[str, str] = {}
    ready: str | None = None
    """Path that answers 200 when it is ready, where it is another than the file's."""
    code: Code | None = None


class LoadForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same load for all, of an open loop: all do the same work."""

    mix: str
    """One of the description."""
    rate: float
    """Requests/s."""
    connections: int = 16
    arrivals: Literal["poisson", "constant"] = "poisson"


class FileForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `lab footprint` adds to a description."""

    ready: str = "/ready"
    metrics: str = "/metrics"
    document: str = "/openapi.json"
    first: str | None = None
    """The request of the description whose right answer ends a start."""
    load: LoadForm | None = None
    targets: dict[str, TargetForm] = {}
    """None: those of the catalogue."""


@dataclass(frozen=True)
class Inputs:
    """What a file says, checked."""

    folder: Path
    """Paths of code are relative to it."""
    api: Description | None
    """None: requests are not described; it is only asked whether a target is ready."""
    ready: str
    metrics: str
    document: str
    first: Call | None
    load: Load | None
    targets: Mapping[str, TargetForm]

    @classmethod
    def load_file(cls, path: Path, environment: Mapping[str, str]) -> Self:
        """Read a file; paths in it are relative to it.

        Raises:
            LabError: it, or the description that it names, cannot be read or is wrong.
        """
        files = ProfileFile.read(path, "footprint", FileForm, Environment(environment))
        file, form = files.own, files.own.convert(FileForm)
        api = Description.of(files.api) if files.api.content else None
        for name in ("ready", "metrics", "document"):
            _check_path(file, name, getattr(form, name))
        for name, target in form.targets.items():
            _check(file, f"targets.{name}", target)
        return cls(
            folder=path.parent,
            api=api,
            ready=form.ready,
            metrics=form.metrics,
            document=form.document,
            first=_first(file, form.first, api),
            load=_load(file, form.load, api),
            targets=form.targets,
        )


def _first(file: YamlFile, name: str | None, api: Description | None) -> Call | None:
    if name is None:
        return None
    if api is None or name not in api.requests:
        raise file.fault("first", f"there is no request {name!r} in the description")
    check_mix(file, "first", {name: 1}, api.requests, websocket=False)
    return api.requests[name]


def _load(file: YamlFile, form: LoadForm | None, api: Description | None) -> Load | None:
    if form is None:
        return None
    if api is None or form.mix not in api.mixes:
        raise file.fault("load.mix", f"there is no mix {form.mix!r} in the description")
    if not 0 < form.rate < float("inf"):
        raise file.fault("load.rate", "a number above 0")
    if not 1 <= form.connections <= MOST_CONNECTIONS:
        raise file.fault("load.connections", f"from 1 to {MOST_CONNECTIONS}")
    mix = api.mixes[form.mix]
    check_mix(file, "load.mix", mix, api.requests, websocket=False)
    return Load(mix, form.connections, Open(form.rate, form.arrivals))


def _check(file: YamlFile, place: str, target: TargetForm) -> None:
    if (target.image is None) is (not target.command):
        raise file.fault(place, "it has one of image and command")
    if target.image is None and (target.port or target.base):
        raise file.fault(place, "port and base belong to an image")
    if target.port is not None and not 1 <= target.port <= 65535:
        raise file.fault(f"{place}.port", "from 1 to 65535")
    if target.ready is not None:
        _check_path(file, f"{place}.ready", target.ready)
    for at, folder in enumerate(target.code.folders if target.code else ()):
        if not (file.path.parent / folder).is_dir():
            raise file.fault(
                f"{place}.code.folders[{at}]", f"{folder} is not a folder", hint="it is relative to this file"
            )


def _check_path(file: YamlFile, place: str, path: str) -> None:
    if not path.startswith("/") or any(character.isspace() for character in path):
        raise file.fault(place, f"{path!r} is not a path such as /ready")
