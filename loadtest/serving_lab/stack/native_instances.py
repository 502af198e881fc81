"""Second instances of services on the host: further programs of supervisord, on ports that are free."""

import socket
from collections.abc import Mapping
from dataclasses import replace

import psutil
from rich.console import Console

from serving_lab.gateway.config import CHALLENGER, NEXT
from serving_lab.stack import native_wait
from serving_lab.stack.environment import Settings
from serving_lab.stack.programs import service_program
from serving_lab.stack.service import LOOPBACK, Service
from serving_lab.stack.supervisor import Program, Supervisor
from serving_lab.stack.updates import Challenger


class NativeInstances:
    """What `updates` does with the instances of services on the host."""

    def __init__(
        self, supervisor: Supervisor, settings: Settings, console: Console, services: Mapping[str, Service]
    ) -> None:
        self._supervisor = supervisor
        self._settings = settings
        self._console = console
        self._services = services

    def start_next(self, service: Service) -> tuple[str, int]:
        """Start a program like the service's on a free port."""
        name, port = _next(service), _free_port()
        self._start(service_program(self._settings, service.name, name, LOOPBACK, port), service, port)
        return LOOPBACK, port

    def has_next(self, service: Service) -> bool:
        """Whether supervisord knows one."""
        return any(process.name == _next(service) for process in self._supervisor.processes())

    def end_next(self, service: Service) -> None:
        """End it, which waits for what it has begun."""
        self._supervisor.remove(_next(service))

    def start_challenger(self, service: Service, alias: str) -> Challenger:
        """Start a program like the service's on a free port, which follows this alias."""
        port = _free_port()
        program = service_program(self._settings, service.name, CHALLENGER, LOOPBACK, port)
        followed = replace(program, environment={**program.environment, "MODEL_ALIAS": alias})
        self._start(followed, service, port)
        return _challenger(port)

    def challenger(self) -> Challenger | None:
        """The program that runs; its environment says where it listens."""
        pid = next((each.pid for each in self._supervisor.processes() if each.name == CHALLENGER), 0)
        return _challenger(int(psutil.Process(pid).environ()["PORT"])) if pid else None

    def end_challenger(self) -> None:
        """End it, which waits for what it has begun."""
        self._supervisor.remove(CHALLENGER)

    def restart(self, service: Service) -> None:
        """Restart the service's own program."""
        self._supervisor.restart([service.name])
        self._wait(service.name, service)

    def ensure(self, service: Service) -> None:
        """Start it if it is over."""
        self._supervisor.start_stopped(service.name)
        self._wait(service.name, service)

    def address(self, service: Service) -> str | None:  # noqa: ARG002 - the signature of all modes
        """Nothing: on the host it stays where it is."""
        return None

    def _start(self, program: Program, service: Service, port: int) -> None:
        self._supervisor.add(program, service.name)
        url = f"http://{LOOPBACK}:{port}"
        self._wait(program.name, Service(program.name, port, "", service.ready_path, url))

    def _wait(self, name: str, service: Service) -> None:
        native_wait.wait(self._supervisor, self._console, [name], {**self._services, name: service})


def _next(service: Service) -> str:
    return f"{service.name}{NEXT}"


def _challenger(port: int) -> Challenger:
    return Challenger(LOOPBACK, port, f"http://{LOOPBACK}:{port}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        port: int = listener.getsockname()[1]
        return port
