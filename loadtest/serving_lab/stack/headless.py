"""The load that `make load` sends: how many users, how fast they come, and how long."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from serving_lab.errors import LabError
from serving_lab.load.shape_settings import Kind, ShapeSettings
from serving_lab.text import settings
from serving_lab.text.settings import Text

_DURATION = re.compile(r"(?=\d)(\d+h)?(\d+m)?(\d+s)?|\d+")


class _Form(msgspec.Struct, frozen=True, kw_only=True, rename="upper"):
    locust_users: Annotated[int, Meta(ge=1)]
    locust_spawn_rate: Annotated[float, Meta(gt=0)]
    load_duration: Text
    locust_workers: Annotated[int, Meta(ge=0)]


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
        """What was asked for, and for the rest what the settings say.

        Raises:
            LabError: a setting is wrong, the duration is not one, or a load shape is set and says otherwise.
        """
        shape = ShapeSettings.from_environment(environment).kind
        if shape is not Kind.NONE and (users or spawn_rate or duration):
            raise LabError(
                f"LOAD_SHAPE is {shape}, and says itself how many users there are and how long",
                hint="leave out USERS, RATE and DURATION, or set LOAD_SHAPE=none",
            )
        form = settings.read(environment, _Form)
        load = cls(
            users=users or form.locust_users,
            spawn_rate=spawn_rate or form.locust_spawn_rate,
            duration=duration or form.load_duration,
            processes=form.locust_workers,
            shaped=shape is not Kind.NONE,
        )
        if not _DURATION.fullmatch(load.duration) or not re.search("[1-9]", load.duration):
            raise LabError(f"{load.duration!r} is not a duration: write 30s, 5m or 1h")
        return load

    @property
    def arguments(self) -> tuple[str, ...]:
        """Locust's options for it."""
        length = ("--users", str(self.users), "--spawn-rate", f"{self.spawn_rate:g}", "--run-time", self.duration)
        # Requests still open at the end are waited for, so that they count.
        processes = ("--processes", str(self.processes)) if self.processes else ()
        return ("--headless", *processes, *(() if self.shaped else length), "--stop-timeout", "10")
