"""The lab on this host, for real: up, used, changed, broken and down, with nothing left behind."""

import contextlib
import json
import os
import re
import socket
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from serving_lab.stack.environment import read
from serving_lab.stack.programs import Tools
from serving_lab.stack.supervisor import RUN_DIR_VARIABLE
from support.checkout import ODD, Checkout, new_checkout, shorten_corpus
from support.needs import needed
from support.registry import lend_environment
from support.services import CATALOGUE, wait_until

pytestmark = pytest.mark.stack

RUNNING = CATALOGUE.running({}).entries
SERVICES = [
    *(entry.name for entry in RUNNING),
    *([] if "gateway" in Tools.find().missing else ["gateway"]),
    "locust",
    *([] if "prometheus" in Tools.find().missing else ["prometheus"]),
]
WITH_A_PROFILE = [entry for entry in CATALOGUE.entries if entry.profile]

# Grafana is in no package index: this stands in for its program, and answers with the environment it was given.
GRAFANA = """\
#!/usr/bin/env python3
import http.server, json, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        self.wfile.write(json.dumps({"arguments": sys.argv[1:], "environment": dict(os.environ)}).encode())
address = (os.environ["GF_SERVER_HTTP_ADDR"], int(os.environ["GF_SERVER_HTTP_PORT"]))
http.server.HTTPServer(address, Handler).serve_forever()
"""


@pytest.fixture
def checkout(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Iterator[Checkout]:
    """A copy of the repository with a trained model; what is left running in it is ended.

    Not in tmp_path, which has the name of the test: the path of supervisord's socket must be short.
    """
    copy = new_checkout(tmp_path_factory.mktemp("own") / "checkout", model_dir)
    yield copy
    copy.lab("down")


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Iterator[Checkout]:
    """The lab, up on this host."""
    copy = new_checkout(tmp_path_factory.mktemp("native") / ODD, model_dir)
    result = copy.lab("up", "--mode", "native")
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    yield copy
    copy.lab("down")


def test_ps_shows_every_service_ready_on_its_port(native: Checkout) -> None:
    statuses = ps(native)

    assert [name for name in statuses if name != "grafana"] == SERVICES
    for name, setting in (*((entry.name, entry.port_setting) for entry in RUNNING), ("locust", "LOCUST_PORT")):
        assert (statuses[name]["state"], statuses[name]["health"]) == ("running", "ready")
        assert statuses[name]["port"] == native.environment[setting]
        assert int(statuses[name]["memory"]) > 10


def test_one_token_opens_every_service(native: Checkout) -> None:
    token = native.lab("token").stdout.strip()

    for entry in RUNNING:
        assert get(native, entry.port_setting, "/cache/stats", token)["hits"] == 0


def test_a_second_up_leaves_everything_as_it_is(native: Checkout) -> None:
    before = pids(native)

    result = native.lab("up")

    assert (result.returncode, result.stderr) == (0, "")
    assert pids(native) == before
    for service in SERVICES:
        assert re.search(rf"^ {service}\s+http://127.0.0.1:\d+", result.stdout, re.MULTILINE), result.stdout


def test_a_load_with_right_answers_succeeds(native: Checkout) -> None:
    result = native.lab("load", "--users", "4", "--rate", "4", "--duration", "3s")

    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"flask-api /predict +[1-9]", result.stdout + result.stderr)
    assert re.search(r"fastapi-api /predict +[1-9]", result.stdout + result.stderr)


def test_a_load_that_is_refused_fails(native: Checkout) -> None:
    result = native.lab("load", "--users", "2", "--rate", "2", "--duration", "2s", API_PASSWORD="wrong")

    assert result.returncode == 1, result.stdout + result.stderr


def test_the_new_service_answers_like_the_old_one(native: Checkout) -> None:
    shorten_corpus(native.root / "loadtest")

    result = native.lab("parity", "--generate", "100", seconds=240)

    assert result.returncode == 0, result.stdout + result.stderr
    assert "Same: no undeclared difference" in result.stdout
    written = json.loads((native.root / "results" / "parity.json").read_text())
    assert (written["verdict"], written["sources"]["generated"]) == ("same", 100)
    assert (native.root / "results" / "parity.html").is_file()


def test_logs_are_shown_by_service(native: Checkout) -> None:
    result = native.lab("logs", "--no-follow", "locust")

    assert "Starting web interface" in result.stdout
    assert {line.split(" | ")[0].strip() for line in result.stdout.splitlines() if " | " in line} == {"locust"}


