"""The five services of the stack: where each answers and how it says that it is ready."""

import http.client
import urllib.request
from dataclasses import dataclass

from lab.stack.environment import Settings

FLASK, FASTAPI, LOCUST, PROMETHEUS, GRAFANA = "flask-api", "fastapi-api", "locust", "prometheus", "grafana"
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

    def ready(self, timeout_seconds: float = 2.0) -> bool:
        """Whether the service says that it is ready."""
        try:
            with _OPENER.open(f"{self.url}{self.ready_path}", timeout=timeout_seconds) as response:
                return bool(response.status == http.client.OK)
        except (OSError, http.client.HTTPException):
            return False


def services(settings: Settings) -> list[Service]:
    """Return the services in the order they start."""
    table = (
        (FLASK, settings.flask_port, "FLASK_PORT", "/ready", 5000),
        (FASTAPI, settings.fastapi_port, "FASTAPI_PORT", "/ready", 8000),
        (LOCUST, settings.locust_port, "LOCUST_PORT", "/", 8089),
        (PROMETHEUS, settings.prometheus_port, "PROMETHEUS_PORT", "/-/ready", 9090),
        (GRAFANA, settings.grafana_port, "GRAFANA_PORT", "/api/health", 3000),
    )
    return [
        Service(name, port, setting, path, f"http://{settings.probe_address}:{port}", container_port)
        for name, port, setting, path, container_port in table
    ]
