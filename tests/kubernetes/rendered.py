"""The manifests as kustomize renders them."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from support.checkout import REPOSITORY
from support.needs import needed

Object = Mapping[str, Any]

DIRECTORY = REPOSITORY / "deploy" / "kubernetes"
OVERLAYS = ("local", "production", "redis", "load")


def rendered(directory: Path) -> list[Object]:
    """All objects of a kustomization."""
    program = shutil.which("kustomize") or needed("kubectl", package="kustomize")
    command = [program, "build"] if Path(program).name == "kustomize" else [program, "kustomize"]
    result = subprocess.run([*command, directory], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    return list(yaml.safe_load_all(result.stdout))


def combined(at: Path, base: str, components: Sequence[str]) -> Path:
    """Write a kustomization of an overlay and components, as users write their own; return its directory."""
    directory = os.path.relpath(DIRECTORY.resolve(), at.resolve())
    content = {
        "resources": [f"{directory}/overlays/{base}"],
        "components": [f"{directory}/components/{each}" for each in components],
    }
    (at / "kustomization.yaml").write_text(yaml.safe_dump(content))
    return at


def of_kind(objects: Sequence[Object], *kinds: str) -> list[Object]:
    """Those of these kinds."""
    return [each for each in objects if each["kind"] in kinds]


def named(objects: Sequence[Object], kind: str, name: str) -> Object:
    """The one of this kind and name; kustomize gives ConfigMaps a hash behind their names."""
    (found,) = (each for each in of_kind(objects, kind) if each["metadata"]["name"].split("-")[0] == name)
    return found


def pod_of(deployment: Object) -> Object:
    """The specification of its pods."""
    pod: Object = deployment["spec"]["template"]["spec"]
    return pod
