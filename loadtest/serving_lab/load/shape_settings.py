"""What a load shape takes from its environment, and what follows from it: users by time, and where a ramp ends."""

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from serving_lab.load.requests import Requests
from serving_lab.text.settings import read

_SPIKE_BASE = 0.1
# A P99 of fewer requests is their slowest one.
_FEWEST_REQUESTS = 100


class Kind(StrEnum):
    """The shapes to choose from; `none` leaves it to the web UI or the command line."""

    NONE = "none"
    CONSTANT = "constant"
    STEP = "step"
    SPIKE = "spike"
    RAMP = "ramp"


_NAMES = {
    "kind": "LOAD_SHAPE",
    "users": "LOAD_SHAPE_USERS",
    "seconds": "LOAD_SHAPE_SECONDS",
    "steps": "LOAD_SHAPE_STEPS",
    "max_failed_ratio": "LOAD_SHAPE_MAX_ERROR_SHARE",
    "max_p99_seconds": "LOAD_SHAPE_MAX_P99_SECONDS",
}


class ShapeSettings(msgspec.Struct, frozen=True, rename=_NAMES):
    """Users and seconds of a shape, and the limits at which a ramp ends."""

    kind: Kind = Kind.NONE
    users: Annotated[int, Meta(ge=1, le=1_000_000)] = 100
    seconds: Annotated[float, Meta(ge=1, le=86_400)] = 300.0
    steps: Annotated[int, Meta(ge=1, le=1000)] = 5
    max_failed_ratio: Annotated[float, Meta(ge=0, le=1)] = 0.01
    max_p99_seconds: Annotated[float, Meta(ge=0, le=3600)] = 1.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "ShapeSettings":
        """Read the settings; an empty value counts as absent. Raises SettingError for the first one that is wrong."""
        return read(environment, cls)

    def users_at(self, second: float) -> int:
        """Return how many users there are at this second of the run.

        constant: all, all the time. step: as many more at each of the steps. spike: a tenth, all in the middle third,
        a tenth again. ramp: ever more, from the first to all at the end.
        """
        progress = min(second / self.seconds, 1.0)
        match self.kind:
            case Kind.STEP:
                step = min(int(progress * self.steps) + 1, self.steps)
                return math.ceil(self.users * step / self.steps)
            case Kind.SPIKE:
                return self.users if 1 / 3 <= progress < 2 / 3 else math.ceil(self.users * _SPIKE_BASE)
            case Kind.RAMP:
                return max(1, math.floor(self.users * progress))
            case _:
                return self.users

    def passed_limit(self, service: str, requests: Requests) -> str | None:
        """Return which limit these requests pass, in words; None where they pass none or are too few to tell."""
        if requests.count < _FEWEST_REQUESTS:
            return None
        if requests.failed_ratio > self.max_failed_ratio:
            return f"{service} failed {requests.failed_ratio:.1%} of its requests (limit {self.max_failed_ratio:.1%})"
        p99_seconds = requests.quantile_seconds(0.99)
        if p99_seconds > self.max_p99_seconds:
            return f"{service} had a P99 of {p99_seconds:.2f} s (limit {self.max_p99_seconds:g} s)"
        return None
