"""The settings of the stack: .env.example, over it .env, over it the shell's environment."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from dotenv.parser import parse_stream

from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.secret_file import secret
from serving_lab.stack import private_file
from serving_lab.stack.secrets import SECRETS, Secret

REDIS_PROFILE = "redis"


@dataclass(frozen=True)
class Settings:
    """What the lab itself needs to know, and everything else as the programs will see it."""

    environment: Mapping[str, str]
    """Every setting by name; what is empty is left out. Secrets are among them: `public` is what programs see."""
    bind_address: str
    flask_port: int
    fastapi_port: int
    locust_port: int
    prometheus_port: int
    grafana_port: int
    redis_port: int
    with_redis: bool
    """Whether a Redis comes up too: COMPOSE_PROFILES says so, as it does to Compose."""
    workers: int
    locust_workers: int
    """Worker processes of Locust; 0: one process does everything."""
    locust_master_port: int
    secrets_dir: Path
    """Where each secret is handed out as a file."""
    stop_seconds: float
    """How long a service may take to end: draining, then requests in flight."""

    @classmethod
    def load(cls, project: Project, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings.

        Raises:
            LabError: a file cannot be read, or a value the lab needs is wrong.
        """
        values = merged(project, os.environ if environment is None else environment)
        return cls(
            environment=values,
            bind_address=values["BIND_ADDRESS"],
            flask_port=_number(values, "FLASK_PORT", 1, 65535),
            fastapi_port=_number(values, "FASTAPI_PORT", 1, 65535),
            locust_port=_number(values, "LOCUST_PORT", 1, 65535),
            prometheus_port=_number(values, "PROMETHEUS_PORT", 1, 65535),
            grafana_port=_number(values, "GRAFANA_PORT", 1, 65535),
            redis_port=_number(values, "REDIS_PORT", 1, 65535),
            with_redis=REDIS_PROFILE in values.get("COMPOSE_PROFILES", "").split(","),
            workers=_number(values, "WORKERS", 1, 256),
            locust_workers=_number(values, "LOCUST_WORKERS", 0, 64),
            locust_master_port=_number(values, "LOCUST_MASTER_PORT", 1, 65535),
            secrets_dir=project.root / Path(values["SECRETS_DIR"]).expanduser(),
            stop_seconds=_seconds(values, "DRAIN_SECONDS") + _seconds(values, "GRACEFUL_TIMEOUT_SECONDS"),
        )

    def with_store(self, redis_url: str) -> Mapping[str, str]:
        """The settings with which both services find the lab's Redis, where there is one and they have no other."""
        if not self.with_redis or "CACHE_URL" in self.environment:
            return self.environment
        return {**self.environment, "CACHE_URL": redis_url}

    @property
    def public(self) -> dict[str, str]:
        """Every setting that is no secret, by name."""
        secrets = {each.name for each in SECRETS}
        public = {name: value for name, value in self.environment.items() if name not in secrets}
        return public | {"SECRETS_DIR": str(self.secrets_dir)}

    @property
    def probe_address(self) -> str:
        """The address this machine reaches the stack at, as it stands in a URL."""
        everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
        address = everywhere.get(self.bind_address, self.bind_address)
        return f"[{address}]" if ":" in address else address


def merged(project: Project, environment: Mapping[str, str]) -> dict[str, str]:
    """Return every setting that has a value, by name: the shell's, else .env's, else the default.

    Raises:
        LabError: a file cannot be read, or a secret is set by itself and by a file.
    """
    defaults = read(project.env_example)
    own = read(project.env_file) if project.env_file.exists() else {}
    files = [f"{each.name}_FILE" for each in SECRETS]
    shell = {name: environment[name] for name in (*defaults, *own, *files) if environment.get(name)}
    # Empty counts as not set, so that a line left empty in .env means the default.
    values = {name: value for layer in (defaults, own, shell) for name, value in layer.items() if value}
    values |= {each.name: value for each in SECRETS if (value := _secret(each, values, project.root))}
    return {name: value for name, value in values.items() if name not in files}


def _secret(wanted: Secret, values: Mapping[str, str], directory: Path) -> str:
    try:
        value = secret(wanted.name, values, directory)
        if not value and wanted.random_bytes and (path := values.get(f"{wanted.name}_FILE")):
            raise ValueError(f"{wanted.name}_FILE names {path}, which is empty")
    except ValueError as error:
        hint = f"in .env or the shell: {wanted.name}, or {wanted.name}_FILE and a file that holds it, not both"
        raise LabError(str(error), hint=hint) from None
    return value


def read(path: Path) -> dict[str, str]:
    """Return the settings in a file, by name, empty ones included.

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
                f"{path}, line {binding.original.line}: this is no setting",  # not which: it may hold a secret
                hint="write NAME=value, and quotes around a value with spaces or #",
            )
    return {binding.key: binding.value or "" for binding in bindings if binding.key is not None}


def ensure_env_file(project: Project, environment: Mapping[str, str] | None = None) -> list[str]:
    """Write .env where there is none, and fill in the secrets it leaves empty; return the names of those.

    A secret whose file is named, here or in the shell, is not made up. What stands in an existing file stays as it is.
    The file is readable by its owner alone.

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


def _number(values: Mapping[str, str], name: str, lowest: int, highest: int) -> int:
    text = values.get(name, "")
    if not (text.isascii() and text.isdecimal() and lowest <= int(text) <= highest):
        raise LabError(
            f"{name} is {text!r}, and must be a whole number from {lowest} to {highest}", hint="change it in .env"
        )
    return int(text)


def _seconds(values: Mapping[str, str], name: str) -> float:
    try:
        seconds = float(values.get(name, ""))
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 3600:
        raise LabError(
            f"{name} is {values.get(name, '')!r}, and must be seconds from 0 to 3600", hint="change it in .env"
        )
    return seconds
