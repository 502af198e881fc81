"""One service of the stack: where it answers, and how it says that it is ready."""

import http.client
import socket
import urllib.request
from dataclasses import dataclass

from serving_lab.gateway.config import CHALLENGER

LOCUST, PROMETHEUS, GRAFANA, REDIS, GATEWAY = "locust", "prometheus", "grafana", "redis", "gateway"
REGISTRY, MODEL_SYNC = "registry", "model-sync"
"""The registry of models, and what lays down for the services which of them serves."""
LOCUST_WORKER = "locust-worker"
"""The name that Locust's workers share; each has a number behind it. They listen on no port."""
TAP = "tap"
"""It runs only while a rollout mirrors traffic."""
OF_THE_LAB = (REDIS, REGISTRY, MODEL_SYNC, TAP, CHALLENGER, GATEWAY, LOCUST, LOCUST_WORKER, PROMETHEUS, GRAFANA)
"""The services that are not under test."""
LOOPBACK = "127.0.0.1"

# The stack is on this machine: a proxy for the outside must not be asked.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Service:
    """One service, the same in containers and on the host."""

    name: str
    port: int
    port_setting: str
    ready_path: str
    url: str
    container_port: int = 0
    """Where it listens in its container, as compose.yaml says."""
    published: bool = True
    """Whether its container's port is this machine's too."""

    @property
    def container_address(self) -> str:
        """Where other containers reach it: its name and its own port."""
        return f"{self.name}:{self.container_port}"

    @property
    def container_url(self) -> str:
        """Its base URL for other containers."""
        return f"http://{self.container_address}"

    def ready(self, timeout_seconds: float = 2.0) -> bool:
        """Whether the service says that it is ready."""
        return _is_ok(f"{self.url}{self.ready_path}", timeout_seconds)


@dataclass(frozen=True)
class RedisService(Service):
    """Redis, which does not speak HTTP."""

    @property
    def container_url(self) -> str:
        """Its URL for other containers."""
        return f"redis://{self.container_address}/0"

    def ready(self, timeout_seconds: float = 2.0) -> bool:
        """Whether it answers a ping."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout_seconds) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


@dataclass(frozen=True)
class GatewayService(Service):
    """The gateway, whose own port answers with the services behind it."""

    metrics_port: int = 0
    """Where it speaks for itself, on this machine alone."""

    def ready(self, timeout_seconds: float = 2.0) -> bool:
        """Whether it runs, whatever the services behind it do."""
        return _is_ok(f"http://{LOOPBACK}:{self.metrics_port}{self.ready_path}", timeout_seconds)


def _is_ok(url: str, timeout_seconds: float) -> bool:
    try:
        with _OPENER.open(url, timeout=timeout_seconds) as response:
            return bool(response.status == http.client.OK)
    except (OSError, http.client.HTTPException):
        return False


def host_port(host: str, port: int) -> str:
    """An address as programs are given it."""
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


def without_number(name: str) -> str:
    """The service that a program or container belongs to: only workers have a number behind it."""
    return LOCUST_WORKER if name.startswith(f"{LOCUST_WORKER}-") else name
