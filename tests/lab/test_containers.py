"""The lab in containers, for real, where an engine answers; under a project name and on ports of its own.

Each test begins where the one before has left the lab: starts are what takes the time.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from model_artifact import files
from serving_lab.project import Project
from serving_lab.stack.environment import merged
from support import local_http
from support.artifacts import write_model
from support.checkout import ODD, REPOSITORY, Checkout, new_checkout
from support.services import CATALOGUE, wait_until

SERVICES = [*(entry.name for entry in CATALOGUE.running({}).entries), "gateway", "locust", "prometheus"]
OTHER_PROFILES = [entry.profile for entry in CATALOGUE.entries if entry.profile]
PROFILES = ["redis", "registry", *OTHER_PROFILES]

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def containers(base_images: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """The lab, up in containers."""
    plain = new_checkout(tmp_path_factory.mktemp("containers") / ODD)
    images = {**base_images, "GRAFANA_IMAGE": merged(Project(REPOSITORY), os.environ)["GRAFANA_IMAGE"]}
    certificates = {"SSL_CERT_FILE": os.environ["SSL_CERT_FILE"]} if "SSL_CERT_FILE" in os.environ else {}
    own = {"COMPOSE_PROJECT_NAME": f"serving-lab-cli-{os.getpid()}"}
    checkout = Checkout(plain.root, plain.environment | images | certificates | own)
    result = checkout.lab("up", "--mode", "containers", seconds=500)
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    yield checkout
    checkout.lab("down")
    compose(checkout, "--profile", "*", "down", "--volumes")  # what was pushed stays, else


def test_every_container_is_ready(containers: Checkout) -> None:
    shown = containers.lab("ps").stdout

    for service in SERVICES:
        assert re.search(rf"^ {service} +running +ready +\d+ +[1-9]\d* +[1-9]\d* MiB", shown, re.MULTILINE), shown


def test_a_second_up_leaves_the_containers_as_they_are(containers: Checkout) -> None:
    before = container_ids(containers)

    result = containers.lab("up")

    assert result.returncode == 0, result.stdout + result.stderr
    assert container_ids(containers) == before
    assert "The lab is up (containers)" in result.stdout


def test_a_load_from_the_stacks_own_network_succeeds(containers: Checkout) -> None:
    result = containers.lab("load", "--users", "4", "--rate", "4", "--duration", "3s")

    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"fastapi-api /predict +[1-9]", result.stdout + result.stderr)


def test_a_load_that_is_refused_fails(containers: Checkout) -> None:
    result = containers.lab("load", "--users", "2", "--rate", "2", "--duration", "2s", API_PASSWORD="wrong")

    assert result.returncode == 1, result.stdout + result.stderr


def test_the_other_mode_is_refused_meanwhile(containers: Checkout) -> None:
    result = containers.lab("up", "--mode", "native")

    assert result.stderr == "error: the lab is up already, as containers\n hint: make down, then make up MODE=native\n"


def test_another_checkout_does_not_take_the_containers_over(containers: Checkout, tmp_path: Path) -> None:
    other = Checkout(new_checkout(tmp_path / "other").root, containers.environment)
    before = container_ids(containers)

    up, down = other.lab("up", "--mode", "containers"), other.lab("down")

    assert f"the lab is up from another checkout, {containers.root}" in up.stderr
    assert down.stdout == "Nothing was running.\n"
    assert container_ids(containers) == before


def test_a_changed_secret_restarts_those_who_read_it_and_nobody_else(containers: Checkout) -> None:
    before, ids = started(containers), container_ids(containers)
    env_file = containers.root / ".env"
    env_file.write_text(env_file.read_text().replace("SECRET_KEY_PREVIOUS=\n", f"SECRET_KEY_PREVIOUS={'k' * 32}\n"))

    result = containers.lab("up")

    assert result.returncode == 0, result.stdout + result.stderr
    after = started(containers)
    assert {name for name in before if after[name] != before[name]} == {
        each.name for each in CATALOGUE.running({}).entries
    }
    assert container_ids(containers) == ids
    token = containers.lab("token").stdout.strip()
    assert len(token.split(".")) == 3


def test_services_come_up_with_their_profiles(containers: Checkout) -> None:
    result = containers.lab("up", COMPOSE_PROFILES=",".join(PROFILES), seconds=500)

    assert result.returncode == 0, result.stdout + result.stderr
    of_the_lab = {"redis", "registry", "model-sync"}
    assert set(started(containers)) >= {*of_the_lab, *(entry.name for entry in CATALOGUE.entries)}
    assert backends(containers) == {"redis"}


def test_what_is_promoted_is_laid_down_where_services_may_only_read_it(containers: Checkout, tmp_path: Path) -> None:
    profiles = ",".join(PROFILES)
    model = write_model(tmp_path / "model")
    assert containers.lab("model", "push", str(model), COMPOSE_PROFILES=profiles).returncode == 0
    number = containers.lab("model", "promote", "1", "--wait", "0", COMPOSE_PROFILES=profiles).stdout

    assert number.startswith("champion is version 1\n")
    expected = f"versions/{files.read(model).digest}\n"
    wait_until(lambda: in_service(containers, "readlink", "/opt/models/champion").stdout == expected, "laid down")
    written = in_service(containers, "touch", "/opt/models/champion/model.onnx")
    assert written.returncode != 0
    assert "Read-only file system" in written.stderr


def test_redis_goes_without_its_profile(containers: Checkout) -> None:
    assert "redis" in started(containers)

    assert containers.lab("up", COMPOSE_PROFILES=",".join(OTHER_PROFILES), seconds=500).returncode == 0
    assert backends(containers) == {"memory"}
    assert set(started(containers)) == {*(entry.name for entry in CATALOGUE.entries), *SERVICES}


def test_down_leaves_neither_containers_nor_networks_and_of_volumes_only_what_was_pushed_whatever_profiles_are_set(
    containers: Checkout,
) -> None:
    with containers.half_restarted(CATALOGUE.baseline.name) as interrupted:
        interrupted.kill()

    result = containers.lab("down")

    assert (result.returncode, result.stdout) == (0, "The lab is down (containers).\n"), result.stderr
    assert left_of(containers, "ps", "--all") == left_of(containers, "network", "ls") == []
    project = containers.environment["COMPOSE_PROJECT_NAME"]
    assert left_of(containers, "volume", "ls") == [f"{project}_models", f"{project}_registry"]

    subprocess.run(["docker", "volume", "rm", *left_of(containers, "volume", "ls")], capture_output=True, check=True)


def test_without_the_lab_compose_starts_what_the_lab_has_set_up(containers: Checkout) -> None:
    containers.lab("down")

    result = compose(containers, "up", "--detach", "--wait", "--no-build", "flask-api")

    assert result.returncode == 0, result.stderr
    assert len(containers.lab("token").stdout.split(".")) == 3
    compose(containers, "down", "--volumes")


def test_without_the_lab_and_its_files_compose_says_what_to_do(containers: Checkout) -> None:
    containers.lab("down")
    shutil.rmtree(containers.root / ".secrets-written-by-make-up")

    result = compose(containers, "up", "--detach", "--no-build", "flask-api")
    compose(containers, "down", "--volumes")

    assert result.returncode != 0
    assert "does not exist" in result.stderr
    assert ".secrets-written-by-make-up/" in result.stderr


def test_without_the_labs_configuration_compose_says_what_to_do(containers: Checkout) -> None:
    written = containers.root / "build" / "written-by-make-up"
    shutil.rmtree(written)

    result = compose(containers, "create", "prometheus")
    compose(containers, "down", "--volumes")

    assert result.returncode != 0
    assert "does not exist" in result.stderr
    assert "build/written-by-make-up/" in result.stderr
    assert not written.exists()


def test_with_settings_of_an_older_lab_compose_says_what_to_do(containers: Checkout) -> None:
    env_file = containers.root / ".env"
    env_file.write_text(re.sub(r"^SECRETS_DIR=.*\n", "", env_file.read_text(), flags=re.MULTILINE))

    result = compose(containers, "up", "--detach", "--no-build", "flask-api")

    assert result.returncode != 0
    assert 'run "make up", which writes it' in result.stderr


def compose(checkout: Checkout, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run docker compose in the checkout, as somebody does who knows nothing of the lab."""
    return subprocess.run(
        ["docker", "compose", *arguments],
        cwd=checkout.root,
        env=checkout.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def started(checkout: Checkout) -> dict[str, str]:
    """Return when each service's container was last started."""
    form = '{{index .Config.Labels "com.docker.compose.service"}} {{.State.StartedAt}}'
    command = ["docker", "inspect", "--format", form, *container_ids(checkout)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return {service: at for service, _, at in (line.partition(" ") for line in lines)}


def backends(checkout: Checkout) -> set[str]:
    """Return where the services that always run keep their caches."""
    headers = {"Authorization": f"Bearer {checkout.lab('token').stdout.strip()}"}
    ports = [checkout.environment[entry.port_setting] for entry in CATALOGUE.running({}).entries]
    urls = [f"http://127.0.0.1:{port}/cache/stats" for port in ports]
    return {local_http.get(url, headers=headers).json()["backend"] for url in urls}


def container_ids(checkout: Checkout) -> set[str]:
    """Return the running containers of the checkout's lab."""
    label = f"label=com.docker.compose.project={checkout.environment['COMPOSE_PROJECT_NAME']}"
    command = ["docker", "ps", "--quiet", "--filter", label]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def left_of(containers: Checkout, *what: str) -> list[str]:
    """What the engine has of this lab, sorted."""
    label = f"label=com.docker.compose.project={containers.environment['COMPOSE_PROJECT_NAME']}"
    listed = ["docker", *what, "--quiet", "--filter", label]
    return sorted(subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split())


def in_service(containers: Checkout, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the container of the baseline."""
    return compose(containers, "exec", "--no-TTY", CATALOGUE.baseline.name, *command)
