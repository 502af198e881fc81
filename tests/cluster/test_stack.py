"""`make up MODE=kubernetes` by the real kubectl: a stand-in for a cluster answers, or a real one where there is one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml
from support.checkout import Checkout, new_checkout
from support.needs import needed
from support.services import CATALOGUE, wait_until

from cluster.api import Cluster, kubeconfig, running_cluster

pytestmark = pytest.mark.stack

FORWARD = Path(__file__).parent / "forward.py"
TARGETS = [entry.name for entry in CATALOGUE.running({}).entries]
# A port that leads to a pod needs a real cluster. All else is kubectl's own.
KUBECTL = """#!/bin/sh
for word in "$@"; do
    case $forward in yes) case $word in [0-9]*:[0-9]*) exec {python} {forward} "${{word%%:*}}";; esac;; esac
    case $word in port-forward) forward=yes;; esac
done
exec {kubectl} "$@"
"""


@dataclass(frozen=True)
class Lab:
    """A checkout whose kubectl speaks to a stand-in."""

    checkout: Checkout
    cluster: Cluster

    def up(self, **environment: str) -> subprocess.CompletedProcess[str]:
        own = replace(self.checkout, environment=self.checkout.environment | {"YES": "1"} | environment)
        return own.lab("up", "--mode", "kubernetes")

    def down(self) -> subprocess.CompletedProcess[str]:
        return self.checkout.lab("down")

    def names(self, resource: str) -> list[str]:
        return sorted(name for kind, name in self.cluster.objects if kind == resource)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return new_checkout(tmp_path_factory.mktemp("own") / "checkout")


@pytest.fixture
def lab(copy: Checkout, tmp_path: Path) -> Iterator[Lab]:
    kubectl = needed("kubectl", package="kubectl")
    program = tmp_path / "bin" / "kubectl"
    program.parent.mkdir()
    program.write_text(KUBECTL.format(python=sys.executable, forward=FORWARD, kubectl=kubectl))
    program.chmod(0o755)
    with running_cluster(tmp_path) as (cluster, config):
        own = {"KUBECONFIG": str(config), "PATH": f"{program.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
        lab = Lab(Checkout(copy.root, copy.environment | own), cluster)
        yield lab
        lab.down()


def test_it_comes_up_is_shown_and_goes_down(lab: Lab) -> None:
    up = lab.up(WORKERS="3")

    assert up.returncode == 0, up.stdout + up.stderr
    assert "context test-context (http://127.0.0.1:" in up.stdout
    assert lab.names("deployments") == sorted([*TARGETS, "locust", "locust-worker"])
    (services,) = (found for (_, name), found in lab.cluster.objects.items() if name.startswith("services-"))
    assert services["data"]["WORKERS"] == "3"
    ps = lab.checkout.lab("ps")
    assert "Mode kubernetes" in ps.stdout
    assert ps.stdout.count("running") == len(TARGETS) + 3
    assert ps.stdout.count("not ready") == 0
    down = lab.down()
    assert "The lab is down (kubernetes)." in down.stdout
    assert lab.cluster.objects == {}
    assert lab.checkout.lab("ps").stdout.startswith("The lab is not up.")
    assert not (lab.checkout.root / ".run-kubernetes").exists()


def test_secrets_are_in_the_secret_alone_and_new_ones_make_new_pods(lab: Lab) -> None:
    lab.up(API_PASSWORD="one-password")
    before = lab.cluster.objects["deployments", TARGETS[0]]["spec"]["template"]

    lab.up(API_PASSWORD="another-password")

    secret = lab.cluster.objects["secrets", "credentials"]
    assert secret["stringData"]["API_PASSWORD"] == "another-password"
    assert lab.cluster.objects["deployments", TARGETS[0]]["spec"]["template"] != before
    others = [found for (kind, _), found in lab.cluster.objects.items() if kind != "secrets"]
    written = [path.read_text() for path in (lab.checkout.root / "build").rglob("*") if path.is_file()]
    assert "another-password" not in str(others)
    assert not any("another-password" in text for text in written)


def test_nobody_agrees_and_nothing_is_applied(lab: Lab) -> None:
    refused = lab.up(YES="0")

    assert refused.returncode == 2
    assert "nobody agreed" in refused.stderr
    assert lab.cluster.objects == {}


def test_down_asks_the_context_that_has_the_lab_and_not_the_current_one(lab: Lab) -> None:
    lab.up()
    config = Path(lab.checkout.environment["KUBECONFIG"])
    config.write_text(config.read_text().replace("current-context: test-context", "current-context: other"))

    assert lab.down().returncode == 0
    assert lab.cluster.objects == {}


def test_an_image_that_cannot_be_had_is_named_and_nothing_is_left(lab: Lab) -> None:
    lab.cluster.unpullable.add(TARGETS[0])

    refused = lab.up()

    assert refused.returncode == 2
    assert f"cannot get the image serving-lab/{TARGETS[0]}" in refused.stderr
    assert "make images-push" in refused.stderr
    assert lab.cluster.objects == {}


def test_a_namespace_of_others_is_left_alone(lab: Lab) -> None:
    lab.cluster.put("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "serving-lab"}})

    refused = lab.up()

    assert refused.returncode == 2
    assert "which this checkout did not make" in refused.stderr
    assert lab.names("namespaces") == ["serving-lab"]


def test_who_may_not_apply_is_told_so(lab: Lab) -> None:
    lab.cluster.forbidden.add("deployments")

    refused = lab.up()

    assert refused.returncode == 2
    assert "your user may not create deployments.apps in test-context" in refused.stderr


@pytest.mark.parametrize(
    ("config", "told"),
    [("", "kubectl has no current context"), (kubeconfig("http://127.0.0.1:9"), "is the cluster up")],
)
def test_a_cluster_that_cannot_be_asked(lab: Lab, tmp_path: Path, config: str, told: str) -> None:
    (tmp_path / "kubeconfig").write_text(config)

    refused = lab.up()

    assert refused.returncode == 2
    assert told in refused.stderr


def test_without_kubectl_it_says_what_installs_it(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()

    refused = lab.up(PATH=str(tmp_path / "nothing"))

    assert refused.returncode == 2
    assert "kubectl: it is not on the PATH" in refused.stderr


@pytest.mark.parametrize("command", ["tour", "gate"])
def test_commands_that_start_services_here_refuse_a_cluster(lab: Lab, command: str) -> None:
    refused = lab.checkout.lab(command, "--mode", "kubernetes")

    assert refused.returncode == 2
    assert "runs the services on this machine" in refused.stderr


def test_a_rollout_says_that_a_cluster_has_no_gateway(lab: Lab) -> None:
    lab.up()

    refused = lab.checkout.lab("rollout", "run")

    assert refused.returncode == 2
    assert "a cluster does not have" in refused.stderr


def test_a_real_cluster(copy: Checkout) -> None:
    """CLUSTER_CONTEXT names a context of a cluster that has the images, or may load them, as kind does."""
    if not (context := os.environ.get("CLUSTER_CONTEXT")):
        pytest.skip("CLUSTER_CONTEXT names no context of kubectl")
    config = subprocess.run(
        ["kubectl", "config", "view", "--raw", "--minify", "--context", context], capture_output=True, check=True
    )
    own = copy.root / "kubeconfig"
    own.write_text(yaml.safe_dump({**yaml.safe_load(config.stdout), "current-context": context}))
    lab = Checkout(copy.root, copy.environment | {"KUBECONFIG": str(own), "YES": "1", "PATH": os.environ["PATH"]})
    try:
        up = lab.lab("up", "--mode", "kubernetes", seconds=600)
        assert up.returncode == 0, up.stdout + up.stderr
        assert lab.lab("parity", "--generate", "20", seconds=300).returncode == 0
        assert lab.lab("load", "--duration", "10s", seconds=120).returncode == 0
        assert lab.lab(
            "bench", "--pairs", "3", "--seconds", "1", "--scenario", "concurrent", seconds=300
        ).returncode in {0, 2}
    finally:
        down = lab.lab("down", seconds=300)
    assert down.returncode == 0, down.stderr
    gone = ["kubectl", "--context", context, "get", "namespace", "serving-lab", "--ignore-not-found", "-o", "name"]
    wait_until(lambda: not subprocess.run(gone, capture_output=True, check=True).stdout, "the namespace is gone")
