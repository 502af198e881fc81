"""Kubernetes knows every object, and what one says of another is so."""

import kubernetes_validate
import msgspec
import pytest
from support.services import BASELINE, CATALOGUE

from kubernetes.rendered import Object, of_kind, pod_of

pytestmark = pytest.mark.unit

VERSIONS = ("1.31", "1.34", "1.37")
"""The first that knows all that the manifests use, one between, and the newest that kubernetes-validate knows."""
APPLIED_BYTES = 256 << 10
"""`kubectl apply` keeps an object in an annotation of itself, and all annotations together may be this long."""


class Relabeling(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    target_label: str
    replacement: str


class Endpoint(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    port: str
    path: str
    interval: str
    scrape_timeout: str
    honor_labels: bool
    relabelings: list[Relabeling]


class Selector(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    match_labels: dict[str, str]


class ServiceMonitor(msgspec.Struct, forbid_unknown_fields=True):
    selector: Selector
    endpoints: list[Endpoint]


class Rule(msgspec.Struct, forbid_unknown_fields=True):
    expr: str
    record: str | None = None
    alert: str | None = None
    duration: str | None = msgspec.field(name="for", default=None)
    keep_firing_for: str | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Group(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    rules: list[Rule]
    interval: str | None = None


class PrometheusRule(msgspec.Struct, forbid_unknown_fields=True):
    groups: list[Group]


class ParentRef(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    namespace: str


class BackendRef(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    port: int
    weight: int


class PathMatch(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    value: str


class Match(msgspec.Struct, forbid_unknown_fields=True):
    path: PathMatch


class RouteRule(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    matches: list[Match]
    backend_refs: list[BackendRef]


class HTTPRoute(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    parent_refs: list[ParentRef]
    rules: list[RouteRule]


# Not Kubernetes' own: their fields are those of their definitions, as far as the manifests use them.
OF_OTHERS = {
    ("monitoring.coreos.com/v1", "ServiceMonitor"): ServiceMonitor,
    ("monitoring.coreos.com/v1", "PrometheusRule"): PrometheusRule,
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): HTTPRoute,
}


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_knows_every_object(
    overlays: dict[str, list[Object]], everything: list[Object], version: str
) -> None:
    own = [
        each for each in (*overlays["production"], *everything) if (each["apiVersion"], each["kind"]) not in OF_OTHERS
    ]

    for each in own:
        kubernetes_validate.validate(dict(each), version, strict=True)


def test_objects_of_others_have_their_form(everything: list[Object]) -> None:
    seen = set()
    for each in everything:
        if form := OF_OTHERS.get((each["apiVersion"], each["kind"])):
            msgspec.convert(each["spec"], form)
            seen.add(form)

    assert seen == set(OF_OTHERS.values())


def test_everything_is_in_the_namespace_of_the_lab(everything: list[Object]) -> None:
    outside = {each["kind"] for each in everything if each["metadata"].get("namespace") != "serving-lab"}

    assert outside == {"Namespace"}


def test_no_object_is_too_large_to_be_applied(everything: list[Object]) -> None:
    assert max(len(msgspec.json.encode(each)) for each in everything) < APPLIED_BYTES


def test_services_name_ports_of_pods(everything: list[Object]) -> None:
    ports = {each["metadata"]["name"]: _ports(each) for each in of_kind(everything, "Deployment")}

    for service in of_kind(everything, "Service"):
        name = service["spec"]["selector"]["app.kubernetes.io/name"]
        assert name == service["metadata"]["name"]
        assert {each["targetPort"]: each["port"] for each in service["spec"]["ports"]} == ports[name]


def test_weights_send_everything_to_the_baseline(everything: list[Object]) -> None:
    (route,) = of_kind(everything, "HTTPRoute")
    (rule,) = route["spec"]["rules"]

    assert {each["name"]: (each["port"], each["weight"]) for each in rule["backendRefs"]} == {
        entry.name: (entry.port, 100 if entry.name == BASELINE else 0)
        for entry in CATALOGUE.entries
        if entry.profile is None
    }


def test_what_scales_in_production_is_there(overlays: dict[str, list[Object]]) -> None:
    there = {each["metadata"]["name"] for each in of_kind(overlays["production"], "Deployment")}
    scaled = {
        each["spec"]["scaleTargetRef"]["name"] for each in of_kind(overlays["production"], "HorizontalPodAutoscaler")
    }

    assert scaled == there
    # A number there would be set again with each `kubectl apply`.
    assert not any("replicas" in each["spec"] for each in of_kind(overlays["production"], "Deployment"))


def _ports(deployment: Object) -> dict[str, int]:
    (container,) = pod_of(deployment)["containers"]
    return {each["name"]: each["containerPort"] for each in container.get("ports", ())}
