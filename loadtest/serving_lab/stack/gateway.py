"""The gateway of the stack: what HAProxy is told in each mode, and where its runtime socket is."""

import sys
from pathlib import Path

from serving_lab.gateway.config import GatewayPlan, GatewayServer, configuration, maps
from serving_lab.gateway.control import Control
from serving_lab.project import Project
from serving_lab.stack import private_file
from serving_lab.stack.environment import Settings
from serving_lab.stack.service import GATEWAY, LOOPBACK, host_port
from serving_lab.stack.services import gateway_service, targets

CONFIGURATION = "haproxy.cfg"
METRICS_PORT, CONTROL_PORT = 8404, 8405
"""In its container, as compose.yaml says."""
OWN_ADDRESS = "127.0.0.2"
"""Where the gateway on the host calls services from: they believe X-Forwarded-For of this address alone."""

_SOCKET = f"{GATEWAY}.sock"
_IN_CONTAINER = "/usr/local/etc/haproxy"


def plan_on_host(project: Project, settings: Settings) -> GatewayPlan:
    """What the gateway is told on the host. Its paths are relative to the checkout: not every path can be quoted."""
    services = tuple(
        GatewayServer(each.name, host_port(settings.probe_address, each.port)) for each in targets(settings)
    )
    return GatewayPlan(
        listen=host_port(settings.bind_address, gateway_service(settings).port),
        metrics=f"{LOOPBACK}:{settings.gateway_metrics_port}",
        control=f"unix:{_socket(project).relative_to(project.root)}",
        services=services,
        candidate=_candidate(services),
        maps=str((project.config_dir / GATEWAY).relative_to(project.root)),
        source=own_address(settings),
        user_cookie=settings.gateway_user_cookie,
    )


def plan_in_containers(settings: Settings) -> GatewayPlan:
    """What the gateway is told in its container."""
    services = tuple(GatewayServer(each.name, each.container_address) for each in targets(settings))
    return GatewayPlan(
        listen=f"0.0.0.0:{gateway_service(settings).container_port}",
        metrics=f"0.0.0.0:{METRICS_PORT}",
        control=f"tcp:0.0.0.0:{CONTROL_PORT}",
        services=services,
        candidate=_candidate(services),
        maps=_IN_CONTAINER,
        resolve=True,
        user_cookie=settings.gateway_user_cookie,
    )


def own_address(settings: Settings) -> str | None:
    """The address that only the gateway on the host calls from; None where there is no such address."""
    # Every address of 127.0.0.0/8 is this machine's on Linux. macOS has one of them, and IPv6 has one in all.
    return OWN_ADDRESS if sys.platform == "linux" and ":" not in settings.bind_address else None


def control_on_host(project: Project) -> Control:
    """The runtime socket of the gateway on the host."""
    return Control(f"unix:{_socket(project)}")


def control_in_containers(settings: Settings) -> Control:
    """The runtime socket of the gateway in its container."""
    return Control(f"tcp:{LOOPBACK}:{settings.gateway_control_port}")


def write(plan: GatewayPlan, directory: Path) -> Path:
    """Write the configuration to a directory, and return its file. A file that is right already stays as it is.

    Raises:
        LabError: a file cannot be written.
    """
    own = directory / GATEWAY
    private_file.mirror(own, {CONFIGURATION: configuration(plan), **maps(plan)})
    return own / CONFIGURATION


def outdated(directory: Path, started: float) -> bool:
    """Whether the configuration was written again after the gateway was started (seconds since 1970)."""
    files = (directory / GATEWAY).iterdir()
    return any(int(path.stat().st_mtime) > started for path in files)


def _socket(project: Project) -> Path:
    return project.run_dir / _SOCKET


def _candidate(services: tuple[GatewayServer, ...]) -> str:
    """The first one, until somebody chooses another; the primary where there is none."""
    return services[min(1, len(services) - 1)].name
