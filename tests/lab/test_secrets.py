"""The lab on this host keeps its secrets to itself, and replaces them one service at a time."""

import re
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from serving_lab.stack.environment import read
from serving_lab.stack.secrets import SECRETS
from serving_lab.stack.supervisor import RUN_DIR_VARIABLE
from support import local_http
from support.checkout import Checkout, new_checkout
from support.needs import needed
from support.redis import PASSWORD as REDIS_PASSWORD
from support.redis import running_redis
from support.rotation import rotate
from support.services import CATALOGUE, free_port

pytestmark = pytest.mark.stack

SERVICES = {entry.name: entry.port_setting for entry in CATALOGUE.running({}).entries}
GENERATED = [secret.name for secret in SECRETS if secret.random_bytes]
NEXT_KEY = "the key that takes the place of the one that was generated"


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Iterator[Checkout]:
    """The lab, up on this host with few processes."""
    plain = new_checkout(tmp_path_factory.mktemp("secrets") / "checkout", model_dir)
    checkout = Checkout(plain.root, plain.environment | {"WORKERS": "1", "DRAIN_SECONDS": "0"})
    result = checkout.lab("up", "--mode", "native")
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    yield checkout
    checkout.lab("down")


def test_no_process_is_told_a_secret(native: Checkout) -> None:
    processes = programs(native)
    assert len(processes) > 5
    seen = "".join(f"{process.environ()} {process.cmdline()}" for process in processes)

    assert not [name for name in GENERATED if setting(native, name) in seen]


def test_no_file_of_a_run_holds_a_secret(native: Checkout) -> None:
    assert native.lab("load", "--users", "2", "--rate", "2", "--duration", "2s").returncode == 0
    files = [path for path in (native.root / ".run").rglob("*") if path.is_file()]
    written = b"".join(path.read_bytes() for path in files)

    assert b"flask-api" in written
    assert not [name for name in GENERATED if setting(native, name).encode() in written]


def test_only_the_owner_gets_at_the_files(native: Checkout) -> None:
    directory = native.root / setting(native, "SECRETS_DIR")

    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {path.name: path.read_text() for path in directory.iterdir()} == {
        secret.name: setting(native, secret.name) for secret in SECRETS
    }
    in_gitignore = (native.root / ".gitignore").read_text().splitlines()
    assert f"{directory.name}/" in in_gitignore


def test_a_changed_secret_restarts_those_who_read_it_and_nobody_else(native: Checkout) -> None:
    before = pids(native)
    change(native, GRAFANA_ADMIN_PASSWORD="another one", SECRET_KEY_PREVIOUS="a key that was in use before this one")

    result = native.lab("up")

    assert result.returncode == 0, result.stdout + result.stderr
    after = pids(native)
    assert {name for name in before if after[name] != before[name]} - {"grafana"} == set(SERVICES)


def test_a_key_is_replaced_without_locking_anybody_out(native: Checkout) -> None:
    def restart(service: str, key: str, previous: str) -> None:
        change(native, SECRET_KEY=key, SECRET_KEY_PREVIOUS=previous)
        result = native.lab("restart", service)
        assert result.returncode == 0, result.stdout + result.stderr

    rotate(
        setting(native, "SECRET_KEY"),
        NEXT_KEY,
        urls={name: f"http://127.0.0.1:{native.environment[port]}" for name, port in SERVICES.items()},
        credentials={"username": setting(native, "API_USERNAME"), "password": setting(native, "API_PASSWORD")},
        restart=restart,
    )

    before = pids(native)
    assert native.lab("up").returncode == 0
    assert pids(native) == before, "everybody has it already"


def test_a_restart_with_a_key_that_is_refused_says_so_and_leaves_the_others_running(native: Checkout) -> None:
    result = native.lab("restart", "flask-api", SECRET_KEY="far too short")

    assert result.returncode == 2
    assert "SECRET_KEY: expected at least 32 bytes" in result.stdout
    what = r"flask-api-next did not start \(.*\); its last log lines are above\. flask-api goes on as it was"
    assert re.match(rf"error: {what}\n hint: ", result.stderr)
    assert "far too short" not in result.stdout + result.stderr
    assert native.lab("token").returncode == 0
    assert set(pids(native)) >= {"fastapi-api", "locust"}
    assert native.lab("restart", "flask-api").returncode == 0


