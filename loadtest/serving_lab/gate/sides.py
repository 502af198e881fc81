"""The two sides of a gate: services that run already, or that the gate starts itself, as programs or in containers."""

import http.client
import os
import secrets
import shlex
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from serving_lab.api import template
from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request
from serving_lab.errors import LabError
from serving_lab.gate.kept import Keeper
from serving_lab.stack import engine
from serving_lab.stack.engine import docker, inspected
from serving_lab.wire import exchange
from serving_lab.wire.ports import LOOPBACK, free_port

START_SECONDS = 60.0
"""How long a side may take until it is ready."""
_ASK_SECONDS = 5.0
_POLL_SECONDS = 0.05
_LAST_LINES = 5


class Side(Protocol):
    """One of two services."""

    @property
    def footprint(self) -> dict[str, Any] | None:
        """How `lab footprint` starts it, as a target of its file; None where it cannot."""

    def start(self, keeper: Keeper, output: Path) -> "Instance":
        """Start it; it need not be ready yet.

        Raises:
            LabError: it cannot be started.
        """


@dataclass(frozen=True)
class Instance:
    """A side that runs."""

    endpoint: Endpoint
    ended: Callable[[], str | None]
    """Says how it ended; None while it runs."""
    stop: Callable[[], None]
    pid: int | None = None
    """Its first process on this machine, where its address does not lead there."""
    is_ours: bool = True
    """Whether the gate started it, and may say where it runs."""


@dataclass(frozen=True)
class Elsewhere:
    """A service that somebody else runs."""

    endpoint: Endpoint

    @property
    def footprint(self) -> None:
        """Nobody here can start it."""

    def start(self, keeper: Keeper, output: Path) -> Instance:  # noqa: ARG002 - the signature of all sides
        """It runs already."""
        return Instance(self.endpoint, lambda: None, lambda: None, is_ours=False)


@dataclass(frozen=True)
class Program:
    """A program of this host; `${port}` in its words and its environment is where it is to listen."""

    words: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Program":
        """Return the program of a line as a shell would read it, without a shell's variables.

        Raises:
            LabError: it has no `${port}`, or is no such line.
        """
        try:
            words = tuple(shlex.split(text))
        except ValueError as error:
            raise LabError(f"{text!r} is not a command: {error}", hint="quote words as in a shell") from None
        if not any("${port}" in word for word in words):
            raise LabError(
                f"{text!r} does not say where the service is to listen",
                hint="write ${port} where its port stands, in single quotes: 'python app.py --port ${port}'",
            )
        return cls(words, Path.cwd())

    @property
    def footprint(self) -> dict[str, Any]:
        """The same command."""
        return {"command": self.words, "directory": str(self.directory), "environment": dict(self.environment)}

    def start(self, keeper: Keeper, output: Path) -> Instance:
        """Start it on a free port."""
        port = free_port()
        words, environment = template.fill([list(self.words), dict(self.environment)], {"port": str(port)})
        kept = keeper.start(
            words, {**os.environ, **environment}, self.directory, output, hint="is it installed, and on the PATH?"
        )

        def ended() -> str | None:
            code = kept.poll()
            return None if code is None else f"exit code {code}: {kept.last_words()}"

        return Instance(Endpoint.parse(f"http://{LOOPBACK}:{port}"), ended, kept.stop)


@dataclass(frozen=True)
class Image:
    """An image, started as it is."""

    name: str
    port: int
    """Where its container listens."""
    environment: Mapping[str, str] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    """Options with which its container is created."""

    @property
    def footprint(self) -> dict[str, Any]:
        """The same image."""
        return {"image": self.name, "port": self.port, "environment": dict(self.environment)}

    def start(self, keeper: Keeper, output: Path) -> Instance:
        """Start a container whose name the keeper knows beforehand."""
        container = f"lab-gate-{secrets.token_hex(6)}"
        remove = ["docker", "rm", "--force", "--volumes", container]
        keeper.ask("undo", container, remove)
        port = free_port()
        # Values by name alone: a command line is seen by all on this host.
        variables = [option for name in self.environment for option in ("--env", name)]
        published = ("--publish", f"{LOOPBACK}:{port}:{self.port}")
        command = ("create", "--pull", "never", "--name", container, *published, *self.limits, *variables, self.name)
        environment = {**os.environ, **self.environment}
        for words in (command, ("start", container)):
            keeper.run(["docker", *words], environment, Path.cwd(), output, f"docker pull {self.name}")
        return Instance(
            self._endpoint(container, port),
            lambda: _ended(container),
            lambda: _removed(keeper, container),
            engine.pid_here(container),
        )

    def _endpoint(self, container: str, published: int) -> Endpoint:
        """Where it answers: at its own address where that can be reached, because a proxy before it takes time."""
        if address := engine.address(container):
            own = Endpoint.parse(f"http://{address}:{self.port}")
            deadline = time.monotonic() + _ASK_SECONDS
            while time.monotonic() < deadline:
                try:
                    own.connect(1.0).close()
                except OSError:
                    time.sleep(_POLL_SECONDS)
                else:
                    return own
        return Endpoint.parse(f"http://{LOOPBACK}:{published}")


def exposed_port(image: str) -> int:
    """Return the port that an image says it listens on.

    Raises:
        LabError: the engine does not have it, or it does not name exactly one.
    """
    ports = [each for each in inspected("image", image)["Config"].get("ExposedPorts") or {} if each.endswith("/tcp")]
    if len(ports) != 1:
        raise LabError(f"{image} names {len(ports)} ports that it listens on", hint="--port N")
    return int(ports[0].partition("/")[0])


@contextmanager
def running(sides: Mapping[str, Side], keeper: Keeper, logs: Path, ready_path: str) -> Iterator[Mapping[str, Instance]]:
    """Start sides and wait until all are ready; after it they are ended.

    Where the block fails, the keeper ends them.

    Raises:
        LabError: one cannot be started, or is not ready in time.
    """
    instances = {name: side.start(keeper, logs / f"{name}.log") for name, side in sides.items()}
    for name, instance in instances.items():
        _wait_until_ready(name, instance, ready_path)
    yield instances
    for instance in instances.values():
        instance.stop()


def _wait_until_ready(name: str, instance: Instance, ready_path: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    said = "it does not answer"
    while time.monotonic() < deadline:
        if how := instance.ended():
            raise LabError(f"{name} ended while it started: {how}", hint="check that it starts by itself")
        try:
            status = exchange.send(instance.endpoint, Request("GET", ready_path), _ASK_SECONDS).status
        except LabError as error:
            said = str(error)
        else:
            if status == http.client.OK:
                return
            said = f"{ready_path} answers {status}"
        time.sleep(_POLL_SECONDS)
    raise LabError(
        f"{name} was not ready within {START_SECONDS:.0f} s: {said}", hint="--ready-path PATH, which answers 200"
    )


def _ended(container: str) -> str | None:
    state = inspected("container", container)["State"]
    if state["Running"]:
        return None
    return f"exit code {state['ExitCode']}: {' '.join(engine.last_lines(container, _LAST_LINES))}"


def _removed(keeper: Keeper, container: str) -> None:
    docker("rm", "--force", "--volumes", container, check=False)
    keeper.ask("undone", container)