def test_a_service_that_is_not_there_is_named(native: Checkout) -> None:
    result = native.lab("logs", "--no-follow", "database")

    assert result.returncode == 2
    assert result.stderr.startswith("error: there is no service 'database'\n hint: choose from ")


def test_restart_replaces_the_process_and_waits_for_it(native: Checkout) -> None:
    before = pids(native)

    assert native.lab("restart", "locust").returncode == 0

    after = pids(native)
    assert after["locust"] != before["locust"]
    assert {name: pid for name, pid in after.items() if name != "locust"} == {
        name: pid for name, pid in before.items() if name != "locust"
    }
    assert ps(native)["locust"]["health"] == "ready"


def test_a_program_that_is_killed_comes_back(native: Checkout) -> None:
    killed = pids(native)["locust"]

    psutil.Process(killed).kill()

    wait_until(lambda: ps(native)["locust"]["health"] == "ready", "locust is back")
    assert pids(native)["locust"] != killed


def test_the_other_mode_is_refused_meanwhile(native: Checkout) -> None:
    result = native.lab("up", "--mode", "containers")

    assert result.returncode == 2
    assert result.stderr == "error: the lab is up already, as native\n hint: make down, then make up MODE=containers\n"


def test_prometheus_sees_every_target_up(native: Checkout) -> None:
    needed("prometheus", package="prometheus")

    def up() -> set[tuple[str, str | None]]:
        answer = get(native, "PROMETHEUS_PORT", "/api/v1/query?query=up%20%3D%3D%201")
        return {(series["metric"]["job"], series["metric"].get("label")) for series in answer["data"]["result"]}

    own = [name for name in SERVICES if name in {"gateway", "locust", "prometheus"}]
    everything = {*(("services", entry.label) for entry in RUNNING), *((name, None) for name in own)}
    wait_until(lambda: up() == everything, "every target is up")


def test_prometheus_has_the_rules_that_dashboards_draw_from(native: Checkout) -> None:
    needed("prometheus", package="prometheus")

    groups = get(native, "PROMETHEUS_PORT", "/api/v1/rules")["data"]["groups"]

    assert {group["name"] for group in groups} == {"comparison", "gateway", "load", "models", "objectives", "services"}


def test_only_its_owner_may_look_into_a_running_lab(native: Checkout) -> None:
    run_dir = native.root / ".run"

    assert run_dir.stat().st_mode & 0o777 == 0o700
    assert (run_dir / "supervisor.sock").stat().st_mode & 0o777 == 0o700


def test_a_changed_setting_starts_everything_anew(native: Checkout) -> None:
    before = pids(native)

    changed = native.lab("up", CACHE_MAX_ENTRIES="7")

    assert changed.returncode == 0, changed.stderr
    assert not set(before.values()) & set(pids(native).values())
    token = native.lab("token").stdout.strip()
    assert get(native, "FLASK_PORT", "/cache/stats", token)["max_entries"] == 7


def test_programs_whose_supervisor_was_killed_are_still_ended(native: Checkout) -> None:
    supervisor = int((native.root / ".run" / "supervisord.pid").read_text())
    psutil.Process(supervisor).kill()

    assert native.lab("ps").stdout == "The lab is not up. Bring it up: make up\n"
    assert programs(native)
    assert native.lab("down").stdout == "The lab is down (native).\n"

    assert_nothing_left(native)


def test_a_service_that_refuses_its_settings_stops_up_with_its_words(checkout: Checkout) -> None:
    result = checkout.lab("up", "--mode", "native", SECRET_KEY="too short")

    assert result.returncode == 2
    assert "SECRET_KEY: expected at least 32 bytes" in result.stdout
    assert "too short" not in result.stdout + result.stderr
    assert re.search(r"^error: f\w+-api did not start", result.stderr)
    assert "Traceback" not in result.stdout + result.stderr
    assert_nothing_left(checkout)


def test_a_taken_port_stops_up_before_anything_starts(checkout: Checkout) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", int(checkout.environment["LOCUST_PORT"])))
        listener.listen()
        result = checkout.lab("up", "--mode", "native")

    assert result.returncode == 2
    assert re.search(
        rf"^error: port {checkout.environment['LOCUST_PORT']}: locust needs it, and \S+ \(process {os.getpid()}\)",
        result.stderr,
    )
    assert_nothing_left(checkout)


