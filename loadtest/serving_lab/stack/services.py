"""The services of the stack: those under test, as the catalogue lists them, and the lab's own."""

from serving_lab.errors import LabError
from serving_lab.gateway.config import HEALTH_PATH
from serving_lab.stack.base import Stack
from serving_lab.stack.environment import OWN_PORTS, Settings
from serving_lab.stack.service import (
    GATEWAY,
    GRAFANA,
    LOCUST,
    LOOPBACK,
    MODEL_SYNC,
    PROMETHEUS,
    REDIS,
    REGISTRY,
    GatewayService,
    RedisService,
    Service,
)
from serving_lab.targets.catalogue import Catalogue


def services(settings: Settings) -> list[Service]:
    """The services that the settings ask for, in the order they start."""
    redis = [redis_service(settings)] if settings.with_redis else []
    registry = _of_models(settings) if settings.with_registry else []
    return [*redis, *registry, *targets(settings), gateway_service(settings), *_own(settings)]


def known_services(settings: Settings) -> list[Service]:
    """All services that there may be, such as those that an `up` with other settings has started."""
    under_test = _under_test(settings, settings.catalogue)
    before = [redis_service(settings), *_of_models(settings)]
    return [*before, *under_test, gateway_service(settings), *_own(settings)]


def targets(settings: Settings) -> list[Service]:
    """The services under test that run, the baseline first."""
    return _under_test(settings, settings.running)


def running_targets(stack: Stack, settings: Settings) -> list[Service]:
    """The services under test that run in a stack, whatever the settings say by now; the baseline first.

    Raises:
        LabError: there are not two to compare.
    """
    up = {status.name for status in stack.status()}
    running = [service for service in _under_test(settings, settings.catalogue) if service.name in up]
    if len(running) < 2:
        names = ", ".join(service.name for service in running) or "none"
        raise LabError(f"two services are needed to compare, and those that run are: {names}", hint="make up")
    return running


def redis_service(settings: Settings) -> RedisService:
    """The lab's Redis, which listens on this machine alone."""
    port = settings.ports[REDIS]
    return RedisService(REDIS, port, OWN_PORTS[REDIS], "", f"redis://{LOOPBACK}:{port}/0", 6379, published=False)


def registry_service(settings: Settings) -> Service:
    """The registry of models, which listens on this machine alone: who reaches it says what the services answer."""
    port = settings.ports[REGISTRY]
    return Service(REGISTRY, port, OWN_PORTS[REGISTRY], "/health", f"http://{LOOPBACK}:{port}", 5050)


def model_sync_service(settings: Settings) -> Service:
    """What lays down for the services which model the registry names; it says how that goes."""
    port = settings.ports[MODEL_SYNC]
    url = f"http://{LOOPBACK}:{port}"
    return Service(MODEL_SYNC, port, OWN_PORTS[MODEL_SYNC], "/metrics", url, 9105)


def gateway_service(settings: Settings) -> GatewayService:
    """The gateway before the services."""
    port = settings.ports[GATEWAY]
    url = f"http://{settings.probe_address}:{port}"
    metrics_port = settings.gateway_metrics_port
    return GatewayService(GATEWAY, port, OWN_PORTS[GATEWAY], HEALTH_PATH, url, 8080, metrics_port=metrics_port)


def _under_test(settings: Settings, catalogue: Catalogue) -> list[Service]:
    return [
        Service(entry.name, port, entry.port_setting, "/ready", f"http://{settings.probe_address}:{port}", entry.port)
        for entry in catalogue.entries
        for port in (settings.ports[entry.name],)
    ]


def _of_models(settings: Settings) -> list[Service]:
    return [registry_service(settings), model_sync_service(settings)]


def _own(settings: Settings) -> list[Service]:
    table = ((LOCUST, "/", 8089), (PROMETHEUS, "/-/ready", 9090), (GRAFANA, "/api/health", 3000))
    return [
        Service(name, port, OWN_PORTS[name], path, f"http://{settings.probe_address}:{port}", container_port)
        for name, path, container_port in table
        for port in (settings.ports[name],)
    ]
