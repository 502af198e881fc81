"""What the pods may do, and that all services under test are given the same."""

import copy
from typing import Any

import pytest
from serving_lab.project import Project
from serving_lab.stack.environment import read
from support.checkout import REPOSITORY
from support.services import CATALOGUE

from kubernetes.pod_security import violations
from kubernetes.rendered import OVERLAYS, Object, named, of_kind, pod_of

pytestmark = pytest.mark.unit

TARGETS = {entry.name: entry for entry in CATALOGUE.entries}


def test_pod_security_refuses_no_pod(everything: list[Object]) -> None:
    assert {each["metadata"]["name"]: violations(pod_of(each)) for each in of_kind(everything, "Deployment")} == {
        name: [] for name in (*TARGETS, "redis", "locust", "locust-worker")
    }
    labels = named(everything, "Namespace", "serving")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize(
    ("of_pod", "of_container", "found"),
    [
        ({"hostNetwork": True}, {}, "hostNetwork"),
        ({"volumes": [{"name": "root", "hostPath": {"path": "/"}}]}, {}, "volume hostPath"),
        ({"securityContext": {}}, {}, "runAsNonRoot"),
        ({"securityContext": {"runAsNonRoot": True}}, {}, "seccompProfile"),
        ({}, {"securityContext": {"allowPrivilegeEscalation": False}}, "capabilities"),
        ({}, {"securityContext": {"capabilities": {"drop": ["ALL"]}}}, "allowPrivilegeEscalation"),
        ({}, {"securityContext": {"privileged": True}}, "privileged"),
        ({}, {"ports": [{"containerPort": 1, "hostPort": 1}]}, "hostPort"),
        ({}, {"livenessProbe": {"httpGet": {"host": "169.254.169.254"}}}, "host of a probe"),
    ],
)
def test_pod_security_is_checked(
    everything: list[Object], of_pod: dict[str, Any], of_container: dict[str, Any], found: str
) -> None:
    pod = {**copy.deepcopy(pod_of(of_kind(everything, "Deployment")[0])), **of_pod}
    pod["containers"] = [{**pod["containers"][0], **of_container}]

    assert any(found in each for each in violations(pod))


def test_root_is_read_only_and_no_pod_has_an_account(everything: list[Object]) -> None:
    for deployment in of_kind(everything, "Deployment"):
        pod = pod_of(deployment)
        assert pod["automountServiceAccountToken"] is False
        assert all(each["securityContext"]["readOnlyRootFilesystem"] for each in pod["containers"])


def test_services_under_test_differ_in_name_and_port_alone(everything: list[Object]) -> None:
    as_one = [
        repr(each).replace(entry.name, "NAME").replace(str(entry.port), "PORT")
        for each in of_kind(everything, "Deployment")
        for entry in CATALOGUE.entries
        if entry.name == each["metadata"]["name"]
    ]

    assert len(as_one) == len(TARGETS)
    assert len(set(as_one)) == 1


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_requests_in_flight_end_before_a_pod_is_killed(overlays: dict[str, list[Object]], overlay: str) -> None:
    settings = named(overlays[overlay], "ConfigMap", "services")["data"]
    seconds = float(settings["DRAIN_SECONDS"]) + float(settings["GRACEFUL_TIMEOUT_SECONDS"])

    graces = {
        each["metadata"]["name"]: pod_of(each)["terminationGracePeriodSeconds"]
        for each in of_kind(overlays[overlay], "Deployment")
        if each["metadata"]["name"] in TARGETS
    }
    assert graces
    assert all(grace > seconds for grace in graces.values())


def test_each_file_of_a_secret_is_one_that_is_mounted(everything: list[Object]) -> None:
    for deployment in of_kind(everything, "Deployment"):
        pod = pod_of(deployment)
        mounted = {
            f"{mount['mountPath']}/{item['path']}"
            for volume in pod["volumes"]
            for mount in pod["containers"][0]["volumeMounts"]
            for item in volume.get("secret", {}).get("items", ())
            if mount["name"] == volume["name"]
        }
        wanted = {each["value"] for each in pod["containers"][0].get("env", ()) if each["name"].endswith("_FILE")}
        assert mounted == wanted


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_settings_are_those_of_env_example_and_no_secret(overlays: dict[str, list[Object]], overlay: str) -> None:
    known = read(Project(REPOSITORY).env_example)

    for config in of_kind(overlays[overlay], "ConfigMap"):
        assert config["data"].keys() <= known.keys()
        assert not config["data"].keys() & {"SECRET_KEY", "SECRET_KEY_PREVIOUS", "API_PASSWORD", "CACHE_URL"}


def test_production_is_not_set_as_the_lab_is(overlays: dict[str, list[Object]]) -> None:
    settings = named(overlays["production"], "ConfigMap", "services")["data"]

    assert settings["LOGIN_RATE_LIMIT"] == "30/minute"
    assert settings["DOCUMENTATION"] == "false"
