"""The settings of the stack: .env.example, over it .env, over it the shell's environment."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Annotated

import msgspec
from dotenv.parser import parse_stream
from msgspec import Meta

from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack import private_file
from serving_lab.stack.secrets import SECRETS, Secret
from serving_lab.stack.service import GATEWAY, GRAFANA, LOCUST, MODEL_SYNC, OF_THE_LAB, PROMETHEUS, REDIS, REGISTRY
from serving_lab.targets.catalogue import Catalogue, profiles_in
from serving_lab.text import settings
from serving_lab.text.settings import Port, SettingError, Text

REDIS_PROFILE, REGISTRY_PROFILE = "redis", "registry"
OWN_PORTS = {
    GATEWAY: "GATEWAY_PORT",
    LOCUST: "LOCUST_PORT",
    PROMETHEUS: "PROMETHEUS_PORT",
    GRAFANA: "GRAFANA_PORT",
    REDIS: "REDIS_PORT",
    REGISTRY: "REGISTRY_PORT",
    MODEL_SYNC: "MODEL_SYNC_PORT",
}
"""The setting that moves the port of each of the lab's own services."""

_Seconds = Annotated[float, Meta(ge=0, le=3600)]
_SECRET_FILES = [f"{each.name}_FILE" for each in SECRETS]


class _Form(msgspec.Struct, frozen=True, kw_only=True, rename="upper"):
    """What is read besides the ports. The defaults are in .env.example."""

    bind_address: Text
    workers: Annotated[int, Meta(ge=1, le=256)]
    locust_workers: Annotated[int, Meta(ge=0, le=64)]
    locust_master_port: Port
    gateway_metrics_port: Port
    gateway_control_port: Port
    secrets_dir: Text
    drain_seconds: _Seconds
    graceful_timeout_seconds: _Seconds


