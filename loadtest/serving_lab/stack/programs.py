"""The programs of the stack on the host: what each is started with, and where Prometheus and Grafana are found."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from serving_lab.project import Project
from serving_lab.stack import secrets
from serving_lab.stack.environment import Settings
from serving_lab.stack.services import (
    FASTAPI,
    FLASK,
    GRAFANA,
    LOCUST,
    LOCUST_WORKER,
    LOOPBACK,
    PROMETHEUS,
    REDIS,
    Service,
    services,
)
from serving_lab.stack.supervisor import Program

OLDEST_PROMETHEUS = (2, 42)
PROMETHEUS_RETENTION = "6h"
_STOP_SECONDS = 10.0
_GRAFANA_HOMES = ("/usr/share/grafana", "/opt/homebrew/share/grafana", "/usr/local/share/grafana")


@dataclass(frozen=True)
class Tools:
    """What of Prometheus, Grafana and Redis this host has."""

    prometheus: Path | None
    grafana: tuple[str, ...] | None
    redis: Path | None
    missing: dict[str, str]
    """Of what the lab does without, what to do to have it too."""

    @classmethod
    def find(cls) -> "Tools":
        """Look on the PATH and in the places packages use."""
        missing: dict[str, str] = {}
        prometheus = _which("prometheus")
        if prometheus is None:
            missing[PROMETHEUS] = (
                "no prometheus on the PATH: install it (apt-get install prometheus, brew install prometheus)"
            )
        elif (version := _version(prometheus)) < OLDEST_PROMETHEUS:
            missing[PROMETHEUS] = (
                f"{prometheus} is {'.'.join(map(str, version))}, and 2.42 or newer is needed: update it"
            )
            prometheus = None
        grafana = _grafana()
        if grafana is None:
            missing[GRAFANA] = "no grafana on the PATH: install it (https://grafana.com/grafana/download)"
        return cls(prometheus, grafana, _which("redis-server"), missing)


def programs_for(project: Project, settings: Settings, tools: Tools, run_dir: Path) -> list[Program]:
    """Return the programs this host can run, in the order they start."""
    here = {service.name: service for service in services(settings)}
    service_stop = settings.stop_seconds + _STOP_SECONDS
    programs = [_redis(tools.redis, settings, run_dir)] if settings.with_redis and tools.redis else []
    programs += [
        Program(name, (tool(name),), service_stop, {"HOST": settings.bind_address, "PORT": str(here[name].port)})
        for name in (FLASK, FASTAPI)
    ]
    web = ("--web-host", settings.bind_address, "--web-port", str(settings.locust_port))
    locust = (tool("locust"), "-f", str(project.locustfile))
    programs.append(Program(LOCUST, (*locust, *web, *_master(settings)), _STOP_SECONDS))
    master = ("--master-host", LOOPBACK, "--master-port", str(settings.locust_master_port))
    programs += [
        Program(f"{LOCUST_WORKER}-{number}", (*locust, "--worker", *master), _STOP_SECONDS)
        for number in range(1, settings.locust_workers + 1)
    ]
    if tools.prometheus:
        state = run_dir / PROMETHEUS
        arguments = (
            f"--config.file={state}/prometheus.yml",
            f"--storage.tsdb.path={state}/data",
            f"--storage.tsdb.retention.time={PROMETHEUS_RETENTION}",
            f"--web.listen-address={_host_port(settings.bind_address, settings.prometheus_port)}",
        )
        programs.append(Program(PROMETHEUS, (str(tools.prometheus), *arguments), _STOP_SECONDS))
    if tools.grafana:
        programs.append(Program(GRAFANA, tools.grafana, _STOP_SECONDS))
    return programs


def _redis(program: Path, settings: Settings, run_dir: Path) -> Program:
    """What is a cache is written nowhere, and bounded as in compose.yaml."""
    where = ("--bind", LOOPBACK, "--port", str(settings.redis_port), "--dir", str(run_dir))
    bounds = ("--save", "", "--maxmemory", "192mb", "--maxmemory-policy", "noeviction")
    return Program(REDIS, (str(program), *where, *bounds), _STOP_SECONDS)


def _master(settings: Settings) -> tuple[str, ...]:
    if not settings.locust_workers:
        return ()
    port, workers = str(settings.locust_master_port), str(settings.locust_workers)
    return "--master", "--master-bind-host", LOOPBACK, "--master-bind-port", port, "--expect-workers", workers


def shared_environment(project: Project, settings: Settings, run_dir: Path) -> dict[str, str]:
    """Return what every program sees: the settings, and where the others answer."""
    here = {service.name: service for service in services(settings)}
    grafana, dashboards = project.monitoring / "grafana", project.monitoring / "grafana" / "dashboards"
    return {
        **settings.public,
        **secrets.as_files(settings.secrets_dir),
        "MODEL_DIR": str(project.model_dir),
        "RUN_DIR": "",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "FLASK_URL": here[FLASK].url,
        "FASTAPI_URL": here[FASTAPI].url,
        "PROMETHEUS_URL": here[PROMETHEUS].url,
        "DASHBOARDS_DIR": str(dashboards),
        "GF_PATHS_PROVISIONING": str(grafana / "provisioning"),
        "GF_PATHS_DATA": str(run_dir / GRAFANA / "data"),
        "GF_PATHS_LOGS": str(run_dir / GRAFANA / "logs"),
        "GF_PATHS_PLUGINS": str(run_dir / GRAFANA / "plugins"),
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(dashboards / "side-by-side.json"),
        "GF_DASHBOARDS_MIN_REFRESH_INTERVAL": "2s",
        "GF_SERVER_HTTP_ADDR": settings.bind_address,
        "GF_SERVER_HTTP_PORT": str(settings.grafana_port),
        "GF_SECURITY_ADMIN_PASSWORD": f"$__file{{{settings.secrets_dir / 'GRAFANA_ADMIN_PASSWORD'}}}",
        "GF_SECURITY_DISABLE_GRAVATAR": "true",
        "GF_AUTH_ANONYMOUS_ENABLED": "true",
        "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
        "GF_PLUGINS_PREINSTALL_DISABLED": "true",
        "GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED": "true",
        "GF_NEWS_NEWS_FEED_ENABLED": "false",
        "GF_USERS_DEFAULT_THEME": "system",
    }


def write_monitoring(project: Project, settings: Settings, run_dir: Path) -> None:
    """Lay out Prometheus' configuration with the addresses of this host, as monitoring/README.md says."""
    state = run_dir / PROMETHEUS
    shutil.copytree(project.monitoring / PROMETHEUS, state, ignore=shutil.ignore_patterns("targets"))
    (state / "targets").mkdir()
    for service in services(settings):
        target = [{"targets": [_host_port(settings.probe_address, service.port)]}]
        (state / "targets" / f"{service.name}.json").write_text(json.dumps(target))


def present(settings: Settings, programs: list[Program]) -> list[Service]:
    """Return the services that these programs answer for."""
    names = {program.name for program in programs}
    return [service for service in services(settings) if service.name in names]


def tool(name: str) -> str:
    """The path of a program installed beside this one."""
    return str(Path(sys.executable).parent / name)


def _which(name: str) -> Path | None:
    found = shutil.which(name) or shutil.which(name, path="/usr/bin:/usr/sbin:/usr/local/bin:/opt/homebrew/bin")
    return Path(found) if found else None


def _version(prometheus: Path) -> tuple[int, int]:
    result = subprocess.run([prometheus, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    found = re.search(r"version (\d+)\.(\d+)", result.stdout + result.stderr)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _grafana() -> tuple[str, ...] | None:
    for name, arguments in (("grafana", ("server",)), ("grafana-server", ())):
        program = _which(name)
        if program is None:
            continue
        unpacked = program.resolve().parent.parent  # of a release's archive: bin/ beside conf/
        for home in (unpacked, *map(Path, _GRAFANA_HOMES)):
            if (home / "conf" / "defaults.ini").is_file():
                return (str(program), *arguments, "--homepath", str(home))
    return None


def _host_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"
