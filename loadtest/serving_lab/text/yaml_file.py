"""YAML files that people write: read into structs, and every fault told with file, line and place."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from serving_lab.errors import LabError

T = TypeVar("T")

_DEEPEST = 200
"""Levels; what reads a file afterwards calls itself once a level or twice."""
_HINT = "docs/guide.md describes the format"
_ENVIRONMENT = re.compile(r"\$\{env:([^}]*)\}")
_STEP = re.compile(r"\[(\d+)\]|\.?([^.\[\]]+)")
_EXPECTED = re.compile(r"(?P<problem>.*?)(?: - at (?:key in )?`\$\.?(?P<place>.*)`)?", re.DOTALL)


@dataclass(frozen=True)
class YamlFile:
    """The content of a file; places in it are written like `requests[3].headers`."""

    path: Path
    content: object
    _root: yaml.Node | None
    _section: str = ""
    """The key that this is the content of; empty: all of the file."""

    @classmethod
    def read(cls, path: Path, environment: Mapping[str, str]) -> "YamlFile":
        """Read a file; `${env:NAME}` in its texts is filled in.

        Raises:
            LabError: it cannot be read, is not YAML, has a key twice, or refers to an unset environment variable.
        """
        return cls.parse(path).filled(environment)

    @classmethod
    def parse(cls, path: Path) -> "YamlFile":
        """Read a file as it is.

        Raises:
            LabError: it cannot be read, is not YAML, or has a key twice.
        """
        try:
            loader = _Loader(path.read_text(encoding="utf-8-sig"))
            root = loader.get_single_node()
            for node, problem in _faults(root, ()):
                raise _fault(path, node.start_mark.line, problem)
            content = loader.construct_document(root) if root else {}
        except OSError as error:
            raise LabError(f"{path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise _fault(path, None, "is not UTF-8", hint="save it as UTF-8") from error
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line if error.problem_mark else None
            raise _fault(
                path, line, f"is not YAML here: {error.problem}", hint="quote texts with special signs"
            ) from None
        except RecursionError:
            raise _fault(path, None, "is nested too deeply") from None
        except (yaml.YAMLError, ValueError) as error:
            raise _fault(path, None, f"is not YAML: {' '.join(str(error).split())}") from None
        return cls(path, content, root)

    @property
    def keys(self) -> frozenset[str]:
        """The keys of the whole; none where it is not a mapping."""
        return frozenset(map(str, self.content)) if isinstance(self.content, dict) else frozenset()

    def filled(self, environment: Mapping[str, str]) -> "YamlFile":
        """The file with `${env:NAME}` in its texts filled in.

        Raises:
            LabError: it refers to an unset environment variable.
        """
        return replace(self, content=self._filled(self.content, environment, ""))

    def section(self, key: str) -> "YamlFile":
        """What stands under a key, nothing where the key is absent; places in it begin with the key."""
        content = self.content.get(key) if isinstance(self.content, dict) else None
        return YamlFile(self.path, {} if content is None else content, self._root, key)

    def without(self, *keys: str) -> "YamlFile":
        """The file without what stands under these keys."""
        if not isinstance(self.content, dict):
            return self
        return replace(self, content={key: value for key, value in self.content.items() if key not in keys})

    def convert(self, into: type[T]) -> T:
        """The content as a struct.

        Raises:
            LabError: it does not have this form.
        """
        try:
            return msgspec.convert(self.content, into)
        except msgspec.ValidationError as error:
            found = _EXPECTED.fullmatch(str(error))
            assert found is not None  # noqa: S101 - the pattern takes any text
            problem = found["problem"].replace("`", "").replace("Object contains unknown field", "unknown key")
            problem = problem.replace("Object missing required field", "there is no")
            raise self.fault(found["place"] or "", problem[:1].lower() + problem[1:]) from None

    def fault(self, place: str, problem: str, hint: str = _HINT) -> LabError:
        """The error for a place in the file."""
        if self._section:
            place = f"{self._section}{'.' if place and not place.startswith('[') else ''}{place}"
        line = self._line(place)
        return _fault(self.path, line, f"{place}: {problem}" if place else problem, hint)

    def _line(self, place: str) -> int | None:
        """The line of a place, or of what is nearest above it."""
        node, line = self._root, None
        for index, key in _STEP.findall(place):
            match node:
                case yaml.SequenceNode() if index and int(index) < len(node.value):
                    node = node.value[int(index)]
                case yaml.MappingNode() if found := [pair for pair in node.value if pair[0].value == key]:
                    line, node = found[0][0].start_mark.line, found[0][1]
                    continue
                case _:
                    break
            line = node.start_mark.line
        return line

    def _filled(self, value: object, environment: Mapping[str, str], place: str) -> object:
        match value:
            case str():
                for name in _ENVIRONMENT.findall(value):
                    if name not in environment:
                        raise self.fault(place, f"refers to the unset environment variable {name!r}", f"set {name}")
                return _ENVIRONMENT.sub(lambda found: environment[found[1]], value)
            case list():
                return [self._filled(item, environment, f"{place}[{index}]") for index, item in enumerate(value)]
            case dict():
                return {
                    key: self._filled(item, environment, f"{place}.{key}" if place else str(key))
                    for key, item in value.items()
                }
        return value


class _Loader(yaml.SafeLoader):
    """YAML 1.2's core schema: `1e3` is a number, and `no`, `on`, `12:30` and `2026-01-01` are texts."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - its type is the library's


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?(?:(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)", list("-+.0123456789")),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", list("-+.")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)


def _faults(node: yaml.Node | None, above: tuple[yaml.Node, ...]) -> Iterator[tuple[yaml.Node, str]]:
    """What YAML itself accepts silently: keys that occur twice, what contains itself, and nesting without an end."""
    if len(above) > _DEEPEST and node is not None:
        yield node, "is nested too deeply"
        return
    if node in above and node is not None:
        yield node, "holds itself"
        return
    match node:
        case yaml.MappingNode():
            seen = set()
            for key, value in node.value:
                if (key.tag, key.value) in seen and key.tag != "tag:yaml.org,2002:merge":
                    yield key, f"the key {key.value!r} is here twice"
                seen.add((key.tag, key.value) if isinstance(key, yaml.ScalarNode) else id(key))
                yield from _faults(value, (*above, node))
        case yaml.SequenceNode():
            for item in node.value:
                yield from _faults(item, (*above, node))


def _fault(path: Path, line: int | None, problem: str, hint: str = _HINT) -> LabError:
    place = f"{path}:{line + 1}" if line is not None else str(path)
    return LabError(f"{place}: {problem}", hint=hint)