@dataclass(frozen=True)
class Settings:
    """The settings that the lab itself needs, and all others as programs will see them."""

    environment: Mapping[str, str]
    """Every setting by name, without those that are empty. Secrets are among them: `public` is what programs see."""
    only_in_shell: Sequence[str]
    """The names of settings that commands of another shell would read otherwise."""
    catalogue: Catalogue
    """All services under test; `running` has those that run."""
    bind_address: str
    ports: Mapping[str, int]
    """The port on this machine of each service there may be, by the service's name."""
    with_redis: bool
    """Whether a Redis comes up too: COMPOSE_PROFILES says so, as it does to Compose."""
    with_registry: bool
    """Whether a registry of models comes up too, which the services take their models from."""
    workers: int
    locust_workers: int
    """Worker processes of Locust; 0: one process does everything."""
    locust_master_port: int
    gateway_user_cookie: str | None
    """By which the gateway tells users apart; None: their tokens and addresses do."""
    gateway_metrics_port: int
    """Where the gateway on the host says how it is."""
    gateway_control_port: int
    """Where the gateway's container is controlled."""
    secrets_dir: Path
    """Where each secret is handed out as a file."""
    drain_seconds: float
    """How long a service that was told to end waits for others to notice."""
    stop_seconds: float
    """How long a service may take to end: draining, then requests in flight."""

    @classmethod
    def load(
        cls,
        project: Project,
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> "Settings":
        """Read the settings, and the catalogue that they are about.

        Args:
            project: The checkout whose files are read.
            environment: The shell's; None: that of this process.
            secrets: All secrets that there are, whatever files and shell say of them; None: what those say.

        Raises:
            LabError: a file cannot be read, or a value the lab needs is wrong.
        """
        catalogue = _catalogue(project)
        more = [entry.port_setting for entry in catalogue.entries]
        shell = os.environ if environment is None else environment
        values = merged(project, shell, more, secrets)
        form = settings.read(values, _Form)
        profiles = _profiles(values, catalogue)
        return cls(
            environment=values,
            only_in_shell=only_in_shell(project, shell, more),
            catalogue=catalogue,
            bind_address=form.bind_address,
            ports=_ports(values, catalogue),
            with_redis=REDIS_PROFILE in profiles,
            with_registry=REGISTRY_PROFILE in profiles,
            workers=form.workers,
            locust_workers=form.locust_workers,
            locust_master_port=form.locust_master_port,
            gateway_user_cookie=values.get("GATEWAY_USER_COOKIE"),
            gateway_metrics_port=form.gateway_metrics_port,
            gateway_control_port=form.gateway_control_port,
            secrets_dir=project.root / Path(form.secrets_dir).expanduser(),
            drain_seconds=form.drain_seconds,
            stop_seconds=form.drain_seconds + form.graceful_timeout_seconds,
        )

    @property
    def running(self) -> Catalogue:
        """The services under test that run."""
        return self.catalogue.running(self.environment)

    def with_store(self, redis_url: str) -> Mapping[str, str]:
        """The settings with which the services find the lab's Redis, where there is one and they have no other."""
        if not self.with_redis or "CACHE_URL" in self.environment:
            return self.environment
        return {**self.environment, "CACHE_URL": redis_url}

    @property
    def public(self) -> dict[str, str]:
        """Every setting that is not a secret, by name."""
        secrets = {each.name for each in SECRETS}
        public = {name: value for name, value in self.environment.items() if name not in secrets}
        ports = {entry.port_setting: str(self.ports[entry.name]) for entry in self.catalogue.entries}
        return public | ports | {"SECRETS_DIR": str(self.secrets_dir)}

    @property
    def probe_address(self) -> str:
        """The address at which this machine reaches the stack, as URLs write it."""
        everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
        address = everywhere.get(self.bind_address, self.bind_address)
        return f"[{address}]" if ":" in address else address


def merged(
    project: Project,
    environment: Mapping[str, str],
    more: Iterable[str] = (),
    secrets: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Every setting that has a value, by name: the shell's, else .env's, else the default.

    Args:
        project: The checkout whose files are read.
        environment: The shell's.
        more: Settings that the shell may have although no file names them.
        secrets: All secrets that there are, whatever files and shell say of them; None: what those say.

    Raises:
        LabError: a file cannot be read, or a secret is set by itself and by a file.
    """
    defaults, own, shell = _layers(project, environment, more)
    # Empty counts as not set: a line left empty in .env means the default.
    values = {name: value for layer in (defaults, own, shell) for name, value in layer.items() if value}
    if secrets is None:
        secrets = {each.name: value for each in SECRETS if (value := _secret(each, values, project.root))}
    of_secrets = {*_SECRET_FILES, *(each.name for each in SECRETS)}
    return {name: value for name, value in values.items() if name not in of_secrets} | dict(secrets)


def only_in_shell(project: Project, environment: Mapping[str, str], more: Iterable[str]) -> list[str]:
    """The names of settings that would be others if the shell had none of them; parameters and errors as above."""
    defaults, own, shell = _layers(project, environment, more)
    return [name for name, value in shell.items() if value != (own.get(name) or defaults.get(name))]


def _layers(
    project: Project, environment: Mapping[str, str], more: Iterable[str]
) -> tuple[Mapping[str, str], Mapping[str, str], Mapping[str, str]]:
    """The settings of .env.example, of .env, and of the shell, which has those that it leaves empty from the others."""
    defaults = read(project.env_example)
    own = read(project.env_file) if project.env_file.exists() else {}
    names = (*defaults, *own, *_SECRET_FILES, *more)
    return defaults, own, {name: environment[name] for name in names if environment.get(name)}


def _secret(wanted: Secret, values: Mapping[str, str], directory: Path) -> str:
    value = settings.secret(wanted.name, values, directory)
    if not value and wanted.random_bytes and (path := values.get(f"{wanted.name}_FILE")):
        raise SettingError(f"{wanted.name}_FILE names {path}, which is empty")
    return value


def read(path: Path) -> dict[str, str]:
    """The settings in a file, by name, empty ones included.

    Raises:
        LabError: the file cannot be read, or a line of it makes no sense.
    """
    try:
        with path.open(encoding="utf-8") as stream:
            bindings = list(parse_stream(stream))
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(
            f"{path} cannot be read: {error}", hint=f"fix it, or move it away: mv {path} {path}.old"
        ) from error
    for binding in bindings:
        if binding.error or (binding.key is not None and binding.value is None):
            raise LabError(
                f"{path}, line {binding.original.line}: this is not a setting",  # not its text: it may hold a secret
                hint="write NAME=value, and quotes around a value with spaces or #",
            )
    return {binding.key: binding.value or "" for binding in bindings if binding.key is not None}


def ensure_env_file(project: Project, environment: Mapping[str, str] | None = None) -> list[str]:
    """Write .env where there is none, and generate the required secrets that are missing; return their names.

    A secret whose file is named, here or in the shell, is not generated. Lines of an existing file stay as they are.
    Only its owner can read the file.

    Raises:
        LabError: the file cannot be read or written.
    """
    environment = os.environ if environment is None else environment
    fresh = not project.env_file.exists()
    source = project.env_example if fresh else project.env_file
    present = read(source)
    given = {name for layer in (present, environment) for name, value in layer.items() if value}
    missing = [each for each in SECRETS if each.random_bytes and not given & {each.name, f"{each.name}_FILE"}]
    if not fresh and not missing:
        return []
    text = source.read_text(encoding="utf-8")
    for each in missing:
        # Letters and digits only: the same value for a shell that sources the file, and in a URL.
        line = f"{each.name}={token_hex(each.random_bytes)}"
        text, found = re.subn(rf"^(?:export\s+)?{each.name}\s*=.*$", line, text, count=1, flags=re.MULTILINE)
        if not found:
            text = f"{text}{'' if text.endswith(chr(10)) else chr(10)}{line}\n"
    private_file.write(project.env_file, text)
    return [each.name for each in missing]


def _catalogue(project: Project) -> Catalogue:
    catalogue = Catalogue.read(project.catalogue)
    for entry in catalogue.entries:
        if entry.name in OF_THE_LAB:
            raise LabError(f"{project.catalogue}: a service of the lab is called {entry.name!r}", hint="rename it")
    return catalogue


def _ports(values: Mapping[str, str], catalogue: Catalogue) -> dict[str, int]:
    under_test = {
        entry.name: settings.read_one(values, entry.port_setting, Port) or entry.port for entry in catalogue.entries
    }
    own = {name: settings.read_one(values, setting, Port) for name, setting in OWN_PORTS.items()}
    if unset := [OWN_PORTS[name] for name, port in own.items() if port is None]:
        raise SettingError(f"{unset[0]} is not set")
    return under_test | own


def _profiles(values: Mapping[str, str], catalogue: Catalogue) -> frozenset[str]:
    known = {REDIS_PROFILE, REGISTRY_PROFILE, *(entry.profile for entry in catalogue.entries if entry.profile)}
    profiles = profiles_in(values)
    if unknown := sorted(profiles - known):
        choice = ", ".join(sorted(known))
        raise SettingError(f"COMPOSE_PROFILES has {unknown[0]!r}, which no service has", hint=f"choose from {choice}")
    return profiles
