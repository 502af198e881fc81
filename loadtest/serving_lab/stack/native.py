"""The stack as processes on this host, under supervisord."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import psutil
from rich.console import Console

from serving_lab.errors import LabError
from serving_lab.gateway.config import CHALLENGER, NEXT
from serving_lab.project import Project
from serving_lab.stack import gateway, installation, logs, monitoring, native_wait, preflight, secrets
from serving_lab.stack.base import Mode, Status
from serving_lab.stack.environment import Settings
from serving_lab.stack.headless import LocustRun
from serving_lab.stack.native_instances import NativeInstances
from serving_lab.stack.programs import Tools, present, programs_for, shared_environment, tool
from serving_lab.stack.service import GATEWAY, LOCUST_WORKER, LOOPBACK, REDIS, Service, host_port
from serving_lab.stack.services import known_services, redis_service, services, targets
from serving_lab.stack.supervisor import Process, Program, Supervisor
from serving_lab.stack.updates import Updates, replace_behind, settle_behind

DISK_BYTES = 1 << 29


class NativeStack:
    """The services as processes; Prometheus and Grafana where this host has them."""

    mode = Mode.NATIVE

    def __init__(self, project: Project, settings: Settings, console: Console) -> None:
        self._project = project
        self._settings = settings
        self._console = console
        self._supervisor = Supervisor(project.run_dir)

    def running(self) -> bool:
        """Whether its supervisord answers."""
        return self._supervisor.identity() is not None

    def checks(self) -> list[preflight.Check]:
        """What must hold before `up`."""
        tools = Tools.find()
        wanted = [service for service in services(self._settings) if service.name not in tools.missing]
        checks = [preflight.check_writable(self._project)]
        warn = preflight.Outcome.WARN
        checks += self._check_redis(tools)
        checks += [preflight.Check(name, warn, f"left out: {why}") for name, why in tools.missing.items()]
        if not self.running():
            available, settings = psutil.virtual_memory().available, self._settings
            checks += preflight.check_ports(self._settings, wanted)
            if tools.haproxy:
                checks.append(preflight.check_metrics_port(self._settings))
            if self._settings.locust_workers:
                checks.append(preflight.check_master_port(self._settings))
            checks.append(preflight.check_memory(available, wanted, settings.workers, settings.locust_workers))
        checks.append(preflight.check_disk(self._project.root, DISK_BYTES, "remove what is not needed: make clean"))
        return checks

    def build(self) -> None:
        """Install the services, train the model, and install the registry if it runs, where that is not done."""
        installation.install(self._project, [service.name for service in targets(self._settings)])
        installation.train(self._project, self._settings.environment["MODEL_KIND"], self._console)
        if self._settings.with_registry:
            installation.install_registry(self._project)

    def remove_built(self) -> None:
        """Remove the trained model, and the registry with all of its models."""
        for built in (self._project.model_dir, self._project.models_dir, self._project.registry_dir):
            shutil.rmtree(built, ignore_errors=True)

    def up(self) -> Sequence[Service]:
        """Start the programs, unless exactly these run already, and wait until they are ready."""
        tools = Tools.find()
        for name, why in tools.missing.items():
            self._console.print(f"[yellow]{name} is left out[/]: {why}", soft_wrap=True)
        preflight.require(self._check_redis(tools) if self.running() else self.checks())
        self.build()
        programs = programs_for(self._project, self._settings, tools, self._project.run_dir)
        environment = shared_environment(self._project, self._settings, self._project.run_dir)
        identity = self._identity(programs, environment)
        wanted = present(self._settings, programs)
        secrets.hand_out(self._values(self._settings), self._settings.secrets_dir)
        if self._supervisor.identity() == identity and self._settled():
            self._restart(self._outdated())
            return wanted
        if self._supervisor.stop():
            self._console.print("Something has changed or is not ready: restarting everything")
        preflight.require(self.checks())
        try:
            self._project.run_dir.mkdir(mode=0o700)
            self._configure(tools)
            self._supervisor.start(identity, programs, environment)
            self._wait([program.name for program in programs])
        except BaseException:
            self._supervisor.stop()
            raise
        return wanted

    def down(self) -> bool:
        """End the programs and remove the run directory."""
        return self._supervisor.stop()

    def restart(self, names: Sequence[str]) -> None:
        """Restart programs, with the secrets as they are set by now, and wait until they are ready."""
        chosen = [name for name in self._chosen(names) if names or name != GATEWAY]
        as_it_runs = replace(self._settings, with_redis=any(process.name == REDIS for process in self._processes()))
        secrets.hand_out(self._values(as_it_runs), self._settings.secrets_dir)
        self._restart(chosen)

    def logs(self, names: Sequence[str], *, follow: bool, lines: int) -> int:
        """Print what the programs wrote."""
        files = {name: self._supervisor.log_file(name) for name in self._chosen(names)}
        logs.show(self._console, files, follow=follow, lines=lines)
        return 0

    def status(self) -> list[Status]:
        """The state of each program."""
        known = self._services
        return [
            Status(
                name=process.name,
                state=str(process.state).lower(),
                healthy=native_wait.is_ready(process, known),
                port=known[process.name].port if process.name in known else None,
                pid=process.pid,
                memory_bytes=_memory_bytes(process.pid),
            )
            for process in self._processes()
        ]

    def load(self, load: LocustRun) -> int:
        """Run Locust beside the stack."""
        command = [tool("locust"), "-f", str(self._project.locustfile), *load.arguments]
        with secrets.handed_out_once(self._settings.environment, self._settings.secrets_dir) as directory:
            settings = replace(self._settings, secrets_dir=directory)
            environment = shared_environment(self._project, settings, self._project.run_dir)
            environment = {**os.environ, **environment}
            return subprocess.run(command, cwd=self._project.root, env=environment, check=False).returncode  # noqa: S603

    def generator(self) -> tuple[list[str], dict[str, str]]:
        """What starts a process of the generator on this host."""
        return [sys.executable, "-m", "serving_lab.generator"], dict(os.environ)

    def inside_url(self, service: Service) -> str:
        """Where a service answers: on the host there is one address for all."""
        return service.url

    def facts(self, service: Service) -> dict[str, str]:  # noqa: ARG002 - the signature of all stacks
        """Nothing: a service says itself what it runs on."""
        return {}

    def instances(self) -> NativeInstances:
        """Second instances of the services, as programs of its supervisord."""
        return NativeInstances(self._supervisor, self._settings, self._console, self._services)

    def _configure(self, tools: Tools) -> None:
        """Write what the programs read besides settings."""
        metrics = f"{LOOPBACK}:{self._settings.gateway_metrics_port}" if tools.haproxy else None
        monitoring.write(self._project, self._settings, self._project.config_dir, self._address, metrics)
        gateway.write(gateway.plan_on_host(self._project, self._settings), self._project.config_dir)

    def _address(self, service: Service) -> str:
        """Where Prometheus reaches a service."""
        return host_port(self._settings.probe_address, service.port)

    def _values(self, settings: Settings) -> Mapping[str, str]:
        return settings.with_store(redis_service(settings).url)

    def _outdated(self) -> list[str]:
        """Programs that were started before their secrets were last handed out."""
        directory = self._settings.secrets_dir
        return [each.name for each in self._processes() if secrets.outdated(each.service, each.started, directory)]

    def _restart(self, names: Sequence[str]) -> None:
        """Restart programs: services behind the gateway one after the other, so that somebody always answers."""
        names = replace_behind(
            self._updates, targets(self._settings), names, self._project.config_dir, self._console.print
        )
        self._supervisor.restart(names)
        self._wait(names)

    def _settled(self) -> bool:
        """Undo what an interrupted restart has left; return whether everything is ready."""
        try:
            settle_behind(self._updates, targets(self._settings), self._project.config_dir)
        except LabError as error:
            self._console.print(f"{error}", soft_wrap=True, markup=False)
        return all(status.healthy for status in self.status())

    def _updates(self) -> Updates | None:
        """What replaces services behind the gateway; None where it is not ready."""
        if not any(status.name == GATEWAY and status.healthy for status in self.status()):
            return None
        control = gateway.control_on_host(self._project)
        return Updates(control, self.instances(), self._settings.drain_seconds, self._console.print)

    def _wait(self, names: Sequence[str]) -> None:
        native_wait.wait(self._supervisor, self._console, names, self._services)

    @property
    def _services(self) -> dict[str, Service]:
        return {service.name: service for service in known_services(self._settings)}

    def _check_redis(self, tools: Tools) -> list[preflight.Check]:
        if tools.redis or not self._settings.with_redis:
            return []
        detail = "COMPOSE_PROFILES asks for it, and there is no redis-server on the PATH"
        hint = "apt-get install redis-server (or brew install redis), or take redis out of COMPOSE_PROFILES"
        return [preflight.Check(REDIS, preflight.Outcome.FAIL, detail, hint)]

    def _processes(self) -> list[Process]:
        order = [*self._services]
        processes = {process.name: process for process in self._supervisor.processes()}
        workers = [name for name in processes if name not in order]
        return [processes[name] for name in (*order, *workers) if name in processes]

    def _chosen(self, names: Sequence[str]) -> list[str]:
        # Second instances come and go with what started them.
        running = [each.name for each in self._processes() if each.name != CHALLENGER and not each.name.endswith(NEXT)]
        chosen = {name: [each for each in running if each == name or _is_worker(each, name)] for name in names}
        if unknown := [name for name, found in chosen.items() if not found]:
            raise LabError(f"there is no service {unknown[0]!r}", hint=f"choose from {', '.join(sorted(running))}")
        return [each for each in running if not names or any(each in found for found in chosen.values())]

    def _identity(self, programs: list[Program], environment: object) -> str:
        digest = hashlib.sha256(repr((programs, environment)).encode())
        for path in sorted(_sources(self._project)):
            digest.update(f"{path}\0".encode() + path.read_bytes())
        return f"serving-lab-{digest.hexdigest()[:16]}"


def _is_worker(program: str, name: str) -> bool:
    return name == LOCUST_WORKER and program.startswith(f"{LOCUST_WORKER}-")


def _sources(project: Project) -> list[Path]:
    folders = ("services", "loadtest", "monitoring", "build/model", "deploy/registry")
    found = [path for folder in folders for path in (project.root / folder).rglob("*") if path.is_file()]
    return [path for path in found if "__pycache__" not in path.parts]


def _memory_bytes(pid: int) -> int | None:
    try:
        process = psutil.Process(pid)
        return sum(_own_bytes(member) for member in (process, *process.children(recursive=True)))
    except psutil.Error:
        return None


def _own_bytes(process: psutil.Process) -> int:
    full = process.memory_full_info()
    # Shared pages are counted once over all processes where the kernel can say so (Linux).
    return int(getattr(full, "pss", 0) or full.rss)
