"""Who may open a connection to whom: nobody, but for what is said here."""

from collections.abc import Mapping, Sequence

from serving_lab.stack.service import LOCUST, LOCUST_WORKER, REDIS

from kubernetes_manifests.objects import COMPONENT, LOAD, MAY_CALL, NAME, TARGET, Object, new

_NAMESPACE_NAME = "kubernetes.io/metadata.name"
_DNS = {
    "to": [
        {
            "namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ],
    "ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")],
}
_TARGETS = {COMPONENT: TARGET}
_SENDERS = {COMPONENT: LOAD}
_MASTER, _WORKERS, _REDIS = {NAME: LOCUST}, {NAME: LOCUST_WORKER}, {NAME: REDIS}


def nobody() -> Object:
    """No pod of the namespace, in either direction."""
    spec: Object = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    return new("NetworkPolicy", "nobody", spec, api="networking.k8s.io/v1")


def callers() -> Object:
    """Namespaces that are labelled for it may call the services. These need to call nobody."""
    return _policy("callers", _TARGETS, ingress=[_from_namespaces({MAY_CALL: "true"})])


def of_redis() -> list[Object]:
    """The services may ask Redis, and where it is."""
    return [
        _policy("to-redis", _TARGETS, egress=[_DNS, _to(_REDIS, "redis")]),
        _policy(REDIS, _REDIS, ingress=[_from(_TARGETS, "redis")]),
    ]


def of_load() -> list[Object]:
    """Locust may call the services; its workers report to their master."""
    return [
        _policy("from-load", _TARGETS, ingress=[_from(_SENDERS, "http")]),
        _policy(
            "load",
            _SENDERS,
            ingress=[_from(_WORKERS, "workers")],
            egress=[_DNS, _to(_TARGETS, "http"), _to(_MASTER, "workers")],
        ),
    ]


def of_monitoring(namespace: str) -> list[Object]:
    """Prometheus, in a namespace of its own, may read the metrics of the services and of Locust."""
    prometheus = _from_namespaces({_NAMESPACE_NAME: namespace})
    return [
        _policy("monitoring", _TARGETS, ingress=[prometheus]),
        _policy("monitoring-of-load", _MASTER, ingress=[prometheus]),
    ]


def _policy(
    name: str, pods: Mapping[str, str], *, ingress: Sequence[Object] = (), egress: Sequence[Object] = ()
) -> Object:
    rules = {way: list(each) for way, each in (("ingress", ingress), ("egress", egress)) if each}
    spec: Object = {"podSelector": {"matchLabels": dict(pods)}, "policyTypes": [way.title() for way in rules], **rules}
    return new("NetworkPolicy", name, spec, api="networking.k8s.io/v1")


def _from(pods: Mapping[str, str], port: str) -> Object:
    return {"from": [{"podSelector": {"matchLabels": dict(pods)}}], "ports": [{"port": port}]}


def _from_namespaces(matching: Mapping[str, str]) -> Object:
    return {"from": [{"namespaceSelector": {"matchLabels": dict(matching)}}], "ports": [{"port": "http"}]}


def _to(pods: Mapping[str, str], port: str) -> Object:
    return {"to": [{"podSelector": {"matchLabels": dict(pods)}}], "ports": [{"port": port}]}
