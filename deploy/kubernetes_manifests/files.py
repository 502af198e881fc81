"""The manifests as files for kustomize."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import yaml
from serving_lab.project import Project
from serving_lab.stack.service import LOCUST, REDIS
from serving_lab.targets.catalogue import Entry

from kubernetes_manifests import monitoring, network, pods
from kubernetes_manifests.objects import LOAD, NAMESPACE, TARGET, Object, autoscaler, disruption_budget, new, route
from kubernetes_manifests.source import Source

DIRECTORY = Path("deploy", "kubernetes")
IMAGES = DIRECTORY / "components" / "images" / "kustomization.yaml"
"""Which images are taken; `make images-push` writes it anew."""

_HEADER = (
    "# Written by `make manifests` from compose.yaml, .env.example, services/Dockerfile and loadtest/catalogue.yaml.\n"
)
_PRODUCTION = {
    # Others take this long to learn that a pod ends.
    "DRAIN_SECONDS": "5",
    "DOCUMENTATION": "false",
    "LOGIN_RATE_LIMIT": "30/minute",
}
"""What differs from the defaults of .env.example, which suit a lab; docs/operations.md says why."""


def contents(project: Project) -> dict[Path, str]:
    """The text of each file by its path in the checkout.

    Raises:
        LabError: a file that they are made of cannot be read or is wrong.
    """
    source = Source.read(project)
    always = [entry for entry in source.catalogue.entries if entry.profile is None]
    texts: dict[Path, str] = {
        **_base(source, always),
        **_component(REDIS, {"redis.yaml": [*pods.redis(source), *network.of_redis()]}),
        **_load(source),
        **_component(
            "monitoring",
            {
                "monitors.yaml": [
                    *monitoring.monitors(source),
                    *network.of_monitoring(monitoring.PROMETHEUS_NAMESPACE),
                ],
                "rules.yaml": monitoring.rules(source),
            },
            beside=["../../../../monitoring/grafana/dashboards"],
        ),
        **_component("gateway", {"route.yaml": [route(always[0], always[1:])]}),
    }
    for entry in source.catalogue.entries:
        if entry.profile is not None:
            texts |= _component(entry.profile, {f"{entry.name}.yaml": _target(source, entry)})
    texts |= _overlay("local", "../../base")
    for name in (REDIS, LOAD):
        texts |= _overlay(name, "../local", name)
    texts |= _production(always)
    dashboards = project.dashboards.relative_to(project.root) / "kustomization.yaml"
    return {
        **{DIRECTORY / path: text for path, text in texts.items()},
        dashboards: _yaml([monitoring.dashboards(source)]),
    }


def write(project: Project) -> list[Path]:
    """Write all files, remove those of services that no longer exist, and return the paths."""
    texts = contents(project)
    for path in known(project) - texts.keys() - {IMAGES}:
        (project.root / path).unlink()
    for path, text in texts.items():
        (project.root / path).parent.mkdir(parents=True, exist_ok=True)
        (project.root / path).write_text(text, encoding="utf-8")
    return sorted(texts)


def known(project: Project) -> set[Path]:
    """The files that are there, by their paths in the checkout."""
    return {path.relative_to(project.root) for path in (project.root / DIRECTORY).rglob("*") if path.is_file()}


def _target(source: Source, entry: Entry) -> list[Object]:
    return [pods.target(source, entry), pods.of_target(entry), disruption_budget(entry.name, TARGET)]


def _base(source: Source, entries: Sequence[Entry]) -> dict[Path, str]:
    restricted = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}
    objects = {
        "namespace.yaml": [new("Namespace", NAMESPACE, labels=restricted)],
        "network.yaml": [network.nobody(), network.callers()],
        **{f"{entry.name}.yaml": _target(source, entry) for entry in entries},
    }
    names = [entry.name for entry in source.catalogue.entries]
    return _directory(
        Path("base"),
        objects,
        {"namespace": NAMESPACE, "configMapGenerator": [{"name": "services", "envs": ["settings.env"]}]},
    ) | {Path("base", "settings.env"): _environment(pods.settings(source, names))}


def _load(source: Source) -> dict[Path, str]:
    settings = _environment(pods.settings(source, [LOCUST]))
    return _component(
        LOAD,
        {"locust.yaml": [*pods.locust(source), *network.of_load()]},
        {"configMapGenerator": [{"name": LOAD, "envs": ["settings.env"]}]},
    ) | {Path("components", LOAD, "settings.env"): settings}


def _production(entries: Sequence[Entry]) -> dict[Path, str]:
    """Several pods of each service, as many as its load needs, behind the cluster's gateway, of pinned images."""
    settings = [f"{name}={value}" for name, value in _PRODUCTION.items()]
    return _directory(
        Path("overlays", "production"),
        {"scaling.yaml": [autoscaler(entry) for entry in entries]},
        {
            "namespace": NAMESPACE,
            "components": ["../../components/gateway", "../../components/images"],
            "configMapGenerator": [{"name": "services", "behavior": "merge", "literals": settings}],
        },
        beside=["../../base"],
    )


def _overlay(name: str, base: str, *components: str) -> dict[Path, str]:
    others: Object = {"namespace": NAMESPACE}
    if components:
        others["components"] = [f"../../components/{each}" for each in components]
    return _directory(Path("overlays", name), {}, others, beside=[base])


def _component(
    name: str, objects: Mapping[str, Iterable[Object]], more: Object | None = None, beside: Sequence[str] = ()
) -> dict[Path, str]:
    kind = {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component", "namespace": NAMESPACE}
    return _directory(Path("components", name), objects, kind | (more or {}), beside)


def _directory(
    at: Path, objects: Mapping[str, Iterable[Object]], more: Object, beside: Sequence[str] = ()
) -> dict[Path, str]:
    kind = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    kustomization = {**kind, "resources": [*beside, *objects], **more} | {
        "apiVersion": more.get("apiVersion", kind["apiVersion"])
    }
    texts = {at / name: _yaml(each) for name, each in objects.items()}
    return {at / "kustomization.yaml": _yaml([kustomization]), **texts}


def _environment(settings: Mapping[str, str]) -> str:
    return _HEADER + "".join(f"{name}={value}\n" for name, value in settings.items())


class _Dumper(yaml.SafeDumper):
    """Without the marks by which YAML writes equal parts once."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def _yaml(objects: Iterable[Object]) -> str:
    return _HEADER + yaml.dump_all(objects, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)
