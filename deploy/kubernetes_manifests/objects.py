"""The objects that every part of the manifests is built of."""

from collections.abc import Mapping, Sequence
from typing import Any

from serving_lab.targets.catalogue import Entry

Object = dict[str, Any]
"""One Kubernetes object, or a part of one."""

NAMESPACE = "serving-lab"
NAME, COMPONENT = "app.kubernetes.io/name", "app.kubernetes.io/component"
TARGET, LOAD, STORE = "target", "load", "store"
"""Values of the label COMPONENT: the services under test, what sends load, and the Redis."""
MAY_CALL = f"{NAMESPACE}/may-call"
"""A namespace with this label, such as that of a gateway, may call the services."""


def labels(name: str, component: str) -> dict[str, str]:
    """The labels of everything that belongs to a service."""
    return {NAME: name, COMPONENT: component, "app.kubernetes.io/part-of": NAMESPACE}


def new(kind: str, name: str, spec: Object | None = None, *, api: str = "v1", **metadata: Any) -> Object:  # noqa: ANN401
    """An object; kustomization.yaml says which namespace it goes to."""
    made: Object = {"apiVersion": api, "kind": kind, "metadata": {"name": name, **metadata}}
    return made if spec is None else {**made, "spec": spec}


def service(name: str, component: str, ports: Mapping[str, int]) -> Object:
    """What gives the pods of a service its name as their address."""
    spec: Object = {
        "selector": {NAME: name},
        "ports": [
            {"name": port, "port": number, "targetPort": port, **({"appProtocol": "http"} if port == "http" else {})}
            for port, number in ports.items()
        ],
    }
    return new("Service", name, spec, labels=labels(name, component))


def disruption_budget(name: str, component: str) -> Object:
    """One pod at a time may be taken away; with a single one, a node can still be emptied."""
    spec: Object = {
        "maxUnavailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": {NAME: name}},
    }
    return new("PodDisruptionBudget", name, spec, api="policy/v1", labels=labels(name, component))


def autoscaler(entry: Entry) -> Object:
    """More pods where their processors are busy; the same bounds for all services."""
    spec: Object = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": entry.name},
        "minReplicas": 2,
        "maxReplicas": 10,
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
            }
        ],
    }
    return new("HorizontalPodAutoscaler", entry.name, spec, api="autoscaling/v2", labels=labels(entry.name, TARGET))


def route(baseline: Entry, candidates: Sequence[Entry]) -> Object:
    """All requests to the baseline; whoever moves over changes the weights."""
    backends = [
        {"name": entry.name, "port": entry.port, "weight": 100 if entry is baseline else 0}
        for entry in (baseline, *candidates)
    ]
    spec: Object = {
        # The gateway is the cluster's: patch its name and namespace.
        "parentRefs": [{"name": "gateway", "namespace": "gateway"}],
        "rules": [{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}], "backendRefs": backends}],
    }
    return new("HTTPRoute", "predictions", spec, api="gateway.networking.k8s.io/v1")
