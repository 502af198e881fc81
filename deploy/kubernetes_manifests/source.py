"""What the manifests are made of: each fact is written in one of these files, and nowhere else."""

import re
from dataclasses import dataclass
from pathlib import Path

import msgspec
from serving_lab.project import Project
from serving_lab.stack.environment import read
from serving_lab.targets.catalogue import Catalogue
from serving_lab.text.yaml_file import YamlFile

_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
_HEALTHCHECK = re.compile(
    r"^HEALTHCHECK --interval=(\d+)s --timeout=(\d+)s --start-period=(\d+)s --retries=(\d+)", re.MULTILINE
)
_USER = re.compile(r"^USER (\d+:\d+)$", re.MULTILINE)
_SIZES = {"k": "Ki", "m": "Mi", "g": "Gi"}


class Healthcheck(msgspec.Struct, frozen=True):
    """How Compose finds out whether a container is healthy."""

    test: list[str] = []
    """`CMD`, then the command; empty: the image's own."""

    @property
    def command(self) -> list[str]:
        """The command alone."""
        return self.test[1:]


class ComposeService(msgspec.Struct, frozen=True):
    """One service of compose.yaml, as far as its container in Kubernetes is the same."""

    image: str
    entrypoint: list[str] = []
    command: list[str] = []
    environment: dict[str, str | None] = {}
    tmpfs: list[str] = []
    cpus: str | None = None
    mem_limit: str | None = None
    stop_grace_period: str = "10s"
    user: str | None = None
    healthcheck: Healthcheck = Healthcheck()


class _Compose(msgspec.Struct, frozen=True):
    services: dict[str, ComposeService]


@dataclass(frozen=True)
class Probing:
    """How often the images ask a service whether it is well, and how patiently; in seconds and failures."""

    interval: int
    timeout: int
    start_period: int
    retries: int

    @classmethod
    def read(cls, dockerfile: Path) -> "Probing":
        """What the line HEALTHCHECK of a Dockerfile says."""
        found = _HEALTHCHECK.search(dockerfile.read_text(encoding="utf-8"))
        assert found is not None, f"{dockerfile} has no HEALTHCHECK with all four options"  # noqa: S101
        return cls(*map(int, found.groups()))


@dataclass(frozen=True)
class Source:
    """All that is read."""

    project: Project
    catalogue: Catalogue
    services: dict[str, ComposeService]
    """Those of compose.yaml, its variables filled in with the defaults of .env.example."""
    settings: dict[str, str]
    """The defaults of .env.example; some are empty."""
    probing: Probing
    user: str
    """User and group of the lab's own images, such as 10001:10001."""

    @classmethod
    def read(cls, project: Project) -> "Source":
        """Read everything.

        Raises:
            LabError: a file cannot be read or is wrong.
        """
        settings = read(project.env_example)
        content = _filled(YamlFile.parse(project.compose_file).content, settings)
        dockerfile = project.root / "services" / "Dockerfile"
        users = set(_USER.findall(dockerfile.read_text(encoding="utf-8")))
        assert len(users) == 1, f"{dockerfile}: the images have different users"  # noqa: S101
        return cls(
            project=project,
            catalogue=Catalogue.read(project.catalogue),
            services=msgspec.convert(content, _Compose, strict=False).services,
            settings=settings,
            probing=Probing.read(dockerfile),
            user=users.pop(),
        )


def quantity(size: str) -> str:
    """A size of Compose, such as 64m, as Kubernetes writes it."""
    return size[:-1] + _SIZES[size[-1]]


def _filled(value: object, settings: dict[str, str]) -> object:
    match value:
        case str():
            return _VARIABLE.sub(lambda found: settings.get(found[1]) or (found[3] if found[2] == "-" else ""), value)
        case list():
            return [_filled(item, settings) for item in value]
        case dict():
            return {key: _filled(item, settings) for key, item in value.items()}
    return value
