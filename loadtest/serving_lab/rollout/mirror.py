"""The mirror of a rollout: `lab tap` between gateway and primary, and what its recording says of both services."""

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from serving_lab.errors import LabError
from serving_lab.gateway.config import RELAY, TAP
from serving_lab.gateway.control import Control
from serving_lab.gateway.observations import Observation
from serving_lab.gateway.tap_launcher import TapArguments, TapLauncher
from serving_lab.recordings import tap_file
from serving_lab.rollout.judge import ShadowView
from serving_lab.rollout.pairs import Pairs
from serving_lab.rollout.relay_control import RelayControl
from serving_lab.rollout.result import MirrorRecord
from serving_lab.text.phrases import some

_START_SECONDS = 15.0
_END_SECONDS = 5.0
_ENDING_SECONDS = 1.0
"""How long a tap that does not answer may take to be known to have ended."""
_IDLE_SECONDS = 3.0


class Shadow(Protocol):
    """Mirrored requests, as the conduct of a rollout sees them."""

    @property
    def warnings(self) -> Sequence[str]:
        """What a reader must know of them."""

    def view(self) -> ShadowView:
        """What they have shown so far."""

    def settle(self) -> None:
        """Judge again what may be noise by now."""

    def set_share(self, basis_points: int) -> None:
        """The share changes: open WebSockets follow it."""

    def record(self) -> MirrorRecord:
        """What was compared, for the result."""


@dataclass(frozen=True)
class TapPlan:
    """How a tap is started."""

    service: str
    """The primary, whose backend of the gateway sends its requests through the tap."""
    launcher: TapLauncher
    arguments: TapArguments
    log: Path = field(default=Path(os.devnull))


class Mirror:
    """A tap that runs, and a thread that reads what it records."""

    def __init__(
        self, control: Control, plan: TapPlan, pairs: Pairs, on_websocket: Callable[[Observation], None]
    ) -> None:
        """Take what it needs; `on_websocket` is told of each WebSocket that ended."""
        self._relay: RelayControl | None = None
        self._relayed: Iterable[Observation] = ()
        self._on_websocket = on_websocket
        self._listener = threading.Thread(target=self._listen, name="websockets", daemon=True)
        self._control = control
        self._plan = plan
        self._pairs = pairs
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._broken = ""
        self._thread = threading.Thread(target=self._read, name="mirror", daemon=True)

    @property
    def process(self) -> int | None:
        """The tap's process."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the tap, and let the primary's requests pass through it.

        Raises:
            LabError: it does not start, or the gateway does not take it.
        """
        plan = self._plan
        launcher, record = plan.launcher, plan.arguments.record
        record.unlink(missing_ok=True)
        with plan.log.open("ab") as log:
            self._process = launcher.start(plan.arguments, log)
        deadline = time.monotonic() + _START_SECONDS
        while not record.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.close()
                raise LabError("lab tap does not start", hint=f"{plan.log} says why")
            time.sleep(0.05)
        try:
            host = launcher.host()
            self._control.bring_in_server(plan.service, TAP, host, launcher.port)
            self._control.bring_in_server(RELAY, RELAY, host, launcher.relay_port)
            self._relay = RelayControl(host, launcher.relay_port)
            self._relayed = self._relay.observe()
        except LabError:
            self.close()
            raise
        self._thread.start()
        self._listener.start()

    def set_share(self, basis_points: int) -> None:
        """Tell the relay which WebSockets are the candidate's: those that are open on the wrong side come again."""
        if self._relay is None or self._process is None or self._dead():
            return
        try:
            self._relay.set_share(basis_points)
        except LabError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_ENDING_SECONDS)
            if not self._dead():  # else `view` says so
                raise

    def close(self) -> None:
        """Let the primary's requests go past it, and end it."""
        with contextlib.suppress(LabError):
            self._control.disable(RELAY, RELAY)
            self._control.disable(self._plan.service, TAP)
            self._control.wait_until_idle(self._plan.service, TAP, _IDLE_SECONDS)
        if self._process and self._process.poll() is None:
            self._plan.launcher.end(self._process)
        self._stopped.set()
        for thread in (self._thread, self._listener):
            if thread.is_alive():
                thread.join(_END_SECONDS)

    @property
    def warnings(self) -> Sequence[str]:
        """What a reader must know."""
        with self._lock:
            record = self._pairs.record()
        found = [self.view().dead] if self.view().dead and not self._stopped.is_set() else []
        if record.never_succeeded:
            found.append(f"never answered 2xx while it was mirrored: {some(record.never_succeeded)}")
        unsteady = [f"{cause.operation} {cause.what}" for cause in record.causes if cause.unsteady]
        if unsteady:
            found.append(f"the primary differs from itself too, so nothing is said of: {some(unsteady)}")
        unmirrored = sorted(record.never_mirrored)
        if unmirrored:
            found.append(f"never mirrored, because they may not be sent twice: {some(unmirrored)}")
        return found

    def view(self) -> ShadowView:
        """What was seen so far."""
        with self._lock:
            pairs = self._pairs
            return ShadowView(pairs.compared, pairs.causes, pairs.suspicions, pairs.missing, self._dead())

    def settle(self) -> None:
        """Judge again what may be noise by now."""
        with self._lock:
            self._pairs.settle()

    def record(self) -> MirrorRecord:
        """What was compared."""
        with self._lock:
            return self._pairs.record()

    def _dead(self) -> str:
        if self._broken:
            return f"the mirror's recording cannot be read: {self._broken}"
        if self._process is not None and self._process.poll() is not None:
            return f"lab tap ended (exit code {self._process.returncode}), so nothing is mirrored"
        return ""

    def _listen(self) -> None:
        for observation in self._relayed:
            self._on_websocket(observation)

    def _read(self) -> None:
        try:
            for tapped in tap_file.follow(self._plan.arguments.record, self._stopped.is_set):
                with self._lock:
                    self._pairs.add(tapped)
        except LabError as error:
            self._broken = str(error)


def end_left_over(
    control: Control, service: str, launcher: TapLauncher | None, process: int | None, record: Path
) -> None:
    """Let requests go past the tap of a rollout that was killed, and end it."""
    with contextlib.suppress(LabError):
        control.disable(service, TAP)
        control.disable(RELAY, RELAY)
    if launcher:
        launcher.end_left(process, record)
