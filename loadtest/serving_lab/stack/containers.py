"""The stack in containers, under Docker Compose."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from rich.console import Console

from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack import engine, gateway, monitoring, preflight, secrets
from serving_lab.stack.base import Mode, Status
from serving_lab.stack.base_images import GATEWAY_IMAGE, BaseImages
from serving_lab.stack.compose import Compose
from serving_lab.stack.container_instances import READY_SECONDS, ContainerInstances
from serving_lab.stack.environment import Settings
from serving_lab.stack.headless import LocustRun
from serving_lab.stack.service import (
    GATEWAY,
    GRAFANA,
    LOCUST,
    LOCUST_WORKER,
    REDIS,
    REGISTRY,
    Service,
    without_number,
)
from serving_lab.stack.services import known_services, redis_service, services, targets
from serving_lab.stack.updates import Updates, replace_behind, settle_behind

DISK_BYTES = 3 << 30
GATE_LABEL = "serving-lab-gate"
"""Of images that `lab gate` built for a checkout, which is its value."""
_WITH_MODELS = (REGISTRY, "models")
"""The volumes that stay when a lab with a registry goes down: what somebody has pushed, and what of it serves."""
_SHOWN_LOG_LINES = 20
_STOP_SECONDS = 10
_OPTIONAL = {GATEWAY: GATEWAY_IMAGE, GRAFANA: "GRAFANA_IMAGE"}
"""The setting of the image of each service that the lab can do without."""


class ContainerStack:
    """The services as containers; the gateway and Grafana where their images can be had."""

    mode = Mode.CONTAINERS

    def __init__(self, project: Project, settings: Settings, console: Console) -> None:
        self._project = project
        self._settings = settings
        self._console = console
        self._compose = Compose(project, settings)
        self._instances = ContainerInstances(self._compose, project, settings, console)

    def running(self) -> bool:
        """Whether the engine answers and runs containers of this checkout."""
        return self._engine_answers() and any(container.state == "running" for container in self._compose.containers())

    def checks(self) -> list[preflight.Check]:
        """What must hold before `up`."""
        try:
            found = engine.Engine.find()
        except LabError as error:
            return [preflight.Check("engine", preflight.Outcome.FAIL, str(error), error.hint)]
        detail = f"{found.version}, Compose {found.compose_version}"
        checks = [preflight.Check("engine", preflight.Outcome.OK, detail), preflight.check_writable(self._project)]
        if not found.limits_processors:
            detail = "the engine cannot limit processors (no CPU CFS quota), and every service has a limit"
            hint = "a kernel with CONFIG_CFS_BANDWIDTH, or without containers: make up MODE=native"
            checks.append(preflight.Check("SERVICE_CPUS", preflight.Outcome.FAIL, detail, hint))
        checks += [*self._base_images.checks(found), self._check_grafana(found)]
        if elsewhere := sorted(
            {container.checkout for container in self._compose.of_project()} - {str(self._project.root)}
        ):
            detail = f"the lab is up from another checkout, {elsewhere[0]}"
            checks.append(preflight.Check("containers", preflight.Outcome.FAIL, detail, f"make -C {elsewhere[0]} down"))
        elif not self.running():
            settings, everything = self._settings, services(self._settings)
            checks += preflight.check_ports(settings, [service for service in everything if service.published])
            checks.append(preflight.check_control_port(settings))
            checks.append(
                preflight.check_memory(found.available_bytes, everything, settings.workers, settings.locust_workers)
            )
        if found.data_dir.exists():
            checks.append(preflight.check_disk(found.data_dir, DISK_BYTES, "docker system prune"))
        return checks

    def build(self) -> None:
        """Build the images of the services that run and of the load.

        Raises:
            LabError: a build fails.
        """
        names = [service.name for service in targets(self._settings)] + [REGISTRY] * self._settings.with_registry
        if self._compose.run("build", *names, LOCUST).returncode != 0:
            raise LabError("an image could not be built; the lines above say why", hint="fix it, then make up")

    def up(self) -> Sequence[Service]:
        """Build what has changed, start the containers, and wait until they are healthy."""
        preflight.require(check for check in self.checks() if check.subject not in self._base_images.wanted)
        wanted = self._wanted()
        self.build()
        names = [service.name for service in wanted] + [LOCUST_WORKER] * bool(self._settings.locust_workers)
        if gone := sorted({found.service for found in self._compose.containers()} & set(self._known) - set(names)):
            self._compose.run("rm", "--stop", "--force", *gone)  # of an `up` with other settings
        self._configure(wanted)
        secrets.hand_out(self._values(self._settings), self._settings.secrets_dir)
        # Compose shows its progress itself.
        started = self._compose.run("up", "--detach", "--wait", "--wait-timeout", str(READY_SECONDS), *names)
        if started.returncode != 0 or not self._brought_up_to_date():
            self._show_unhealthy()
            self._remove(quiet=True)
            raise LabError(
                "not everything became healthy; the last log lines are above, and everything was stopped again",
                hint="make doctor, then make up",
            )
        return wanted

    def instances(self) -> ContainerInstances:
        """Second instances of the services, as containers beside those of Compose."""
        return self._instances

    def down(self) -> bool:
        """Remove the containers, their network and volumes, but not the models that were pushed."""
        if not self._engine_answers():
            return False
        left = self._instances.end_all_next()
        if not self._compose.containers():
            return left
        self._remove()
        return True

    def _remove(self, *, quiet: bool = False) -> None:
        command = ("down", "--remove-orphans", *self._stop_timeout)
        projects = {container.project for container in self._compose.containers()}
        if self._compose.run(*command, capture=quiet).returncode != 0:
            raise LabError(
                "the containers could not be removed; the lines above say why", hint="docker compose ps --all"
            )
        for project in projects:
            volumes = engine.volumes(project)
            kept = _WITH_MODELS if REGISTRY in volumes else ()
            engine.remove_volumes([name for known_as, name in volumes.items() if known_as not in kept])

    def remove_built(self) -> None:
        """Remove the images built for the containers."""
        if self._engine_answers():
            self._compose.run("down", "--volumes", "--remove-orphans", "--rmi", "local")
            engine.remove_images(f"{GATE_LABEL}={self._project.root}")

    def restart(self, names: Sequence[str]) -> None:
        """Restart containers, with the secrets as they are set by now, and wait until they are healthy."""
        self._require_known(names)
        running = {container.service for container in self._compose.containers()}
        as_it_runs = replace(self._settings, with_redis=REDIS in running)
        secrets.hand_out(self._values(as_it_runs), self._settings.secrets_dir)
        if not self._restarted(names or sorted(running - {GATEWAY})):
            self._show_unhealthy()
            raise LabError(
                "not everything became healthy again; the last log lines are above", hint="make logs, or make up"
            )

    def logs(self, names: Sequence[str], *, follow: bool, lines: int) -> int:
        """Print what the containers wrote."""
        self._require_known(names)
        return self._compose.run("logs", "--tail", str(lines), *(["--follow"] if follow else []), *names).returncode

    def status(self) -> list[Status]:
        """The state of each container."""
        ports = {each.name: each.port if each.published else None for each in known_services(self._settings)}
        order = [*ports, LOCUST_WORKER]
        containers = [container for container in self._compose.containers() if container.service in order]
        memory = engine.memory_bytes([found.id for found in containers if found.state == "running"])
        return [
            Status(
                name=container.name,
                state=container.state,
                healthy=container.healthy,
                port=ports.get(container.service),
                pid=engine.pid(container.id),
                memory_bytes=memory.get(container.id),
            )
            for container in sorted(containers, key=lambda found: (order.index(found.service), found.number))
        ]

    def load(self, load: LocustRun) -> int:
        """Run Locust in a container of its own on the stack's network."""
        once = ("run", "--rm", "--no-deps", "--no-TTY", LOCUST)
        with secrets.handed_out_once(self._settings.environment, self._settings.secrets_dir) as directory:
            return self._compose.run(*once, *load.arguments, SECRETS_DIR=str(directory)).returncode

    def generator(self) -> tuple[list[str], dict[str, str]]:
        """What starts a process of the generator on the stack's network."""
        if self._compose.run("build", "--quiet", LOCUST, capture=True).returncode != 0:
            raise LabError("the load generator's image cannot be built", hint="make build says why")
        once = ("run", "--rm", "--no-deps", "--no-TTY", "--entrypoint", "python")
        return self._compose.command(*once, LOCUST, "-m", "serving_lab.generator")

    def inside_url(self, service: Service) -> str:
        """Where other containers reach a service: by its name, at its own port."""
        return service.container_url

    def facts(self, service: Service) -> dict[str, str]:
        """The digest of the image of a service's container."""
        found = [container.id for container in self._compose.containers() if container.service == service.name]
        return {"Image": engine.image_digest(found[0])} if found else {}

    def _configure(self, wanted: Sequence[Service]) -> None:
        """Write what containers read besides settings."""
        with_gateway = any(service.name == GATEWAY for service in wanted)
        metrics = f"{GATEWAY}:{gateway.METRICS_PORT}" if with_gateway else None
        monitoring.write(self._project, self._settings, self._project.config_dir, _address, metrics)
        gateway.write(gateway.plan_in_containers(self._settings), self._project.config_dir)

    @property
    def _base_images(self) -> BaseImages:
        return BaseImages.of(self._project, self._settings)

    def _values(self, settings: Settings) -> Mapping[str, str]:
        return settings.with_store(redis_service(settings).container_url)

    def _outdated(self) -> list[str]:
        """Services that were started before their secrets, or the gateway's configuration, were last written."""
        return sorted(
            {
                container.service
                for container in self._compose.containers()
                if container.state == "running" and self._is_outdated(container.service, engine.started(container.id))
            }
        )

    def _is_outdated(self, service: str, started: float) -> bool:
        if service == GATEWAY:
            return gateway.outdated(self._project.config_dir, started)
        return secrets.outdated(service, started, self._settings.secrets_dir)

    def _brought_up_to_date(self) -> bool:
        """Undo what an interrupted restart has left, restart what is outdated, and return whether all is healthy."""
        outdated = self._outdated()
        # First the gateway, which has to know all services.
        if GATEWAY in outdated and not self._restarted([GATEWAY]):
            return False
        self._settle()
        return self._restarted([name for name in outdated if name != GATEWAY])

    def _restarted(self, names: Sequence[str]) -> bool:
        """Restart these services, and return whether they became healthy.

        Those behind the gateway do so one after the other, so that somebody always answers.
        """
        names = replace_behind(
            self._updates, targets(self._settings), names, self._project.config_dir, self._console.print
        )
        if not names:
            return True
        self._compose.run("restart", *self._stop_timeout, *names)
        workers = sum(container.service == LOCUST_WORKER for container in self._compose.containers())
        started = self._compose.run(
            "up",
            *("--detach", "--wait", "--no-recreate", "--wait-timeout", str(READY_SECONDS), *names),
            # As many as there are, whatever the settings say by now.
            LOCUST_WORKERS=str(workers),
        )
        return started.returncode == 0

    def _settle(self) -> None:
        """Undo what an interrupted restart has left."""
        settle_behind(self._updates, targets(self._settings), self._project.config_dir)

    def _updates(self) -> Updates | None:
        """What replaces services behind the gateway; None where it is not ready."""
        if not any(each.service == GATEWAY and each.healthy for each in self._compose.containers()):
            return None
        control = gateway.control_in_containers(self._settings)
        return Updates(control, self._instances, self._settings.drain_seconds, self._console.print)

    @property
    def _stop_timeout(self) -> tuple[str, str]:
        return "--timeout", str(math.ceil(self._settings.stop_seconds) + _STOP_SECONDS)

    def _engine_answers(self) -> bool:
        try:
            engine.Engine.find()
        except LabError:
            return False
        return True

    def _wanted(self) -> list[Service]:
        """The services to start: all but those that the lab can do without and whose image cannot be had."""
        wanted = services(self._settings)
        for name, setting in _OPTIONAL.items():
            image = self._settings.environment[setting]
            if not (engine.has_image(image) or (engine.Engine.find().may_fetch(image) and engine.pull(image))):
                self._console.print(f"[yellow]{name} is left out[/]: its image {image} cannot be had", soft_wrap=True)
                wanted = [service for service in wanted if service.name != name]
        return wanted

    def _check_grafana(self, found: engine.Engine) -> preflight.Check:
        setting = _OPTIONAL[GRAFANA]
        image = self._settings.environment[setting]
        if engine.has_image(image):
            return preflight.Check(setting, preflight.Outcome.OK, f"{image} is here")
        if found.may_fetch(image):
            return preflight.Check(setting, preflight.Outcome.OK, f"{image} will be fetched")
        detail = f"{image} is not here, and its registry cannot be reached"
        return preflight.Check(setting, preflight.Outcome.WARN, detail, "the lab comes up without it")

    @property
    def _known(self) -> list[str]:
        return [*(service.name for service in known_services(self._settings)), LOCUST_WORKER]

    def _require_known(self, names: Sequence[str]) -> None:
        if unknown := [name for name in names if name not in self._known]:
            raise LabError(f"there is no service {unknown[0]!r}", hint=f"choose from {', '.join(self._known)}")

    def _show_unhealthy(self) -> None:
        for status in self.status():
            if not status.healthy:
                self._compose.run("logs", "--tail", str(_SHOWN_LOG_LINES), without_number(status.name))


def _address(service: Service) -> str:
    """Where Prometheus, itself a container, reaches a service."""
    return service.container_address
