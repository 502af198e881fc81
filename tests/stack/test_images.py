"""The images: what they say about themselves, what is in them, and what is not."""

import io
import subprocess
import tarfile
import tomllib
from pathlib import Path

import pytest
from support.stack import OF_OWN_CODE, OWN_IMAGES, SERVICES, Stack, docker_json, run

pytestmark = pytest.mark.stack

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "locust": "loadtest",
    "registry": "deploy/registry",
    # The folder of a service is called like its package.
    **{name: f"services/{name.replace('-', '_')}" for name in SERVICES},
}

MOST_BYTES_OVER_BASE = 200 << 20

PROGRAMS = """
import json, shutil
names = "pip pip3 uv gcc cc g++ make ld curl wget".split()
print(json.dumps([name for name in names if shutil.which(name)]))
"""
MODULES = """
import importlib.util, json
names = "pip uv ensurepip setuptools sklearn scipy onnx".split()
print(json.dumps([name for name in names if importlib.util.find_spec(name)]))
"""
NOT_COMPILED = """
import importlib.util, json, pathlib, sysconfig
stale = []
for source in pathlib.Path(sysconfig.get_path("purelib")).rglob("*.py"):
    compiled = pathlib.Path(importlib.util.cache_from_source(source))
    # A compiled file names the time its source was changed, in its bytes 8 to 12; Python throws away any other.
    if not compiled.exists() or int.from_bytes(compiled.read_bytes()[8:12], "little") != int(source.stat().st_mtime):
        stale.append(str(source))
print(json.dumps(stale))
"""
MODEL_DIGEST = """
import hashlib, json, pathlib
directory = pathlib.Path("/opt/model")
print(json.dumps({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir()}))
"""


@pytest.mark.parametrize("service", OWN_IMAGES)
def test_image_names_its_package_version_licence_and_base(stack: Stack, service: str) -> None:
    project = tomllib.loads((ROOT / PACKAGES[service] / "pyproject.toml").read_text())["project"]

    labels = stack.image(service)["Config"]["Labels"]

    prefix = "org.opencontainers.image."
    assert labels[f"{prefix}title"] == project["name"]
    assert labels[f"{prefix}version"] == project["version"]
    assert labels[f"{prefix}licenses"] == project["license"]
    assert labels[f"{prefix}base.name"] == stack.settings["PYTHON_IMAGE"]
    assert labels[f"{prefix}description"]
    assert labels[f"{prefix}revision"]


@pytest.mark.parametrize("service", OWN_IMAGES)
def test_image_runs_as_a_user_of_its_own(stack: Stack, service: str) -> None:
    assert stack.image(service)["Config"]["User"] == "10001:10001"


@pytest.mark.parametrize("service", OWN_IMAGES)
def test_nothing_in_the_image_can_install_or_compile(stack: Stack, service: str) -> None:
    assert stack.python(service, PROGRAMS) == []
    assert stack.python(service, MODULES) == []


@pytest.mark.parametrize("service", OWN_IMAGES)
def test_every_module_is_compiled(stack: Stack, service: str) -> None:
    assert stack.python(service, NOT_COMPILED) == []


@pytest.mark.parametrize("service", SERVICES)
def test_all_services_share_their_base_with_the_same_layers(stack: Stack, service: str) -> None:
    base = docker_json("image", "inspect", stack.settings["PYTHON_IMAGE"])["RootFS"]["Layers"]

    assert stack.image(service)["RootFS"]["Layers"][: len(base)] == base


@pytest.mark.parametrize("service", OF_OWN_CODE)
def test_code_is_a_small_layer_on_top_of_the_dependencies(stack: Stack, service: str) -> None:
    history = ["docker", "history", "--human=false", "--format", "{{.Size}}", stack.image(service)["Id"]]
    code, *below = (size for size in map(int, run(history).stdout.split()) if size > 0)

    assert code < 1 << 20, "a change of code must not send the dependencies again"
    assert max(below) > 10 << 20


@pytest.mark.parametrize("service", SERVICES)
def test_image_adds_no_more_than_it_needs_to_its_base(stack: Stack, service: str) -> None:
    base = docker_json("image", "inspect", stack.settings["PYTHON_IMAGE"])["Size"]

    assert stack.image(service)["Size"] - base < MOST_BYTES_OVER_BASE


def test_all_services_carry_the_same_model(stack: Stack) -> None:
    baseline, *candidates = (stack.python(service, MODEL_DIGEST) for service in SERVICES)

    assert all(candidate == baseline for candidate in candidates)
    assert set(baseline) == {"model.onnx", "model.json", "golden.json"}, "nothing that only a judge of the model needs"


@pytest.mark.parametrize("service", SERVICES)
def test_no_secret_is_left_in_the_image(stack: Stack, service: str) -> None:
    image = stack.image(service)

    history = run(["docker", "history", "--no-trunc", "--format", "{{.CreatedBy}}", image["Id"]]).stdout
    assert "CERTIFICATE" not in history
    for name in ("SECRET_KEY", "API_PASSWORD", "SSL_CERT_FILE", "PIP_CERT"):
        assert not any(setting.startswith(f"{name}=") for setting in image["Config"]["Env"])
    looked = run(["docker", "run", "--rm", "--entrypoint", "ls", image["Id"], "/run/secrets", "/run/ca"], check=False)
    assert looked.stdout == ""


@pytest.mark.usefixtures("engine")
def test_builds_see_the_code_and_the_lock_and_nothing_else() -> None:
    command = ["docker", "buildx", "build", "--quiet", "--output", "type=tar,dest=-", "--file", "-", "."]

    names = _tar_names(command, "FROM scratch\nCOPY . /\n")

    assert {f"{folder}/pyproject.toml" for folder in PACKAGES.values()} <= set(names)
    # Of the clients, what the workspace's lock speaks of.
    assert [name for name in names if name.startswith("clients/")] == ["clients/python/pyproject.toml"]
    folders = {"pyproject.toml", "uv.lock", "clients", "deploy", "services", "loadtest"}
    assert {name.partition("/")[0] for name in names} == folders
    assert not [name for name in names if "__pycache__" in name or ".env" in name or name.endswith(".pyc")]


def _tar_names(command: list[str], dockerfile: str) -> list[str]:
    built = subprocess.run(command, cwd=ROOT, input=dockerfile.encode(), capture_output=True, timeout=120, check=False)
    assert built.returncode == 0, built.stderr.decode()
    with tarfile.open(fileobj=io.BytesIO(built.stdout)) as archive:
        return [member.name for member in archive.getmembers() if member.isfile()]
