"""The programs of the stack on the host: what each is started with, and where those of others are found."""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from serving_lab.project import Project
from serving_lab.stack import gateway, secrets
from serving_lab.stack.compose_file import ComposeFile
from serving_lab.stack.environment import Settings
from serving_lab.stack.service import (
    GATEWAY,
    GRAFANA,
    LOCUST,
    LOCUST_WORKER,
    LOOPBACK,
    MODEL_SYNC,
    PROMETHEUS,
    REDIS,
    REGISTRY,
    Service,
    host_port,
)
from serving_lab.stack.services import registry_service, services, targets
from serving_lab.stack.supervisor import Program
from serving_lab.targets.addresses import url_setting

OLDEST_PROMETHEUS, OLDEST_HAPROXY = (2, 42), (2, 6)
_STOP_SECONDS = 10.0
_GRAFANA_HOMES = ("/usr/share/grafana", "/opt/homebrew/share/grafana", "/usr/local/share/grafana")


@dataclass(frozen=True)
class Tools:
    """What of HAProxy, Prometheus, Grafana and Redis this host has."""

    haproxy: Path | None
    prometheus: Path | None
    grafana: tuple[str, ...] | None
    redis: Path | None
    missing: dict[str, str]
    """Of what the lab does without, what to do to have it too."""

    @classmethod
    def find(cls) -> "Tools":
        """Look on the PATH and in the places packages use."""
        missing: dict[str, str] = {}
        haproxy = _which("haproxy")
        if haproxy is None:
            missing[GATEWAY] = "no haproxy on the PATH: install it (apt-get install haproxy, brew install haproxy)"
        elif (version := _version(haproxy, "-v")) < OLDEST_HAPROXY:
            missing[GATEWAY] = f"{haproxy} is {'.'.join(map(str, version))}, and 2.6 or newer is needed: update it"
            haproxy = None
        prometheus = _which("prometheus")
        if prometheus is None:
            missing[PROMETHEUS] = (
                "no prometheus on the PATH: install it (apt-get install prometheus, brew install prometheus)"
            )
        elif (version := _version(prometheus, "--version")) < OLDEST_PROMETHEUS:
            missing[PROMETHEUS] = (
                f"{prometheus} is {'.'.join(map(str, version))}, and 2.42 or newer is needed: update it"
            )
            prometheus = None
        grafana = _grafana()
        if grafana is None:
            missing[GRAFANA] = "no grafana on the PATH: install it (https://grafana.com/grafana/download)"
        return cls(haproxy, prometheus, grafana, _which("redis-server"), missing)


def programs_for(project: Project, settings: Settings, tools: Tools, run_dir: Path) -> list[Program]:
    """The programs this host can run, in the order they start."""
    compose = ComposeFile(project.compose_file)
    programs = [_redis(tools.redis, settings, run_dir, compose)] if settings.with_redis and tools.redis else []
    if settings.with_registry:
        programs += [_registry(project, settings, compose), _model_sync()]
    programs += [
        service_program(settings, each.name, each.name, settings.bind_address, each.port) for each in targets(settings)
    ]
    if tools.haproxy:
        programs.append(_gateway(tools.haproxy, project))
    web = ("--web-host", settings.bind_address, "--web-port", str(settings.ports[LOCUST]))
    locust = (tool("locust"), "-f", str(project.locustfile))
    programs.append(Program(LOCUST, (*locust, *web, *_master(settings)), _STOP_SECONDS))
    master = ("--master-host", LOOPBACK, "--master-port", str(settings.locust_master_port))
    programs += [
        Program(f"{LOCUST_WORKER}-{number}", (*locust, "--worker", *master), _STOP_SECONDS)
        for number in range(1, settings.locust_workers + 1)
    ]
    if tools.prometheus:
        programs.append(_prometheus(tools.prometheus, project, settings, run_dir, compose))
    if tools.grafana:
        programs.append(Program(GRAFANA, tools.grafana, _STOP_SECONDS))
    return programs


def service_program(settings: Settings, service: str, name: str, host: str, port: int) -> Program:
    """An instance of a service under test, as a program of this name that listens there."""
    environment = {"HOST": host, "PORT": str(port)}
    return Program(name, (tool(service),), settings.stop_seconds + _STOP_SECONDS, environment)


def _gateway(program: Path, project: Project) -> Program:
    # Relative to the checkout, where programs run, as the paths inside it.
    configuration = (project.config_dir / GATEWAY / gateway.CONFIGURATION).relative_to(project.root)
    # After this signal it lets requests in flight end.
    return Program(GATEWAY, (str(program), "-db", "-f", str(configuration)), _STOP_SECONDS, stop_signal="USR1")


