"""Who may reach whom: the policies, read as a cluster's network reads them."""

from collections.abc import Iterator, Mapping

import pytest
from support.services import CATALOGUE

from kubernetes.rendered import Object, of_kind, pod_of

pytestmark = pytest.mark.unit

TARGETS = tuple(entry.name for entry in CATALOGUE.entries)
Connection = tuple[str, str, str]
"""From, to, and the name of the port."""


def test_pods_reach_only_what_they_must(everything: list[Object]) -> None:
    pods = {each["metadata"]["name"]: each["spec"]["template"] for each in of_kind(everything, "Deployment")}

    senders = ("locust", "locust-worker")
    assert set(_allowed(everything, pods)) == {
        *((sender, target, "http") for sender in senders for target in TARGETS),
        *((target, "redis", "redis") for target in TARGETS),
        ("locust-worker", "locust", "workers"),
    }


def test_without_components_pods_reach_nobody(overlays: dict[str, list[Object]]) -> None:
    pods = {each["metadata"]["name"]: each["spec"]["template"] for each in of_kind(overlays["local"], "Deployment")}

    assert list(_allowed(overlays["local"], pods)) == []
    assert not any("egress" in each["spec"] for each in of_kind(overlays["local"], "NetworkPolicy"))


def test_from_outside_only_labelled_namespaces_reach_the_services(everything: list[Object]) -> None:
    rules = [
        (policy["spec"]["podSelector"], peer["namespaceSelector"]["matchLabels"], rule["ports"])
        for policy in of_kind(everything, "NetworkPolicy")
        for rule in policy["spec"].get("ingress", ())
        for peer in rule["from"]
        if "namespaceSelector" in peer
    ]

    http = [{"port": "http"}]
    services = {"matchLabels": {"app.kubernetes.io/component": "target"}}
    monitoring = {"kubernetes.io/metadata.name": "monitoring"}
    locust = {"matchLabels": {"app.kubernetes.io/name": "locust"}}
    expected = [
        (services, {"serving-lab/may-call": "true"}, http),
        (services, monitoring, http),
        (locust, monitoring, http),
    ]
    assert sorted(map(repr, rules)) == sorted(map(repr, expected))


def _allowed(objects: list[Object], pods: Mapping[str, Object]) -> Iterator[Connection]:
    policies = [each["spec"] for each in of_kind(objects, "NetworkPolicy")]
    for source, sender in pods.items():
        for target, receiver in pods.items():
            for port in pod_of({"spec": {"template": receiver}})["containers"][0].get("ports", ()):
                out = _lets(policies, sender, "Egress", receiver, port["name"])
                if out and _lets(policies, receiver, "Ingress", sender, port["name"]):
                    yield source, target, port["name"]


def _lets(policies: list[Object], pod: Object, way: str, other: Object, port: str) -> bool:
    """Whether the policies of a pod let it connect: without one anything, with some what any of them names."""
    of_pod = [each for each in policies if way in each["policyTypes"] and _selects(each["podSelector"], pod)]
    peers = "to" if way == "Egress" else "from"
    return not of_pod or any(
        _selects(peer["podSelector"], other) and port in {each["port"] for each in rule["ports"]}
        for policy in of_pod
        for rule in policy.get(way.lower(), ())
        for peer in rule[peers]
        if "namespaceSelector" not in peer  # pods of other namespaces
    )


def _selects(selector: Object, pod: Object) -> bool:
    wanted: Mapping[str, str] = selector.get("matchLabels", {})
    labels: Mapping[str, str] = pod["metadata"]["labels"]
    return wanted.items() <= labels.items()
