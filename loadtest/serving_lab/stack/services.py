"""The services of the stack: where each answers and how it says that it is ready."""

from __future__ import annotations

import http.client
import socket
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from serving_lab.stack.environment import Settings

FLASK, FASTAPI, LOCUST, PROMETHEUS, GRAFANA = "flask-api", "fastapi-api", "locust", "prometheus", "grafana"
REDIS = "redis"
LOOPBACK = "127.0.0.1"
LOCUST_WORKER = "locust-worker"
"""What Locust's workers are called together; each has a number behind it. They listen on no port."""

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
    def container_url(self) -> str:
        """Where other containers reach it: by its name, at its own port."""
        return f"http://{self.name}:{self.container_port}"

    def ready(self, timeout_seconds: float = 2.0) -> bool:
        """Whether the service says that it is ready."""
        try:
            with _OPENER.open(f"{self.url}{self.ready_path}", timeout=timeout_seconds) as response:
                return bool(response.status == http.client.OK)
        except (OSError, http.client.HTTPException):
            return False


@dataclass(frozen=True)
class RedisService(Service):
    """Redis, which speaks no HTTP."""

    @property
    def container_url(self) -> str:
        """Where other containers reach it."""
        return f"redis://{self.name}:{self.container_port}/0"

    def ready(self, timeout_seconds: float = 2.0) -> bool:
        """Whether it answers a ping."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout_seconds) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def services(settings: Settings) -> list[Service]:
    """Return the services that the settings ask for, in the order they start."""
    return [service for service in known_services(settings) if settings.with_redis or service.name != REDIS]


def known_services(settings: Settings) -> list[Service]:
    """Return all services that there may be, such as those that other settings have started."""
    table = (
        (FLASK, settings.flask_port, "FLASK_PORT", "/ready", 5000),
        (FASTAPI, settings.fastapi_port, "FASTAPI_PORT", "/ready", 8000),
        (LOCUST, settings.locust_port, "LOCUST_PORT", "/", 8089),
        (PROMETHEUS, settings.prometheus_port, "PROMETHEUS_PORT", "/-/ready", 9090),
        (GRAFANA, settings.grafana_port, "GRAFANA_PORT", "/api/health", 3000),
    )
    return [
        redis_service(settings),
        *(
            Service(name, port, setting, path, f"http://{settings.probe_address}:{port}", container_port)
            for name, port, setting, path, container_port in table
        ),
    ]


def redis_service(settings: Settings) -> RedisService:
    """Return the lab's Redis, which listens on this machine alone."""
    port = settings.redis_port
    return RedisService(REDIS, port, "REDIS_PORT", "", f"redis://{LOOPBACK}:{port}/0", 6379, published=False)
