"""The load that `make load` sends: how many users, how fast they come, and how long."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from serving_lab.errors import LabError
from serving_lab.load.settings import SettingError
from serving_lab.load.shape_settings import Kind, ShapeSettings

_DURATION = re.compile(r"(?=\d)(\d+h)?(\d+m)?(\d+s)?|\d+")


@dataclass(frozen=True)
class LocustRun:
    """A run of Locust without its web UI."""

    users: int
    spawn_rate: float
    """Users started a second."""
    duration: str
    """As Locust reads it: 30s, 5m, 1h, 1h30m."""
    processes: int = 0
    """Worker processes that share the users; 0: one process does everything."""
    shaped: bool = False
    """Whether LOAD_SHAPE says instead how many users there are when, and how long."""

    @classmethod
    def from_settings(
        cls, environment: Mapping[str, str], *, users: int | None, spawn_rate: float | None, duration: str | None
    ) -> "LocustRun":
        """Return what was asked for, and for the rest what the settings say.

        Raises:
            LabError: a setting is wrong, the duration is none, or a load shape is set and says otherwise.
        """
        try:
            shape = ShapeSettings.from_environment(environment).kind
        except SettingError as error:
            raise LabError(str(error), hint="change it in .env") from None
        if shape is not Kind.NONE and (users or spawn_rate or duration):
            raise LabError(
                f"LOAD_SHAPE is {shape}, and says itself how many users there are and how long",
                hint="leave out USERS, RATE and DURATION, or set LOAD_SHAPE=none",
            )
        load = cls(
            users=users or int(_positive(environment, "LOCUST_USERS")),
            spawn_rate=spawn_rate or _positive(environment, "LOCUST_SPAWN_RATE"),
            duration=duration or environment["LOAD_DURATION"],
            processes=int(environment["LOCUST_WORKERS"]),
            shaped=shape is not Kind.NONE,
        )
        if not _DURATION.fullmatch(load.duration) or not re.search("[1-9]", load.duration):
            raise LabError(f"{load.duration!r} is no duration: write 30s, 5m or 1h")
        return load

    @property
    def arguments(self) -> tuple[str, ...]:
        """Locust's options for it."""
        length = ("--users", str(self.users), "--spawn-rate", f"{self.spawn_rate:g}", "--run-time", self.duration)
        # Requests still open at the end are waited for, so that they count.
        processes = ("--processes", str(self.processes)) if self.processes else ()
        return ("--headless", *processes, *(() if self.shaped else length), "--stop-timeout", "10")


def _positive(environment: Mapping[str, str], name: str) -> float:
    text = environment[name]
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < float("inf"):
        raise LabError(f"{name} is {text!r}, and must be a number above 0", hint="change it in .env")
    return number
