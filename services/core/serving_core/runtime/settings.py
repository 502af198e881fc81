"""The settings of a service, from the environment: name, type, bounds and default of each."""

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

import limits
import msgspec
from msgspec import Meta

MIN_SECRET_BYTES = 32
SECRETS = ("SECRET_KEY", "SECRET_KEY_PREVIOUS", "API_PASSWORD", "CACHE_URL")
"""Settings that may be read from files."""
# As browsers write it in the Origin header: no path, no wildcard, lower case.
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]+)?|https?://\[[0-9a-f:]+\](:[0-9]+)?")

# A name of a host begins with a letter here, so that a mistyped address is not taken for one.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")

_Count = Annotated[int, Meta(ge=1, le=256)]
_Seconds = Annotated[float, Meta(ge=0, le=3600)]


class SettingsError(Exception):
    """A setting is missing or invalid; the text names it and says what is expected."""


class Settings(msgspec.Struct, frozen=True, rename="upper", kw_only=True):
    """All settings; the name in the environment is the name of the field in upper case."""

    secret_key: str
    """The key that signs tokens, at least 32 bytes. Services with the same key accept each other's tokens."""
    secret_key_previous: str = ""
    """A former key whose tokens are still accepted while SECRET_KEY is being replaced; empty: none."""
    api_username: Annotated[str, Meta(min_length=1)]
    api_password: Annotated[str, Meta(min_length=1)]

    host: Annotated[str, Meta(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)]
    workers: _Count = 4
    """Processes that answer requests."""
    threads: _Count = 4
    """Threads per worker, if the server uses threads."""
    model_dir: Annotated[str, Meta(min_length=1)] = "build/model"
    model_updates_dir: str = ""
    """Store of models that MODEL_ALIAS chooses from while the service runs; empty: MODEL_DIR for good."""
    model_alias: Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")] = "champion"
    run_dir: str = ""
    """Directory for metrics and heartbeats; empty: a new directory in memory, removed at exit."""

    token_lifetime_seconds: Annotated[int, Meta(ge=1, le=30 * 86400)] = 86400
    max_body_bytes: Annotated[int, Meta(ge=1024, le=1 << 30)] = 1 << 20
    cache_max_entries: Annotated[int, Meta(ge=1, le=10_000_000)] = 10_000
    cache_url: str = ""
    """Redis for cache and limits, such as `redis://:password@host:6379/0`; empty: the service's own memory."""
    cache_timeout_seconds: Annotated[float, Meta(ge=0.001, le=1)] = 0.05
    """How long a request may wait for each answer of Redis."""
    rate_limit: str = ""
    """Requests that a client may send, such as `100/minute`; empty: no limit."""
    login_rate_limit: Annotated[str, Meta(min_length=1)] = "30/minute"
    """Requests to /login per address; there is always a limit."""
    trusted_proxies: str = ""
    """Addresses, networks and names, separated by commas, whose X-Forwarded-For is trusted; empty: none."""
    documentation: bool = False
    """Whether the interactive documentation of the API is served, if the service has one."""
    websocket_token_seconds: Annotated[float, Meta(gt=0, le=3600)] = 10.0
    """How long a WebSocket whose handshake has no token may take to send one."""
    websocket_idle_seconds: Annotated[float, Meta(gt=0, le=86400)] = 60.0
    """How long a WebSocket may stay without a message."""
    cors_origins: str = ""
    """Origins whose pages may call the API, separated by commas; empty: none."""

    prediction_log: str = "off"
    """`off`, `stdout`, or the path of a file."""
    prediction_log_max_bytes: Annotated[int, Meta(ge=4096)] = 100 << 20
    prediction_log_backups: Annotated[int, Meta(ge=0, le=1000)] = 3
    prediction_log_queue_entries: Annotated[int, Meta(ge=1, le=10_000_000)] = 10_000

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    access_log: bool = False
    drain_seconds: _Seconds = 1.0
    """How long /ready answers 503 before the service stops accepting connections."""
    graceful_timeout_seconds: Annotated[int, Meta(ge=1, le=3600)] = 20
    """How long running requests may take after that."""
    keep_alive_seconds: Annotated[int, Meta(ge=1, le=3600)] = 75

    def __post_init__(self) -> None:
        for name, key in (("SECRET_KEY", self.secret_key), ("SECRET_KEY_PREVIOUS", self.secret_key_previous)):
            if (key or name == "SECRET_KEY") and len(key.encode()) < MIN_SECRET_BYTES:
                raise ValueError(f"{name}: expected at least {MIN_SECRET_BYTES} bytes")
        if self.rate_limit and not _is_rate(self.rate_limit):
            raise ValueError("RATE_LIMIT: expected a rate such as 100/minute, or an empty value")
        if not _is_rate(self.login_rate_limit):
            raise ValueError("LOGIN_RATE_LIMIT: expected a rate such as 30/minute")
        if self.cache_url and not _is_store_url(self.cache_url):
            raise ValueError(
                "CACHE_URL: expected a URL such as redis://:password@host:6379/0, rediss:// or unix:///path"
            )
        try:
            _ = self.trusted_networks
        except ValueError as error:
            raise ValueError(
                f"TRUSTED_PROXIES: expected addresses, networks and names, separated by commas: {error}"
            ) from None
        if not all(_ORIGIN.fullmatch(origin) for origin in self.allowed_origins):
            raise ValueError("CORS_ORIGINS: expected origins such as https://app.example.org, separated by commas")

    @property
    def trusted_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The addresses and networks in `trusted_proxies`.

        Raises:
            ValueError: one of them is not valid.
        """
        return tuple(ip_network(each) for each in self._trusted if not _NAME.fullmatch(each))

    @property
    def trusted_names(self) -> tuple[str, ...]:
        """The names of hosts in `trusted_proxies`."""
        return tuple(each for each in self._trusted if _NAME.fullmatch(each))

    @property
    def _trusted(self) -> list[str]:
        return [each.strip() for each in self.trusted_proxies.split(",") if each.strip()]

    @property
    def allowed_origins(self) -> frozenset[str]:
        """The origins in `cors_origins`."""
        return frozenset(origin.strip() for origin in self.cors_origins.split(",") if origin.strip())

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, default_port: int) -> Self:
        """Read the settings. An empty value counts as not set. NAME_FILE may name a file that holds a secret.

        Raises:
            SettingsError: about the first setting that is missing or invalid.
        """
        given = {name: value for name, value in environment.items() if value}
        given |= {name: text for name in SECRETS if (text := _from_file(name, given))}
        try:
            return msgspec.convert({"PORT": default_port} | given, cls, strict=False)
        except msgspec.ValidationError as error:
            raise SettingsError(_in_one_line(error)) from None


def _from_file(name: str, given: Mapping[str, str]) -> str | None:
    """The secret in the file that NAME_FILE names, without the line break at its end."""
    path = given.get(f"{name}_FILE")
    if path is None:
        return None
    if name in given:
        raise SettingsError(f"{name}: {name}_FILE is set too: set only one of them")
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise SettingsError(f"{name}_FILE: cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{name}_FILE: {path} is not UTF-8") from None


def _is_rate(text: str) -> bool:
    try:
        return limits.parse(text).amount > 0
    except ValueError:
        return False


def _is_store_url(text: str) -> bool:
    from serving_core.runtime.redis_client import connection_pool  # imported lazily: only users of Redis pay for it

    try:
        connection_pool(text, timeout_seconds=1)
    except ValueError:
        return False
    return True


def _in_one_line(error: msgspec.ValidationError) -> str:
    """Turn msgspec's "Expected `int` >= 1 - at `$.WORKERS`" into "WORKERS: expected `int` >= 1"."""
    text, _, path = str(error).partition(" - at `$.")
    if path:
        return f"{path.rstrip('`')}: {text[0].lower()}{text[1:]}"
    if text.startswith("Object missing required field"):
        return f"{text.split('`')[1]}: not set"
    return text