def test_grafana_and_what_has_a_profile_come_up_too_and_down_leaves_nothing(checkout: Checkout, tmp_path: Path) -> None:
    path = f"{grafana_in(tmp_path)}:{checkout.environment['PATH']}"
    profiles = ",".join(["registry", *(str(entry.profile) for entry in WITH_A_PROFILE)])
    lend_environment(checkout)

    up = checkout.lab("up", "--mode", "native", PATH=path, COMPOSE_PROFILES=profiles)

    assert up.returncode == 0, up.stdout + up.stderr
    assert_grafana_is_set_up(checkout, tmp_path / "grafana")
    statuses = ps(checkout)
    for entry in WITH_A_PROFILE:
        assert f"{entry.about}" in up.stdout
        status = statuses[entry.name]
        assert (status["health"], status["port"]) == ("ready", checkout.environment[entry.port_setting])
    assert statuses["registry"]["health"] == statuses["model-sync"]["health"] == "ready"
    assert "Nothing was pushed yet" in checkout.lab("model", "list").stdout
    in_memory = shared_memory(checkout)
    assert in_memory, "the services keep their metrics in shared memory"

    assert checkout.lab("down").stdout == "The lab is down (native).\n"

    assert_nothing_left(checkout)
    assert [path for path in in_memory if os.path.exists(path)] == []  # noqa: PTH110 - paths as the kernel prints them


def grafana_in(directory: Path) -> Path:
    """Install what stands in for Grafana, and return where its program is."""
    program = directory / "grafana" / "bin" / "grafana"
    program.parent.mkdir(parents=True)
    program.write_text(GRAFANA)
    program.chmod(0o755)
    (directory / "grafana" / "conf").mkdir()
    (directory / "grafana" / "conf" / "defaults.ini").touch()
    return program.parent


def assert_grafana_is_set_up(checkout: Checkout, home: Path) -> None:
    """Check what Grafana was told at its start."""
    grafana = get(checkout, "GRAFANA_PORT", "/")
    assert grafana["arguments"] == ["server", "--homepath", str(home)]
    environment = grafana["environment"]
    assert environment["PROMETHEUS_URL"] == f"http://127.0.0.1:{checkout.environment['PROMETHEUS_PORT']}"
    assert environment["GF_PATHS_PROVISIONING"] == str(checkout.root / "monitoring" / "grafana" / "provisioning")
    handed_out = checkout.root / read(checkout.root / ".env")["SECRETS_DIR"] / "GRAFANA_ADMIN_PASSWORD"
    assert environment["GF_SECURITY_ADMIN_PASSWORD"] == f"$__file{{{handed_out}}}"
    assert handed_out.read_text() == read(checkout.root / ".env")["GRAFANA_ADMIN_PASSWORD"]
    assert environment["GF_PATHS_DATA"].startswith(str(checkout.root / ".run"))


def ps(checkout: Checkout) -> dict[str, Mapping[str, str]]:
    """Return what `lab ps` shows, by service."""
    shown = re.findall(
        r"^ (?P<name>[a-z-]+) +(?P<state>[a-z]+) +(?P<health>ready|not ready) +(?P<port>\d+) +(?P<process>\d+|-) +"
        r"(?P<memory>\d+|-)",
        checkout.lab("ps").stdout,
        re.MULTILINE,
    )
    columns = ("name", "state", "health", "port", "process", "memory")
    return {row[0]: dict(zip(columns, row, strict=True)) for row in shown}


def pids(checkout: Checkout) -> dict[str, int]:
    """Return the process of each service."""
    return {name: int(status["process"]) for name, status in ps(checkout).items()}


def programs(checkout: Checkout) -> list[psutil.Process]:
    """Return every process that was started for this checkout's lab."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(RUN_DIR_VARIABLE) == str(checkout.root / ".run"):
                found.append(process)
    return found


def shared_memory(checkout: Checkout) -> set[str]:
    """Return the files in shared memory that this checkout's processes have open or mapped."""
    paths: set[str] = set()
    for process in programs(checkout):
        paths |= {mapped.path for mapped in process.memory_maps()} | {opened.path for opened in process.open_files()}
    return {path for path in paths if path.startswith("/dev/shm/") and not path.endswith("(deleted)")}  # noqa: S108


def assert_nothing_left(checkout: Checkout) -> None:
    """Check that neither processes nor files of a run are left."""
    assert programs(checkout) == []
    assert not (checkout.root / ".run").exists()


def get(checkout: Checkout, port_setting: str, path: str, token: str | None = None) -> dict[str, Any]:
    """Return the JSON a service answers with."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{checkout.environment[port_setting]}{path}",
        headers={"Authorization": f"Bearer {token}"} if token else {},
    )
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - an address of this machine
        answer = json.load(response)
    assert isinstance(answer, dict)
    return answer
