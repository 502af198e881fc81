"""Secrets in containers: files that a service reads and nothing shows, and a key that is replaced while all answer."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from serving_lab.stack.secrets import SECRETS
from support import local_http
from support.rotation import rotate
from support.services import PASSWORD, SECRET_KEY, USERNAME
from support.stack import OF_OWN_CODE, OWN_IMAGES, PORTS, SERVICES, Stack, run
from support.tokens import claims, sign

pytestmark = pytest.mark.stack

LAB = str(Path(sys.executable).parent / "lab")
# That services take each other's tokens meanwhile, tests/lab/test_secrets.py shows.
ROTATED = SERVICES[:1]
NEXT_KEY = "the key that takes the place of the one these tests know"

# Of all processes in a container: each is the same user's, so that what they were given can be read.
PROCESSES = "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\0' '\\n'"


def shown(stack: Stack, text: str) -> list[str]:
    """Return the names of the secrets that stand in a text, in JSON's form too."""
    values = {secret.name: stack.settings.get(secret.name, "") for secret in SECRETS}
    return [name for name, value in values.items() if value and value in text]


def test_inspect_shows_no_secret(stack: Stack, container: str) -> None:
    shows = run(["docker", "inspect", stack.container(container)]).stdout

    assert f'"Destination": "/run/secrets/{SECRETS[0].name}"' in shows or container not in SERVICES
    assert shown(stack, shows) == []


def test_no_process_is_told_a_secret(stack: Stack, container: str) -> None:
    told = stack.execute(container, "sh", "-c", PROCESSES).stdout

    assert "PATH=" in told
    assert shown(stack, told) == []
    assert shown(stack, run(["docker", "top", stack.container(container), "-eo", "pid,args"]).stdout) == []


def test_no_secret_is_logged(stack: Stack, container: str) -> None:
    refused = {"username": USERNAME, "password": PASSWORD[::-1]}
    for port in PORTS.values():
        local_http.post(f"{stack.url(port)}/login", json=refused)

    logged = run(["docker", "logs", stack.container(container)])

    assert logged.stdout + logged.stderr
    assert shown(stack, logged.stdout + logged.stderr) == []


def test_the_composed_stack_shows_no_secret(stack: Stack) -> None:
    composed = stack.compose("config").stdout

    assert f"file: {stack.settings['SECRETS_DIR']}/SECRET_KEY\n" in composed
    assert shown(stack, composed) == []


@pytest.mark.parametrize("service", OWN_IMAGES)
def test_no_image_holds_a_secret(stack: Stack, service: str) -> None:
    image = stack.image(service)["Id"]

    history = run(["docker", "history", "--no-trunc", image]).stdout

    assert shown(stack, history + run(["docker", "image", "inspect", image]).stdout) == []


@pytest.mark.parametrize("service", OF_OWN_CODE)
def test_a_container_has_its_own_secrets_and_cannot_change_them(stack: Stack, service: str) -> None:
    files = stack.execute(service, "sh", "-c", "cd /run/secrets && grep -H '' *").stdout.splitlines()

    readable = {name: value for name, _, value in (line.partition(":") for line in files)}
    own = {secret.name: stack.settings.get(secret.name) for secret in SECRETS if secret.is_read_by(service)}
    assert readable == {name: value for name, value in own.items() if value}
    written = stack.execute(service, "sh", "-c", "echo mine > /run/secrets/API_PASSWORD", check=False)
    assert written.returncode != 0


def test_the_services_take_their_secrets_from_there(stack: Stack) -> None:
    for port in PORTS.values():
        url, credentials = stack.url(port), {"username": USERNAME, "password": PASSWORD}
        assert local_http.post(f"{url}/login", json=credentials).status_code == 200
        for key, status in ((SECRET_KEY, 200), (stack.settings["SECRET_KEY_PREVIOUS"], 200), (NEXT_KEY, 401)):
            headers = {"Authorization": f"Bearer {sign(claims(), key)}"}
            assert local_http.get(f"{url}/cache/stats", headers=headers).status_code == status


@pytest.fixture
def as_before(stack: Stack) -> Iterator[None]:
    """The keys that the other tests know, whatever became of them."""
    yield
    run([LAB, "restart", *ROTATED], environment={**os.environ, **stack.settings}, seconds=120)


@pytest.mark.usefixtures("as_before")
def test_a_key_is_replaced_without_locking_anybody_out(stack: Stack) -> None:
    before = {name: stack.container(name) for name in stack.containers}

    def restart(service: str, key: str, previous: str) -> None:
        keys = {"SECRET_KEY": key, "SECRET_KEY_PREVIOUS": previous}
        said = run([LAB, "restart", service], environment={**os.environ, **stack.settings, **keys}, seconds=120)
        assert not [secret for secret in (key, previous) if secret and secret in said.stdout + said.stderr]

    rotate(
        SECRET_KEY,
        NEXT_KEY,
        urls={name: stack.url(PORTS[name]) for name in ROTATED},
        credentials={"username": USERNAME, "password": PASSWORD},
        restart=restart,
    )

    assert {name: stack.container(name) for name in stack.containers} == before, "restarted, and not made anew"
