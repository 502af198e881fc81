"""The configuration that Prometheus and Grafana read: the project's own, with what the catalogue and the mode add."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from serving_lab.project import Project
from serving_lab.stack import dashboards, private_file
from serving_lab.stack.environment import Settings
from serving_lab.stack.service import LOCUST, PROMETHEUS, Service
from serving_lab.stack.services import services

_FOR_ALL = 0o644  # in a container it is a user of the container who reads the file


def write(project: Project, settings: Settings, directory: Path, address: Callable[[Service], str]) -> None:
    """Write the configuration, as monitoring/README.md describes it.

    A file that is right already stays as it is, and no directory is replaced: a container may have it mounted.

    Args:
        project: The checkout whose configuration it is.
        settings: Which services run.
        directory: Where it goes.
        address: Where Prometheus reaches a service, as host:port.

    Raises:
        LabError: a file cannot be written.
    """
    source = project.monitoring / "prometheus"
    rules = {path.name: path.read_text(encoding="utf-8") for path in (source / "rules").glob("*.yml")}
    prometheus = directory / "prometheus"
    _mirror(prometheus, {"prometheus.yml": (source / "prometheus.yml").read_text(encoding="utf-8")})
    _mirror(prometheus / "rules", rules)
    _mirror(prometheus / "targets", _targets(settings, address))
    _mirror(directory / "grafana" / "dashboards", dashboards.coloured(project.dashboards, settings.running.entries))


def _targets(settings: Settings, address: Callable[[Service], str]) -> dict[str, str]:
    here = {service.name: address(service) for service in services(settings)}
    under_test = [
        {
            "targets": [here[entry.name]],
            "labels": {"service": entry.name, "label": entry.label, "role": entry.role},
        }
        for entry in settings.running.entries
    ]
    own = {name: [{"targets": [here[name]]}] for name in (LOCUST, PROMETHEUS)}
    return {f"{job}.json": json.dumps(groups) for job, groups in {"services": under_test, **own}.items()}


def _mirror(directory: Path, files: Mapping[str, str]) -> None:
    """Let a directory have these files and no others."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)
    for path in directory.iterdir():
        if path.is_file() and path.name not in files:
            path.unlink()
    for name, text in files.items():
        path = directory / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            private_file.write(path, text, mode=_FOR_ALL)
