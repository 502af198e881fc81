"""What the load takes from its environment."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from serving_lab.errors import LabError
from serving_lab.text.settings import secret


class SettingError(ValueError):
    """A setting is missing or wrong; the message names it and says what is expected."""


@dataclass(frozen=True)
class LoadSettings:
    """Settings of the load.

    Think times are in seconds, drawn evenly between the two for each pause. ``repeat_share`` is the share of feature
    vectors taken from a fixed pool of ``repeat_pool_size``, so that a service's cache can answer them.
    ``websocket_share`` is the number of users of the new service's WebSocket for each user of its other endpoints.
    """

    flask_url: str
    fastapi_url: str
    username: str
    password: str
    think_time_min_seconds: float
    think_time_max_seconds: float
    websocket_share: float
    repeat_share: float
    repeat_pool_size: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "LoadSettings":
        """Read the settings; an empty value counts as absent. Raises SettingError for the first one that is wrong."""
        reader = Reader(environment)
        settings = cls(
            flask_url=reader.url("FLASK_URL", "http://127.0.0.1:5000"),
            fastapi_url=reader.url("FASTAPI_URL", "http://127.0.0.1:8000"),
            username=reader.text("API_USERNAME"),
            password=reader.secret("API_PASSWORD"),
            think_time_min_seconds=reader.number("THINK_TIME_MIN_SECONDS", 0.1, maximum=3600),
            think_time_max_seconds=reader.number("THINK_TIME_MAX_SECONDS", 0.5, maximum=3600),
            websocket_share=reader.number("WEBSOCKET_SHARE", 0, maximum=10),
            repeat_share=reader.number("REPEAT_SHARE", 0.5, maximum=1),
            repeat_pool_size=reader.count("REPEAT_POOL_SIZE", 500, maximum=1_000_000),
        )
        if settings.think_time_min_seconds > settings.think_time_max_seconds:
            raise SettingError("THINK_TIME_MIN_SECONDS must not be above THINK_TIME_MAX_SECONDS")
        return settings


@dataclass(frozen=True)
class Reader:
    """Reads settings from an environment, each with its default; every method raises SettingError."""

    environment: Mapping[str, str]

    def text(self, name: str, default: str | None = None) -> str:
        """Return a value that is not empty."""
        value = self.environment.get(name) or default
        if not value:
            raise SettingError(f"{name} is not set")
        return value

    def secret(self, name: str) -> str:
        """Return a value that is not empty, from the setting or from the file that NAME_FILE names."""
        try:
            return self.text(name, secret(name, self.environment))
        except LabError as error:
            raise SettingError(str(error)) from None

    def url(self, name: str, default: str) -> str:
        """Return the address of a service, without a slash at its end."""
        value = self.text(name, default).rstrip("/")
        try:
            parts = urlsplit(value)
            valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            valid = False
        if not valid:
            raise SettingError(f"{name} must be an http or https URL, not {value!r}")
        return value

    def number(self, name: str, default: float, *, maximum: float, minimum: float = 0) -> float:
        """Return a number between two others."""
        value = self.text(name, str(default))
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not minimum <= number <= maximum:
            raise SettingError(f"{name} must be a number from {minimum:g} to {maximum:g}, not {value!r}")
        return number

    def count(self, name: str, default: int, *, maximum: int) -> int:
        """Return a whole number from 1."""
        value = self.text(name, str(default))
        if not (value.isascii() and value.isdecimal() and 1 <= int(value) <= maximum):
            raise SettingError(f"{name} must be a whole number from 1 to {maximum}, not {value!r}")
        return int(value)
