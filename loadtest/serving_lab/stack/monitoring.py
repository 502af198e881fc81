"""The configuration that Prometheus and Grafana read: the project's own, with what the catalogue and the mode add."""

import json
from collections.abc import Callable
from pathlib import Path

from serving_lab.project import Project
from serving_lab.stack import dashboards, private_file
from serving_lab.stack.environment import Settings
from serving_lab.stack.service import GATEWAY, LOCUST, MODEL_SYNC, PROMETHEUS, Service
from serving_lab.stack.services import services


def write(
    project: Project,
    settings: Settings,
    directory: Path,
    address: Callable[[Service], str],
    gateway: str | None = None,
) -> None:
    """Write the configuration, as monitoring/README.md describes it.

    A file that is right already stays as it is, and no directory is replaced: a container may have it mounted.

    Args:
        project: The checkout whose configuration it is.
        settings: Which services run.
        directory: Where it goes.
        address: Where Prometheus reaches a service, as host:port.
        gateway: Where it reaches the gateway's metrics; None where there is no gateway.

    Raises:
        LabError: a file cannot be written.
    """
    source = project.monitoring / "prometheus"
    rules = {path.name: path.read_text(encoding="utf-8") for path in (source / "rules").glob("*.yml")}
    prometheus = directory / "prometheus"
    private_file.mirror(prometheus, {"prometheus.yml": (source / "prometheus.yml").read_text(encoding="utf-8")})
    private_file.mirror(prometheus / "rules", rules)
    private_file.mirror(prometheus / "targets", _targets(settings, address, gateway))
    private_file.mirror(
        directory / "grafana" / "dashboards", dashboards.coloured(project.dashboards, settings.running.entries)
    )


def _targets(settings: Settings, address: Callable[[Service], str], gateway: str | None) -> dict[str, str]:
    here = {service.name: address(service) for service in services(settings)}
    under_test = [
        {
            "targets": [here[entry.name]],
            "labels": {"service": entry.name, "label": entry.label, "role": entry.role},
        }
        for entry in settings.running.entries
    ]
    own = {name: [{"targets": [here[name]]}] for name in (LOCUST, PROMETHEUS)}
    own[GATEWAY] = [{"targets": [gateway]}] if gateway else []
    own[MODEL_SYNC] = [{"targets": [here[MODEL_SYNC]]}] if MODEL_SYNC in here else []
    return {f"{job}.json": json.dumps(groups) for job, groups in {"services": under_test, **own}.items()}
