"""Deployments: the containers that compose.yaml describes, as pods."""

from collections.abc import Mapping, Sequence

from serving_lab.stack.secrets import SECRETS
from serving_lab.stack.service import LOCUST, LOCUST_WORKER, REDIS
from serving_lab.targets.catalogue import Entry

from kubernetes_manifests.objects import LOAD, NAME, STORE, TARGET, Object, labels, new, service
from kubernetes_manifests.source import ComposeService, Source, quantity

CREDENTIALS = "credentials"
"""The Secret that must exist: a file for each secret, as `make up` writes them to SECRETS_DIR."""
_SECRETS_DIR = "/run/secrets"
_OF_THE_GATEWAY = {"GATEWAY_URL", "GATEWAY_USER_COOKIE"}
"""Settings of the lab's own gateway, which clusters do without."""
WORKERS = 2
"""Of Locust: how many its master waits for."""
_LOAD_MEMORY = "1Gi"
"""What a process of Locust may take. compose.yaml sets no limit; a pod without one may take that of others."""
_READY_SECONDS = 2
"""How often a pod is asked whether it takes requests."""


def target(source: Source, entry: Entry) -> Object:
    """A service under test. All are the same but for name and port."""
    compose = source.services[entry.name]
    container = _container(source, entry.name, compose, "services", {"http": entry.port})
    every = source.probing
    container |= {
        "startupProbe": {"httpGet": _ask("/ready"), "periodSeconds": 1, "failureThreshold": every.start_period},
        "readinessProbe": {"httpGet": _ask("/ready"), "periodSeconds": _READY_SECONDS}
        | {"timeoutSeconds": every.timeout, "failureThreshold": every.retries},
        "livenessProbe": {"httpGet": _ask("/health"), "periodSeconds": every.interval}
        | {"timeoutSeconds": every.timeout, "failureThreshold": every.retries},
    }
    pod = _pod(source, entry.name, compose, container) | {
        "terminationGracePeriodSeconds": int(compose.stop_grace_period.removesuffix("s")),
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": key,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {NAME: entry.name}},
            }
            for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
        ],
    }
    # For a Prometheus that finds pods by these; one with ServiceMonitors does not look at them.
    scraped = {"prometheus.io/scrape": "true", "prometheus.io/port": str(entry.port), "prometheus.io/path": "/metrics"}
    update = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    return _deployment(entry.name, TARGET, pod, strategy=update, annotations=scraped)


def of_target(entry: Entry) -> Object:
    """The address of a service under test."""
    return service(entry.name, TARGET, {"http": entry.port})


def redis(source: Source) -> list[Object]:
    """The Redis of the services."""
    compose, ports = source.services[REDIS], {"redis": 6379}
    asks = {"exec": {"command": compose.healthcheck.command}, "timeoutSeconds": source.probing.timeout}
    container = _container(source, REDIS, compose, None, ports)
    container |= {"readinessProbe": asks | {"periodSeconds": _READY_SECONDS}}
    container |= {"livenessProbe": asks | {"periodSeconds": source.probing.interval}}
    pod = _pod(source, REDIS, compose, container)
    return [_deployment(REDIS, STORE, pod, strategy={"type": "Recreate"}), service(REDIS, STORE, ports)]


def locust(source: Source) -> list[Object]:
    """Locust: a master with the web UI, and workers that send the load."""
    ports = {"http": 8089, "workers": 5557}
    compose = source.services[LOCUST]
    master = _container(source, LOCUST, compose, LOAD, ports)
    master["env"] += [
        {"name": "LOCUST_MODE_MASTER", "value": "true"},
        {"name": "LOCUST_EXPECT_WORKERS", "value": str(WORKERS)},
    ]
    master |= {"readinessProbe": {"httpGet": _ask("/"), "periodSeconds": _READY_SECONDS}}
    master["readinessProbe"]["timeoutSeconds"] = source.probing.timeout
    compose_worker = source.services[LOCUST_WORKER]
    worker = _container(source, LOCUST_WORKER, compose_worker, LOAD, {})
    connected = {"command": compose_worker.healthcheck.command}
    worker |= {"readinessProbe": {"exec": connected, "periodSeconds": _READY_SECONDS}}
    return [
        _deployment(LOCUST, LOAD, _pod(source, LOCUST, compose, master), strategy={"type": "Recreate"}),
        service(LOCUST, LOAD, ports),
        _deployment(LOCUST_WORKER, LOAD, _pod(source, LOCUST_WORKER, compose_worker, worker), replicas=WORKERS),
    ]


