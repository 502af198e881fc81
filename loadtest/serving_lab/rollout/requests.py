"""The requests of one slice during a stage, in columns: thousands are judged at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Codes = NDArray[np.int64]
Marks = NDArray[np.bool_]

_SHORTEST_MS = 1e-3


@dataclass(frozen=True)
class Columns:
    """Requests of one slice; all columns have the same length."""

    at: Numbers
    """Seconds since the stage began, when each ended."""
    log_ms: Numbers
    """ln of the milliseconds each took."""
    failed: Marks
    user: Codes
    """The bucket of the gateway that its user is in."""
    operation: Codes
    """Of `METHOD /path template`, numbered alike on both sides."""
    websocket: Marks

    @classmethod
    def of(
        cls,
        at: Sequence[float],
        ms: Sequence[float],
        failed: Sequence[bool],
        user: Sequence[int],
        operation: Sequence[int],
        websocket: Sequence[bool],
    ) -> Self:
        """Make them from plain values."""
        return cls(
            np.asarray(at, dtype=np.float64),
            np.log(np.maximum(np.asarray(ms, dtype=np.float64), _SHORTEST_MS)),
            np.asarray(failed, dtype=np.bool_),
            np.asarray(user, dtype=np.int64),
            np.asarray(operation, dtype=np.int64),
            np.asarray(websocket, dtype=np.bool_),
        )

    @classmethod
    def none(cls) -> Self:
        """No requests."""
        return cls.of([], [], [], [], [], [])

    def __len__(self) -> int:
        return len(self.at)

    def where(self, chosen: Marks) -> Self:
        """Those that are marked."""
        return type(self)(
            self.at[chosen],
            self.log_ms[chosen],
            self.failed[chosen],
            self.user[chosen],
            self.operation[chosen],
            self.websocket[chosen],
        )

    @property
    def timed(self) -> Self:
        """Those whose time says how fast the service is: answered, and no connection that stays open."""
        return self.where(~self.failed & ~self.websocket)

    @property
    def users(self) -> int:
        """How many buckets have sent any."""
        return len(np.unique(self.user))


def stretched(columns: Columns, factor: float) -> Columns:
    """The same as if they had come in a time that is so much longer: another stage is cut into as many blocks."""
    return replace(columns, at=columns.at * factor)


@dataclass
class Growing:
    """The same while requests come in."""

    at: list[float] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)
    failed: list[bool] = field(default_factory=list)
    user: list[int] = field(default_factory=list)
    operation: list[int] = field(default_factory=list)
    websocket: list[bool] = field(default_factory=list)

    def add(self, *, at: float, ms: float, failed: bool, user: int, operation: int, websocket: bool) -> None:
        """Add a request."""
        self.ms.append(ms)
        self.failed.append(failed)
        self.user.append(user)
        self.operation.append(operation)
        self.websocket.append(websocket)
        # Last: a reader takes as many as this column has, while another thread adds.
        self.at.append(at)

    def columns(self) -> Columns:
        """Those so far."""
        n = len(self.at)
        return Columns.of(
            self.at[:n], self.ms[:n], self.failed[:n], self.user[:n], self.operation[:n], self.websocket[:n]
        )