def test_secrets_of_files_are_used_and_both_ways_at_once_refused(native: Checkout, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("a password in a file\n")
    both = native.lab("up", API_PASSWORD_FILE=str(tmp_path / "password"))
    assert (both.returncode, both.stdout) == (2, "")
    assert both.stderr.startswith("error: API_PASSWORD is set, and API_PASSWORD_FILE too\n hint: ")

    change(native, API_PASSWORD="")
    for arguments in (("up",), ("token",), ("load", "--users", "2", "--rate", "2", "--duration", "2s")):
        result = native.lab(*arguments, API_PASSWORD_FILE=str(tmp_path / "password"))
        assert result.returncode == 0, result.stdout + result.stderr
    assert setting(native, "API_PASSWORD") == ""
    change(native, API_PASSWORD="a password in .env")


def test_the_password_of_a_redis_is_one_of_them(native: Checkout, tmp_path: Path) -> None:
    with running_redis(tmp_path) as redis:
        change(native, CACHE_URL=redis.url)
        result = native.lab("up")
        assert result.returncode == 0, result.stdout + result.stderr

        headers = {"Authorization": f"Bearer {native.lab('token').stdout.strip()}"}
        urls = [f"http://127.0.0.1:{native.environment[port]}/cache/stats" for port in SERVICES.values()]
        stores = [local_http.get(url, headers=headers).json()["backend"] for url in urls]
        seen = "".join(f"{process.environ()} {process.cmdline()}" for process in programs(native))

    assert set(stores) == {"redis"}
    assert REDIS_PASSWORD not in seen + result.stdout + result.stderr
    change(native, CACHE_URL="")


def test_a_restart_keeps_the_labs_own_redis(native: Checkout) -> None:
    needed("redis-server", package="redis-server")
    port = str(free_port())
    assert native.lab("up", COMPOSE_PROFILES="redis", REDIS_PORT=port).returncode == 0

    assert native.lab("restart", "flask-api", REDIS_PORT=port).returncode == 0

    headers = {"Authorization": f"Bearer {native.lab('token').stdout.strip()}"}
    stats = f"http://127.0.0.1:{native.environment['FLASK_PORT']}/cache/stats"
    assert local_http.get(stats, headers=headers).json()["backend"] == "redis"


def test_files_stay_when_the_lab_is_down_and_are_gone_when_it_is_cleaned(native: Checkout) -> None:
    directory = native.root / setting(native, "SECRETS_DIR")

    assert native.lab("down").returncode == 0
    assert (directory / "SECRET_KEY").exists()

    assert native.lab("clean").returncode == 0
    assert not directory.exists()
    assert list((native.root / "build").iterdir()) == []


def setting(checkout: Checkout, name: str) -> str:
    """Return what a setting is in the checkout's .env."""
    return read(checkout.root / ".env")[name]


def change(checkout: Checkout, **settings: str) -> None:
    """Change the checkout's .env, as a person does."""
    path = checkout.root / ".env"
    text = path.read_text()
    for name, value in settings.items():
        text, found = re.subn(rf"^{name}=.*$", f"{name}='{value}'" if value else f"{name}=", text, flags=re.MULTILINE)
        assert found == 1
    path.write_text(text)


def programs(checkout: Checkout) -> list[psutil.Process]:
    """Return every process that was started for this checkout's lab."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(RUN_DIR_VARIABLE) == str(checkout.root / ".run"):
                found.append(process)
        except psutil.Error:
            continue
    return found


def pids(checkout: Checkout) -> dict[str, int]:
    """Return the process of each service that runs."""
    shown = re.findall(r"^ ([a-z-]+) +running +ready +\d+ +(\d+)", checkout.lab("ps").stdout, re.MULTILINE)
    return {name: int(pid) for name, pid in shown}
