"""The catalogue: which services are under test, and all that the laboratory must be told of each.

Nothing else in the laboratory names a service. The first one is the baseline, the others are candidates.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from serving_lab.text.yaml_file import YamlFile

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_SETTING = re.compile(r"[A-Z][A-Z0-9_]*_PORT")
_HINT = "docs/contributing.md describes the catalogue"

Role = Literal["baseline", "candidate"]
Besides = Literal["documentation", "graphql", "websocket"]
"""What a service may have that the contract does not ask for."""


class Code(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the code of a service lies; paths are relative to the catalogue."""

    folders: list[str]
    validation: list[str] = []
    """What of it checks requests: files, or `file:definition`."""
    without: list[str] = []
    """What is left out of the comparison, because no other service has it."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One service under test."""

    name: str
    """Of its program, its compose service and its image; the label `service` of its metrics."""
    label: str
    """What people call it."""
    about: str
    """One phrase for the list of addresses."""
    role: Role
    port: int
    """Where it listens in its container, and on this machine unless `port_setting` says otherwise."""
    port_setting: str
    """The setting of .env that moves its port on this machine."""
    colour: str
    """On every page and dashboard, such as `#e0751a`."""
    image_target: str
    """Its stage of services/Dockerfile."""
    profile: str | None = None
    """It runs only where COMPOSE_PROFILES has this; None: always."""
    besides: list[Besides] = []
    intended: list[str] = []
    """Files of its intended differences from the baseline, relative to the catalogue."""
    code: Code | None = None


@dataclass(frozen=True)
class Catalogue:
    """The services under test, the baseline first."""

    path: Path
    entries: tuple[Entry, ...]

    @classmethod
    def read(cls, path: Path) -> "Catalogue":
        """Read a catalogue.

        Raises:
            LabError: the file cannot be read or is wrong.
        """
        file = YamlFile.read(path, {})
        form = file.convert(_Form)
        _check(file, form.services)
        return cls(path, tuple(sorted(form.services, key=lambda entry: entry.role != "baseline")))

    @property
    def baseline(self) -> Entry:
        """What the others are compared with."""
        return self.entries[0]

    @property
    def candidates(self) -> tuple[Entry, ...]:
        """All but the baseline."""
        return self.entries[1:]

    def entry(self, name: str) -> Entry:
        """The service of this name."""
        (found,) = (entry for entry in self.entries if entry.name == name)
        return found

    def intended(self, name: str) -> tuple[Path, ...]:
        """The files of a service's intended differences from the baseline."""
        return tuple(self.path.parent / each for each in self.entry(name).intended)

    @property
    def labels(self) -> Mapping[str, str]:
        """What people call each service, by its name."""
        return {entry.name: entry.label for entry in self.entries}

    def running(self, environment: Mapping[str, str]) -> "Catalogue":
        """The catalogue of those that run: without a profile, or with one that COMPOSE_PROFILES has."""
        profiles = profiles_in(environment)
        running = tuple(entry for entry in self.entries if entry.profile is None or entry.profile in profiles)
        return Catalogue(self.path, running)


def profiles_in(environment: Mapping[str, str]) -> frozenset[str]:
    """The profiles that COMPOSE_PROFILES has, separated by commas as for Compose."""
    return frozenset(environment.get("COMPOSE_PROFILES", "").split(",")) - {""}


class _Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    services: list[Entry]


def _check(file: YamlFile, entries: list[Entry]) -> None:
    seen: set[tuple[str, str | int]] = set()
    for at, entry in enumerate(entries):
        place = f"services[{at}]"
        for field, pattern, example in (
            ("name", _NAME, "flask-api"),
            ("colour", _COLOUR, "#e0751a"),
            ("port_setting", _SETTING, "FLASK_PORT"),
        ):
            value = getattr(entry, field)
            if not pattern.fullmatch(value):
                raise file.fault(f"{place}.{field}", f"{value!r} is not valid", f"write it like {example}")
        if not 1 <= entry.port <= 65535:
            raise file.fault(f"{place}.port", "is a number from 1 to 65535", _HINT)
        for field in ("name", "label", "port", "port_setting", "colour"):
            value = getattr(entry, field)
            if (field, value) in seen:
                raise file.fault(f"{place}.{field}", f"another service has {value!r} already", _HINT)
            seen.add((field, value))
    baselines = [at for at, entry in enumerate(entries) if entry.role == "baseline"]
    if len(baselines) != 1:
        raise file.fault("services", f"one of them is the baseline, not {len(baselines)}", _HINT)
    if entries[baselines[0]].profile is not None:
        raise file.fault(f"services[{baselines[0]}].profile", "the baseline always runs", _HINT)
