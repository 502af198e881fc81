"""Pushes the images to a registry, and writes by which digests clusters take them: `make images-push`."""

import json
import subprocess
import sys
from pathlib import Path

import yaml
from serving_lab.errors import LabError
from serving_lab.exit_codes import CANNOT_TELL
from serving_lab.project import Project
from serving_lab.stack import engine
from serving_lab.stack.environment import Settings
from serving_lab.stack.service import LOCUST

from kubernetes_manifests.files import IMAGES
from kubernetes_manifests.source import Source

_HEADER = "# Written by `make images-push`: where clusters find the images, by digest.\n"


def push(project: Project, registry: str) -> Path:
    """Push the images of the services that run and of Locust; return the file that says by which digests.

    Args:
        project: The checkout whose images they are.
        registry: Where they go, such as registry.example.org/team.

    Raises:
        LabError: an image is not here, or cannot be pushed; the file stays as it was.
    """
    source = Source.read(project)
    running = [entry.name for entry in Settings.load(project).running.entries]
    pinned = [_pushed(source.services[name].image, registry) for name in (*running, LOCUST)]
    component = {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component", "images": pinned}
    path = project.root / IMAGES
    path.write_text(_HEADER + yaml.safe_dump(component, sort_keys=False), encoding="utf-8")
    return path


def _pushed(image: str, registry: str) -> dict[str, str]:
    if not engine.has_image(image):
        raise LabError(f"there is no image {image}", hint="make build MODE=containers")
    remote = f"{registry.rstrip('/')}/{image.rpartition('/')[2]}"
    engine.docker("tag", image, remote)
    # It shows its progress, and may take as long as it needs.
    if subprocess.run(["docker", "push", remote], check=False).returncode != 0:  # noqa: S603, S607
        raise LabError(f"{remote} could not be pushed; the lines above say why", hint=f"docker login {registry}")
    known = json.loads(engine.docker("image", "inspect", "--format", "{{json .RepoDigests}}", image))
    (digest,) = (each.partition("@")[2] for each in known if each.startswith(f"{remote}@"))
    return {"name": image, "newName": remote, "digest": digest}


def main() -> None:
    """Push to the registry that is the only argument."""
    try:
        if len(sys.argv) != 2 or not sys.argv[1]:
            raise LabError("no registry is named", hint="make images-push REGISTRY=registry.example.org/team")
        sys.stdout.write(f"{push(Project.find(), sys.argv[1])}\n")
    except LabError as error:
        sys.stderr.write(f"{error}\nhint: {error.hint}\n")
        sys.exit(CANNOT_TELL)


if __name__ == "__main__":
    main()