def settings(source: Source, names: Sequence[str]) -> dict[str, str]:
    """The settings that these services are given, with the defaults of .env.example; an empty one counts as not set."""
    given = {name for each in names for name in source.services[each].environment}
    return {name: value for name, value in source.settings.items() if name in given - _OF_THE_GATEWAY}


def _deployment(
    name: str,
    component: str,
    pod: Object,
    *,
    strategy: Object | None = None,
    annotations: Mapping[str, str] | None = None,
    replicas: int | None = None,
) -> Object:
    metadata: Object = {"labels": labels(name, component)}
    if annotations:
        metadata["annotations"] = dict(annotations)
    spec: Object = {
        **({"replicas": replicas} if replicas else {}),
        **({"strategy": strategy} if strategy else {}),
        "selector": {"matchLabels": {NAME: name}},
        "template": {"metadata": metadata, "spec": pod},
    }
    return new("Deployment", name, spec, api="apps/v1", labels=labels(name, component))


def _pod(source: Source, name: str, compose: ComposeService, container: Object) -> Object:
    user, group = map(int, (compose.user or source.user).split(":"))
    volumes: list[Object] = [
        {"name": path.strip("/"), "emptyDir": {"medium": "Memory", "sizeLimit": size}}
        for path, size in _in_memory(compose).items()
    ]
    if secrets := _secrets(name):
        items = [{"key": each, "path": each} for each in secrets]
        files: Object = {"secretName": CREDENTIALS, "items": items}
        files["defaultMode"] = 288  # 0440: the group is the container's
        files["optional"] = False  # the default; podman 4.3 crashes if it is not written
        volumes.append({"name": CREDENTIALS, "secret": files})
    return {
        "automountServiceAccountToken": False,
        # Else a Service called redis would set REDIS_PORT to an address.
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": user,
            "runAsGroup": group,
            "fsGroup": group,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": volumes,
    }


def _container(
    source: Source, name: str, compose: ComposeService, settings_from: str | None, ports: Mapping[str, int]
) -> Object:
    mounts: list[Object] = [{"name": path.strip("/"), "mountPath": path} for path in _in_memory(compose)]
    if _secrets(name):
        mounts.append({"name": CREDENTIALS, "mountPath": _SECRETS_DIR, "readOnly": True})
    own = {
        variable: value
        for variable, value in compose.environment.items()
        if value is not None and variable not in source.settings.keys() | _OF_THE_GATEWAY
    }
    container: Object = {
        "name": name,
        "image": compose.image,
        "imagePullPolicy": "IfNotPresent",  # those built here have no registry to be fetched from
        "env": [{"name": variable, "value": value} for variable, value in own.items()],
        "ports": [{"name": port, "containerPort": number} for port, number in ports.items()],
        "resources": _resources(compose),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts,
    }
    if settings_from:
        container["envFrom"] = [{"configMapRef": {"name": settings_from}}]
    if compose.entrypoint:
        container["command"] = compose.entrypoint
    if compose.command:
        container["args"] = compose.command
    return {key: value for key, value in container.items() if value != []}


def _resources(compose: ComposeService) -> Object:
    """As much as it may take is also kept free for it, so that none is slowed by its neighbors."""
    memory = quantity(compose.mem_limit) if compose.mem_limit else _LOAD_MEMORY
    kept = {"cpu": f"{float(compose.cpus):g}" if compose.cpus else "100m", "memory": memory}
    return {"requests": kept, "limits": dict(kept) if compose.cpus else {"memory": memory}}


def _in_memory(compose: ComposeService) -> dict[str, str]:
    """The directories that a container may write to, with their sizes."""
    split = (each.partition(":size=") for each in compose.tmpfs)
    return {path: quantity(options.partition(",")[0]) for path, _, options in split}


def _secrets(name: str) -> list[str]:
    return [each.name for each in SECRETS if each.is_read_by(name)]


def _ask(path: str) -> Object:
    return {"path": path, "port": "http"}
