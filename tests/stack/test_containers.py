"""The containers: healthy, without privileges, with equal limits that are in force."""

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support import local_http
from support.services import CATALOGUE, USERNAME
from support.stack import PORTS, SERVICES, Stack, run

pytestmark = pytest.mark.stack

CPUS, MEMORY_BYTES = 1.0, 1 << 30

CGROUP_LIMITS = """
import json, pathlib
cgroup = pathlib.Path("/sys/fs/cgroup")
if (cgroup / "cpu.max").exists():  # version 2
    quota, period = (cgroup / "cpu.max").read_text().split()
    memory = (cgroup / "memory.max").read_text()
else:
    quota, period = ((cgroup / "cpu" / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
    memory = (cgroup / "memory/memory.limit_in_bytes").read_text()
print(json.dumps([int(quota) / int(period), int(memory)]))
"""


def test_container_is_healthy(stack: Stack, container: str) -> None:
    assert stack.inspect(container)["State"]["Health"]["Status"] == "healthy"


def test_process_is_not_root_and_has_no_capability(stack: Stack, container: str) -> None:
    lines = stack.execute(container, "cat", "/proc/1/status").stdout.splitlines()
    status = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}

    assert "0" not in status["Uid"]
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name][0], 16) == 0, name
    assert status["NoNewPrivs"] == ["1"]
    assert status["Seccomp"] == ["2"]


def test_root_file_system_is_read_only(stack: Stack, container: str) -> None:
    written = stack.execute(container, "sh", "-c", "mkdir /probe || echo >/etc/probe", check=False)

    assert written.returncode != 0
    assert "Read-only file system" in written.stderr


def test_ports_are_published_on_this_machine_only(stack: Stack, container: str) -> None:
    published = stack.inspect(container)["NetworkSettings"]["Ports"]

    bindings = [binding for ports in published.values() for binding in ports or []]
    assert {binding["HostIp"] for binding in bindings} == {"127.0.0.1"}


def test_logs_are_rotated(stack: Stack, container: str) -> None:
    assert stack.inspect(container)["HostConfig"]["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}


def test_all_services_have_the_same_limits(stack: Stack) -> None:
    names = ("NanoCpus", "Memory", "MemorySwap", "PidsLimit", "ShmSize", "Tmpfs")
    baseline, *candidates = (
        {name: stack.inspect(service)["HostConfig"][name] for name in names} for service in SERVICES
    )

    assert all(candidate == baseline for candidate in candidates)
    assert (baseline["NanoCpus"], baseline["Memory"]) == (CPUS * 1e9, MEMORY_BYTES)
    assert baseline["MemorySwap"] == baseline["Memory"], "swap would hide how much memory a service needs"


@pytest.mark.parametrize("service", SERVICES)
def test_limits_are_in_force(stack: Stack, service: str) -> None:
    assert stack.python(service, CGROUP_LIMITS) == [CPUS, MEMORY_BYTES]


@pytest.mark.parametrize("port", PORTS.values())
def test_service_reports_the_limits_it_runs_under(stack: Stack, port: str) -> None:
    exposition = local_http.get(f"{stack.url(port)}/metrics").text
    values = {family.name: family.samples for family in text_string_to_metric_families(exposition)}

    assert values["service_cpu_limit_cores"][0].value == CPUS
    assert values["service_memory_limit_bytes"][0].value == MEMORY_BYTES


def test_load_starts_when_the_services_that_always_run_are_healthy(stack: Stack) -> None:
    for service in (entry.name for entry in CATALOGUE.running({}).entries):
        checks = stack.inspect(service)["State"]["Health"]["Log"]
        assert any(check["ExitCode"] == 0 for check in checks)
        assert stack.inspect(service)["State"]["StartedAt"] < stack.inspect("locust")["State"]["StartedAt"]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("setting", "value", "status"), [("SECRET_KEY", "short", 2), ("WORKERS", "none", 2), ("MODEL_DIR", "/nowhere", 1)]
)
def test_container_says_in_one_line_why_it_does_not_start(
    stack: Stack, service: str, setting: str, value: str, status: int
) -> None:
    settings = {"SECRET_KEY": stack.settings["SECRET_KEY"], "API_USERNAME": USERNAME, "API_PASSWORD": "any"}
    options = [f"--env={name}={text}" for name, text in (settings | {setting: value}).items()]

    ended = run(["docker", "run", "--rm", "--read-only", *options, stack.image(service)["Id"]], check=False)

    assert ended.returncode == status
    (line,) = (ended.stdout + ended.stderr).splitlines()
    assert value in line or setting in line


@pytest.mark.parametrize("service", SERVICES)
def test_service_starts_without_any_network(stack: Stack, service: str) -> None:
    image = stack.image(service)["Id"]
    settings = [f"--env={name}={stack.settings[name]}" for name in ("SECRET_KEY", "API_USERNAME", "API_PASSWORD")]
    name = f"{stack.settings['COMPOSE_PROJECT_NAME']}-{service}-alone"
    try:
        alone = ["--network=none", "--read-only", "--tmpfs=/tmp", *settings]
        run(["docker", "run", "--detach", "--name", name, *alone, image])
        script = "until python -m serving_core.runtime.healthcheck 2>/dev/null; do sleep 0.2; done"
        run(["docker", "exec", name, "timeout", "30", "sh", "-c", script])
    finally:
        run(["docker", "rm", "--force", name])
