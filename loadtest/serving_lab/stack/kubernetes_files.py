"""What `make up MODE=kubernetes` applies: the manifests in deploy/kubernetes, with the settings of this checkout."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import yaml

from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack import private_file
from serving_lab.stack.environment import Settings
from serving_lab.stack.kubectl import NAMESPACE
from serving_lab.stack.secrets import SECRETS
from serving_lab.stack.service import LOCUST
from serving_lab.stack.services import redis_service

CREDENTIALS = "credentials"
_MANIFESTS = Path("deploy", "kubernetes")
_SETTINGS = {
    "services": _MANIFESTS / "base" / "settings.env",
    "load": _MANIFESTS / "components" / "load" / "settings.env",
}
"""Which settings go where: by the name of the ConfigMap, the file that has their defaults."""
_IMAGES = _MANIFESTS / "components" / "images"


def namespace_file(project: Project) -> Path:
    """What makes the namespace."""
    return project.root / _MANIFESTS / "base" / "namespace.yaml"


def pushed_images(project: Project) -> bool:
    """Whether `make images-push` has written where the images are.

    Raises:
        LabError: its file cannot be read.
    """
    return bool(_yaml(project.root / _IMAGES / "kustomization.yaml").get("images"))


def credentials(settings: Settings) -> str:
    """The Secret of the services, to be applied."""
    values = _secrets(settings)
    metadata = {"name": CREDENTIALS, "namespace": NAMESPACE}
    return json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": values})


def write(project: Project, settings: Settings) -> Path:
    """Write the overlay of this checkout, and return its directory. No secret is in it.

    Raises:
        LabError: a file cannot be read or written.
    """
    directory = project.config_dir / "kubernetes"
    values = {**settings.public, "WORKERS": str(settings.workers)}
    files = {
        f"{name}.env": "".join(f"{key}={values[key]}\n" for key in _keys(project.root / defaults) if key in values)
        for name, defaults in _SETTINGS.items()
    }
    overlay = _overlay(project, settings, directory)
    private_file.mirror(directory, {**files, "kustomization.yaml": yaml.safe_dump(overlay, sort_keys=False)})
    return directory


def _overlay(project: Project, settings: Settings, directory: Path) -> Mapping[str, object]:
    def path(*parts: str) -> str:
        # kustomize takes relative paths only.
        return os.path.relpath(project.root.joinpath(_MANIFESTS, *parts), directory.resolve())

    profiles = [entry.profile for entry in settings.running.entries if entry.profile]
    components = [*profiles, *["redis"] * settings.with_redis, *["images"] * pushed_images(project)]
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": NAMESPACE,
        "resources": [path("overlays", "load")],
        "components": [path("components", name) for name in components],
        "configMapGenerator": [{"name": name, "behavior": "merge", "envs": [f"{name}.env"]} for name in _SETTINGS],
        # Pods with other secrets are other pods. Among the secrets is a random one: nobody finds them by trying.
        "patches": [{"target": {"kind": "Deployment"}, "patch": _annotated(_digest(_secrets(settings)))}],
    }


def _annotated(digest: str) -> str:
    template = {"metadata": {"annotations": {"serving-lab/credentials": digest}}}
    metadata = {"name": LOCUST}  # any name: the target says which are meant
    return yaml.safe_dump(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"template": template}}
    )


def _digest(values: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def _secrets(settings: Settings) -> dict[str, str]:
    values = settings.with_store(redis_service(settings).container_url)
    return {each.name: values.get(each.name, "") for each in SECRETS if each.of_targets}


def _keys(path: Path) -> list[str]:
    lines = _text(path).splitlines()
    return [line.partition("=")[0] for line in lines if "=" in line and not line.startswith("#")]


def _yaml(path: Path) -> Mapping[str, object]:
    found = yaml.safe_load(_text(path))
    return found if isinstance(found, dict) else {}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise LabError(f"{path} cannot be read: {error.strerror}", hint="make manifests") from error
