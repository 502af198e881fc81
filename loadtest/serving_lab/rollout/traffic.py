"""Moves traffic at the gateway, and measures how long it takes to take it back."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from serving_lab.errors import LabError
from serving_lab.gateway.config import NEXT
from serving_lab.gateway.control import Control, ServerState

_DRAIN_SECONDS = 0.5
"""How long requests at the candidate may take to end by themselves, once it gets no more of them."""
_GONE_SECONDS = 2.0
_LOOK_SECONDS = 0.02
_PATIENCE_SECONDS, _RETRY_SECONDS = 5.0, 0.5


@dataclass(frozen=True)
class TakenBack:
    """How the candidate was left without requests."""

    seconds: float
    """Until the last request there had ended."""
    ended: int
    """Requests and WebSockets that were broken off."""


class Traffic:
    """The share of the candidate."""

    def __init__(self, control: Control, candidate: str) -> None:
        self._control = control
        self._candidate = candidate
        self._servers = frozenset({candidate, candidate + NEXT})

    def dead(self) -> str:
        """Why the candidate gets no requests although it should; empty: it may get them.

        Raises:
            LabError: the gateway does not answer.
        """
        own = self._own()
        if any(state.up for state in own):
            return ""
        return f"the gateway finds {self._candidate} not ready: {own[0].status if own else 'it does not know it'}"

    def changed(self, share: int) -> str:
        """Why the candidate has not this share, in basis points; empty: it has.

        Raises:
            LabError: the gateway does not answer.
        """
        now, who = self._control.share(), self._control.candidate()
        if (now, who) == (share, self._candidate):
            return ""
        return f"somebody else changed the share: {now / 100:g}% of the users are at {who}"

    def give(self, share: int) -> None:
        """Let the candidate have this share, in basis points.

        Raises:
            LabError: the gateway does not answer.
        """
        self._control.choose(self._candidate)
        self._control.set_share(share)

    def take_back(self, follow: Callable[[int], None] = lambda _: None) -> TakenBack:
        """Let the candidate have nothing more, and end what it still has; `follow` is told the share.

        Raises:
            LabError: the gateway does not answer within some seconds.
        """
        began = time.monotonic()
        while True:
            try:
                self._control.set_share(0)
                break
            except LabError:
                if time.monotonic() - began > _PATIENCE_SECONDS:
                    raise
                time.sleep(_RETRY_SECONDS)
        with contextlib.suppress(LabError):
            follow(0)  # A relay that does not answer has ended, and its WebSockets with it.
        self._wait(began + _DRAIN_SECONDS)
        broken = 0
        for name, sessions in self._busy():
            broken += sessions
            self._control.end_sessions(self._candidate, name)
        self._wait(time.monotonic() + _GONE_SECONDS)
        return TakenBack(time.monotonic() - began, broken)

    def _wait(self, deadline: float) -> None:
        while self._busy() and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)

    def _busy(self) -> list[tuple[str, int]]:
        """The candidate's servers that have requests, with how many."""
        return [(state.name, state.sessions) for state in self._own() if state.sessions]

    def _own(self) -> list[ServerState]:
        """The candidate's servers; its backend has the primary too, for when it cannot be reached."""
        states = self._control.servers()
        return [state for state in states if state.backend == self._candidate and state.name in self._servers]