def _redis(program: Path, settings: Settings, run_dir: Path, compose: ComposeFile) -> Program:
    where = ("--bind", LOOPBACK, "--port", str(settings.ports[REDIS]), "--dir", str(run_dir))
    return Program(REDIS, (str(program), *compose.command(REDIS), *where), _STOP_SECONDS)


def _registry(project: Project, settings: Settings, compose: ComposeFile) -> Program:
    data = project.registry_dir / "data"
    own = {
        "--backend-store-uri": f"sqlite:///{data / 'registry.db'}",
        "--artifacts-destination": str(data / "artifacts"),
        "--host": LOOPBACK,
        "--port": str(settings.ports[REGISTRY]),
    }
    command, *arguments = compose.command(REGISTRY)
    program = str(project.registry_dir / "venv" / "bin" / "mlflow")
    return Program(REGISTRY, (program, command, *_with(arguments, own)), _STOP_SECONDS, compose.environment(REGISTRY))


def _model_sync() -> Program:
    return Program(MODEL_SYNC, (sys.executable, "-m", "serving_lab.commands.model_sync"), _STOP_SECONDS)


def _prometheus(program: Path, project: Project, settings: Settings, run_dir: Path, compose: ComposeFile) -> Program:
    own = {
        "--config.file": f"{project.config_dir / PROMETHEUS / 'prometheus.yml'}",
        "--storage.tsdb.path": f"{run_dir / PROMETHEUS / 'data'}",
        "--web.listen-address": host_port(settings.bind_address, settings.ports[PROMETHEUS]),
    }
    return Program(PROMETHEUS, (str(program), *_with(compose.command(PROMETHEUS), own)), _STOP_SECONDS)


def _with(arguments: Sequence[str], own: Mapping[str, str]) -> list[str]:
    """Options, each written `--name=value`, with some of them as they are on this host."""
    options = {**dict(option.partition("=")[::2] for option in arguments), **own}
    return [f"{name}={value}" for name, value in options.items()]


def _master(settings: Settings) -> tuple[str, ...]:
    if not settings.locust_workers:
        return ()
    port, workers = str(settings.locust_master_port), str(settings.locust_workers)
    return "--master", "--master-bind-host", LOOPBACK, "--master-bind-port", port, "--expect-workers", workers


def shared_environment(project: Project, settings: Settings, run_dir: Path) -> dict[str, str]:
    """What every program sees: the settings, and where the others answer."""
    here = {service.name: service for service in services(settings)}
    grafana, dashboards = run_dir / GRAFANA, project.config_dir / GRAFANA / "dashboards"
    return {
        **settings.public,
        **secrets.as_files(settings.secrets_dir),
        "TRUSTED_PROXIES": ",".join(
            filter(None, (gateway.own_address(settings), settings.public.get("TRUSTED_PROXIES")))
        ),
        "MODEL_DIR": str(project.model_dir),
        "MODEL_UPDATES_DIR": str(project.models_dir) if settings.with_registry else "",
        "REGISTRY_URL": registry_service(settings).url,
        "RUN_DIR": "",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        **{url_setting(service.name): service.url for service in targets(settings)},
        "PROMETHEUS_URL": here[PROMETHEUS].url,
        "GATEWAY_URL": here[GATEWAY].url,
        "DASHBOARDS_DIR": str(dashboards),
        **_of_grafana(ComposeFile(project.compose_file)),
        "GF_PATHS_PROVISIONING": str(project.monitoring / "grafana" / "provisioning"),
        "GF_PATHS_DATA": str(grafana / "data"),
        "GF_PATHS_LOGS": str(grafana / "logs"),
        "GF_PATHS_PLUGINS": str(grafana / "plugins"),
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(dashboards / "side-by-side.json"),
        "GF_SERVER_HTTP_ADDR": settings.bind_address,
        "GF_SERVER_HTTP_PORT": str(settings.ports[GRAFANA]),
        "GF_SECURITY_ADMIN_PASSWORD": f"$__file{{{settings.secrets_dir / 'GRAFANA_ADMIN_PASSWORD'}}}",
    }


def _of_grafana(compose: ComposeFile) -> dict[str, str]:
    return {name: value for name, value in compose.environment(GRAFANA).items() if name.startswith("GF_")}


def present(settings: Settings, programs: list[Program]) -> list[Service]:
    """The services that these programs answer for."""
    names = {program.name for program in programs}
    return [service for service in services(settings) if service.name in names]


def tool(name: str) -> str:
    """The path of a program installed beside this one."""
    return str(Path(sys.executable).parent / name)


def _which(name: str) -> Path | None:
    found = shutil.which(name) or shutil.which(name, path="/usr/bin:/usr/sbin:/usr/local/bin:/opt/homebrew/bin")
    return Path(found) if found else None


def _version(program: Path, option: str) -> tuple[int, int]:
    result = subprocess.run([program, option], capture_output=True, text=True, check=False)  # noqa: S603
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
