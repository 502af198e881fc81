"""What must hold before the stack can come up; each check names what is wrong and how to fix it."""

import errno
import os
import shutil
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil

from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack.environment import Settings
from serving_lab.stack.service import (
    GATEWAY,
    GRAFANA,
    LOCUST,
    LOOPBACK,
    MODEL_SYNC,
    PROMETHEUS,
    REDIS,
    REGISTRY,
    Service,
)

_MIB, _GIB = 1 << 20, 1 << 30

# Measured at rest and under load, then rounded up: what a program needs, and what each worker of a service adds.
_TARGET_BYTES = 120 * _MIB
_OWN_BYTES = {
    LOCUST: 150 * _MIB,
    PROMETHEUS: 150 * _MIB,
    GRAFANA: 250 * _MIB,
    REDIS: 20 * _MIB,
    REGISTRY: 500 * _MIB,
    MODEL_SYNC: 60 * _MIB,
    GATEWAY: 50 * _MIB,
}
_WORKER_BYTES = 50 * _MIB


class Outcome(StrEnum):
    """How a check went; `up` refuses to start on a failure."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Check:
    """One thing that was checked."""

    subject: str
    outcome: Outcome
    detail: str
    hint: str | None = None


def require(checks: Iterable[Check]) -> None:
    """Raise LabError for the first check that failed."""
    for check in checks:
        if check.outcome is Outcome.FAIL:
            raise LabError(f"{check.subject}: {check.detail}", hint=check.hint)


def check_writable(project: Project) -> Check:
    """Whether this user may write into the checkout."""
    if os.access(project.root, os.W_OK):
        return Check("checkout", Outcome.OK, str(project.root))
    return Check("checkout", Outcome.FAIL, f"{project.root} cannot be written to", f"chown -R $(id -un) {project.root}")


def check_ports(settings: Settings, wanted: Iterable[Service]) -> list[Check]:
    """Whether each port is free, and no two services want the same."""
    taken: dict[int, Service] = {}
    checks = []
    for service in wanted:
        if service.port in taken:
            detail = f"{taken[service.port].port_setting} and {service.port_setting} are both set to it"
            hint = f"set {service.port_setting} to another port in .env"
            checks.append(Check(f"port {service.port}", Outcome.FAIL, detail, hint))
        else:
            taken[service.port] = service
            checks.append(_check_port(settings.bind_address, service))
    return checks


def check_master_port(settings: Settings) -> Check:
    """Whether the port is free at which Locust's workers find their master."""
    return _check_own_port(LOCUST, settings.locust_master_port, "LOCUST_MASTER_PORT")


def check_metrics_port(settings: Settings) -> Check:
    """Whether the port is free at which the gateway on the host says how it is."""
    return _check_own_port(GATEWAY, settings.gateway_metrics_port, "GATEWAY_METRICS_PORT")


def check_control_port(settings: Settings) -> Check:
    """Whether the port is free at which the gateway's container is controlled."""
    return _check_own_port(GATEWAY, settings.gateway_control_port, "GATEWAY_CONTROL_PORT")


def check_memory(available_bytes: int, wanted: Iterable[Service], workers: int, load_workers: int = 0) -> Check:
    """Whether there is memory for these services, with their workers and those of Locust."""
    target_bytes = _TARGET_BYTES + workers * _WORKER_BYTES
    needed = sum(_OWN_BYTES.get(service.name, target_bytes) for service in wanted)
    needed += load_workers * _OWN_BYTES[LOCUST]
    detail = f"{available_bytes / _GIB:.1f} GiB available, about {needed / _GIB:.1f} GiB will be used"
    if available_bytes < needed:
        hint = f"end other programs, or set WORKERS (now {workers}) to a smaller number in .env"
        return Check("memory", Outcome.FAIL, detail, hint)
    return Check("memory", Outcome.OK, detail)


def check_disk(directory: Path, needed_bytes: int, hint: str) -> Check:
    """Whether the disk under a directory has room."""
    free = shutil.disk_usage(directory).free
    detail = f"{free / _GIB:.1f} GiB free under {directory}, about {needed_bytes / _GIB:.1f} GiB will be used"
    return Check("disk", Outcome.OK if free >= needed_bytes else Outcome.FAIL, detail, hint)


def _check_own_port(name: str, port: int, setting: str) -> Check:
    """Whether a port is free that only this machine reaches."""
    return _check_port(LOOPBACK, Service(name, port, setting, "", ""))


def _check_port(bind_address: str, service: Service) -> Check:
    subject = f"port {service.port}"
    try:
        family, *_, address = socket.getaddrinfo(bind_address, service.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the services do: ignores TIME_WAIT
            listener.bind(address)
            listener.listen(1)
    except OSError as error:
        return Check(subject, Outcome.FAIL, *_port_problem(error, bind_address, service))
    return Check(subject, Outcome.OK, f"free for {service.name} ({service.port_setting})")


def _port_problem(error: OSError, bind_address: str, service: Service) -> tuple[str, str]:
    if error.errno == errno.EADDRINUSE:
        detail = f"{service.name} needs it, and {_holder(service.port)} has it"
        return detail, f"stop it, or set {service.port_setting} to a free port in .env"
    if error.errno == errno.EACCES:
        return "ports below 1024 need root", f"set {service.port_setting} to a higher port in .env"
    detail = f"BIND_ADDRESS {bind_address!r} is not an address of this machine ({error.strerror})"
    return detail, "set BIND_ADDRESS to 127.0.0.1 in .env"


def _holder(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
            if listens and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        pass  # macOS shows connections to root alone
    return "a process of another user"
