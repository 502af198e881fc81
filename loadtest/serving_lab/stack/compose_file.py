"""What processes on the host take from compose.yaml, so that each value is written once."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from serving_lab.text.yaml_file import YamlFile


class _Service(msgspec.Struct, frozen=True):
    command: list[str] = []
    environment: dict[str, str | None] = {}


class _Form(msgspec.Struct, frozen=True):
    services: dict[str, _Service]


class ComposeFile:
    """A compose file, as far as it holds for processes too."""

    def __init__(self, path: Path) -> None:
        """Read it.

        Raises:
            LabError: it cannot be read or is wrong.
        """
        self._services = YamlFile.read(path, {}).convert(_Form).services

    def command(self, service: str) -> list[str]:
        """The arguments that a service's program is given."""
        return self._services[service].command

    def environment(self, service: str) -> Mapping[str, str]:
        """The values that a service's program is given; settings that are only passed on are left out."""
        return {name: value for name, value in self._services[service].environment.items() if value is not None}
