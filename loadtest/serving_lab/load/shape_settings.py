"""What a load shape takes from its environment, and what follows from it: users by time, and where a ramp ends."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from serving_lab.load.requests import Requests
from serving_lab.load.settings import Reader, SettingError

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


@dataclass(frozen=True)
class ShapeSettings:
    """Users and seconds of a shape, and the limits at which a ramp ends."""

    kind: Kind = Kind.NONE
    users: int = 100
    seconds: float = 300.0
    steps: int = 5
    max_failed_ratio: float = 0.01
    max_p99_seconds: float = 1.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "ShapeSettings":
        """Read the settings; an empty value counts as absent. Raises SettingError for the first one that is wrong."""
        reader = Reader(environment)
        name = reader.text("LOAD_SHAPE", Kind.NONE)
        if name not in list(Kind):
            raise SettingError(f"LOAD_SHAPE must be one of {', '.join(Kind)}, not {name!r}")
        return cls(
            kind=Kind(name),
            users=reader.count("LOAD_SHAPE_USERS", cls.users, maximum=1_000_000),
            seconds=reader.number("LOAD_SHAPE_SECONDS", cls.seconds, minimum=1, maximum=86_400),
            steps=reader.count("LOAD_SHAPE_STEPS", cls.steps, maximum=1000),
            max_failed_ratio=reader.number("LOAD_SHAPE_MAX_ERROR_SHARE", cls.max_failed_ratio, maximum=1),
            max_p99_seconds=reader.number("LOAD_SHAPE_MAX_P99_SECONDS", cls.max_p99_seconds, maximum=3600),
        )

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
