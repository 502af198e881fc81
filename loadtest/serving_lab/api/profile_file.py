"""The file that a command is given: an API description with a section for each command, or a command's own keys.

A description may hold what a command adds under the command's name, so that one file serves them all:

    sign_in: …
    requests: …
    bench: {scenarios: …}
    parity: {corpus: …}

Where that would be too long, a file holds the keys of one command alone and says where the description is:

    api: ../api.yaml
    scenarios: …
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from serving_lab.api.description import Description, DescriptionForm
from serving_lab.text.yaml_file import YamlFile

Section = Literal["parity", "bench", "footprint", "load"]
SECTIONS: tuple[Section, ...] = ("parity", "bench", "footprint", "load")
_API = "api"
_RENAMED = {"login": "sign_in", "profile": _API}


@dataclass(frozen=True)
class ProfileFile:
    """What a command is given."""

    api: YamlFile
    """The description of the API."""
    own: YamlFile
    """The keys of the command itself."""

    @classmethod
    def read(
        cls, path: Path, section: Section, form: type[msgspec.Struct], environment: Mapping[str, str]
    ) -> "ProfileFile":
        """Read the file for a command, whose own keys are the fields of a form; what other commands add is left out.

        Raises:
            LabError: the file or the description cannot be read, or a key is where it does not belong.
        """
        file = _parsed(path)
        own, described = _names(form), _names(DescriptionForm)
        if _API in file.keys:
            for key in sorted(file.keys & described - own):
                hint = f"move it to the file that {_API} names"
                raise file.fault(key, "belongs into the description of the API", hint=hint)
            return cls(_described(file).filled(environment), file.without(_API).filled(environment))
        for key in sorted(file.keys & own - described):
            hint = f"write {section}: and below it {key}:; or {_API}: FILE where the description is another file"
            raise file.fault(key, f"belongs under {section}", hint=hint)
        return cls(file.without(*SECTIONS).filled(environment), file.section(section).filled(environment))


def read_description(path: Path, environment: Mapping[str, str]) -> Description:
    """The description that any command's file holds or names.

    Raises:
        LabError: it cannot be read or is wrong.
    """
    file = _parsed(path)
    found = _described(file) if _API in file.keys else file.without(*SECTIONS)
    return Description.of(found.filled(environment))


def _parsed(path: Path) -> YamlFile:
    file = YamlFile.parse(path)
    for old, new in _RENAMED.items():
        if old in file.keys:
            raise file.fault(old, f"is called {new} now", hint=f"write {new}: instead of {old}:")
    return file


def _described(file: YamlFile) -> YamlFile:
    """The description that a file names."""
    named = file.section(_API).content
    if not isinstance(named, str):
        raise file.fault(_API, "is the path of a file", hint="relative to this file")
    path = file.path.parent / named
    if not path.is_file():
        raise file.fault(_API, f"{path}: there is no such file", hint="the path is relative to this file")
    description = _parsed(path)
    if _API in description.keys:
        raise description.fault(_API, "is not a key of a description", hint=f"{file.path} refers to this file")
    return description.without(*SECTIONS)


def _names(form: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(field.encode_name for field in msgspec.structs.fields(form))
