"""A service behind the gateway is replaced, and meanwhile somebody answers at every moment.

A second instance is started and takes the place of the first one. That one restarts and takes its place back, and the
second one ends. Whatever interrupts this, the next `restart`, `up`, or `down` ends the second instance.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from serving_lab.errors import LabError
from serving_lab.gateway.config import NEXT, RELAY, TAP
from serving_lab.gateway.control import Control
from serving_lab.stack.service import GATEWAY, Service

_Say = Callable[[str], None]


@dataclass(frozen=True)
class Challenger:
    """A second instance of a service that follows another alias of the model."""

    host: str
    """As the gateway reaches it."""
    port: int
    url: str
    """Base URL for this machine."""

    @property
    def inside_url(self) -> str:
        """Base URL for whatever runs beside the gateway."""
        return f"http://{self.host}:{self.port}"


class Instances(Protocol):
    """What a mode can do with the instances of a service. Everything raises LabError if it fails."""

    def start_next(self, service: Service) -> tuple[str, int]:
        """Start a second instance and wait until it is ready; host and port, as the gateway reaches it.

        Raises:
            LabError: it does not become ready; its log was shown.
        """

    def has_next(self, service: Service) -> bool:
        """Whether there is a second instance, running or not."""

    def end_next(self, service: Service) -> None:
        """Let it end what it has begun, and remove it."""

    def start_challenger(self, service: Service, alias: str) -> Challenger:
        """Start a second instance that follows this alias of the model, and wait until it is ready.

        Raises:
            LabError: it does not become ready; its log was shown.
        """

    def challenger(self) -> Challenger | None:
        """The one that was started; None where none runs."""

    def end_challenger(self) -> None:
        """Let it end what it has begun, and remove it; without one, nothing happens."""

    def restart(self, service: Service) -> None:
        """Restart the first instance, and wait until it is ready."""

    def ensure(self, service: Service) -> None:
        """Start the first instance if it does not run, and wait until it is ready."""

    def address(self, service: Service) -> str | None:
        """Where the first instance is, as host:port, if that changes; else None."""


class Updates:
    """Replaces services behind a running gateway."""

    def __init__(self, control: Control, instances: Instances, drain_seconds: float, say: _Say) -> None:
        """Take the gateway, the instances, and what tells people how it goes.

        `drain_seconds` is how long requests in flight are waited for before an instance is told to end. It waits for
        them itself then.
        """
        self._control = control
        self._instances = instances
        self._drain_seconds = drain_seconds
        self._say = say

    def restart(self, service: Service) -> None:
        """Replace a service.

        Raises:
            LabError: the new instance does not become ready; the message or its hint says who answers.
        """
        self._check_nothing_in_between()
        self.settle(service)
        following = f"{service.name}{NEXT}"
        try:
            host, port = self._instances.start_next(service)
            self._control.bring_in(service.name, host, port)
        except BaseException as error:
            self._remove_next(service)
            if isinstance(error, LabError):
                raise LabError(f"{error}. {service.name} goes on as it was", hint=error.hint) from error
            raise
        try:
            self._say(f"{following} answers while {service.name} restarts")
            self._take_out(service, service.name)
            self._instances.restart(service)
            self._switch_back(service)
        except KeyboardInterrupt:
            self.settle(service)
            raise
        except LabError as error:
            hint = f"{following} answers meanwhile. Fix it, then: make restart SERVICE={service.name}"
            raise LabError(str(error), hint=hint) from error

    def settle(self, service: Service) -> None:
        """Let the first instance of a service answer, and end the second one, whatever state they were left in."""
        disabled = self._control.server(service.name, service.name).disabled
        if disabled or self._instances.has_next(service):
            self._instances.ensure(service)
            self._switch_back(service)

    def _switch_back(self, service: Service) -> None:
        self._control.bring_back(service.name, self._instances.address(service))
        self._remove_next(service)

    def _remove_next(self, service: Service) -> None:
        self._take_out(service, f"{service.name}{NEXT}")
        if self._instances.has_next(service):
            self._instances.end_next(service)

    def _take_out(self, service: Service, server: str) -> None:
        self._control.disable(service.name, server)
        self._control.wait_until_idle(service.name, server, self._drain_seconds)

    def _check_nothing_in_between(self) -> None:
        for server in self._control.servers():
            if server.name in (TAP, RELAY) and server.up:
                raise LabError(
                    f"requests go through the {server.name} now, which knows each service by its own address",
                    hint="end the rollout first: lab rollout abort",
                )


def replace_behind(
    find: Callable[[], Updates | None], behind: Sequence[Service], names: Sequence[str], lock: Path, say: _Say
) -> list[str]:
    """Replace services behind the gateway, one after the other.

    Args:
        find: Returns what replaces them; None where no gateway is ready.
        behind: The services that the gateway knows.
        names: What is to be restarted, these and others.
        lock: A directory of the checkout.
        say: Tells people how it goes.

    Returns:
        What is left to be restarted in another way.

    Raises:
        LabError: a service could not be replaced.
    """
    if GATEWAY in names:
        say("The gateway restarts: requests to it are refused for a moment")
    wanted = [service for service in behind if service.name in names]
    if not wanted:
        return list(names)
    if (updates := find()) is None:
        say("No gateway is ready: whoever asks a service is refused while it restarts")
        return list(names)
    with _alone(lock):
        for service in wanted:
            updates.restart(service)
    return sorted(set(names) - {service.name for service in wanted})


def settle_behind(find: Callable[[], Updates | None], behind: Sequence[Service], lock: Path) -> None:
    """Undo what an interrupted restart has left.

    Raises:
        LabError: a first instance does not become ready.
    """
    if updates := find():
        with _alone(lock):
            for service in behind:
                updates.settle(service)


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Keep other processes from replacing services meanwhile.

    Raises:
        LabError: one does already.
    """
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise LabError("another make restart is at work", hint="wait until it ends") from None
    else:
        yield
    finally:
        os.close(descriptor)
