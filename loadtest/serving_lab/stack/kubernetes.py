"""The stack in a Kubernetes cluster: the manifests in deploy/kubernetes, applied by kubectl to one context."""

import shutil
import subprocess
import time
from collections.abc import Callable, Sequence

from rich.console import Console

from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack import kubernetes_files, preflight, private_file
from serving_lab.stack.base import Mode, Status
from serving_lab.stack.compose import Compose
from serving_lab.stack.environment import Settings
from serving_lab.stack.forwards import Forwards
from serving_lab.stack.headless import LocustRun
from serving_lab.stack.kubectl import NAMESPACE, Kubectl
from serving_lab.stack.pods import NAME_LABEL, pods, unfinished
from serving_lab.stack.preflight import Check, Outcome
from serving_lab.stack.service import LOCUST, Service
from serving_lab.stack.services import services, targets
from serving_lab.stack.updates import Instances

READY_SECONDS = 300.0
_DELETE_SECONDS = 180
_LOOK_SECONDS = 1.0
_SHOWN_LOG_LINES = 20
_KIND = "kind-"
"""How kind calls the contexts of its clusters."""
_APPLY = ("apply", "--server-side", "--force-conflicts", "--field-manager", NAMESPACE)


class KubernetesStack:
    """The services as Deployments in the cluster that somebody agreed to."""

    mode = Mode.KUBERNETES

    def __init__(self, project: Project, settings: Settings, console: Console) -> None:
        self._project = project
        self._settings = settings
        self._console = console
        self._forwards = Forwards(project.forwards_dir)

    def running(self) -> bool:
        """Whether this checkout has applied something. No cluster is asked, which could be somebody else's."""
        return self._project.cluster_file.exists()

    def agree(self, consent: Callable[[str], bool]) -> None:
        """Say which cluster the lab goes to, and ask whether that is right; one that has the lab is not asked again.

        Raises:
            LabError: there is no cluster, or the answer is no.
        """
        preflight.require(self._checks_of_tools())
        if self.running():
            self._console.print(f"Mode kubernetes: context {self._kubectl.context}, as before", soft_wrap=True)
            return
        kubectl = self._kubectl
        where = f"context {kubectl.context} ({kubectl.server() or 'unknown address'}), namespace {NAMESPACE}"
        self._console.print(f"Mode kubernetes: {where}", soft_wrap=True)
        if not consent(f"Apply the lab to {where}?"):
            raise LabError(
                "nothing was applied: nobody agreed to this cluster",
                hint="YES=1 make up MODE=kubernetes agrees; kubectl config use-context NAME chooses another",
            )

    def checks(self) -> list[Check]:
        """What must hold before `up`."""
        checks = self._checks_of_tools()
        if any(check.outcome is Outcome.FAIL for check in checks):
            return checks
        try:
            checks += self._checks_of_cluster()
        except LabError as error:
            return [*checks, Check("cluster", Outcome.FAIL, str(error), error.hint)]
        checks += [self._check_images(), preflight.check_writable(self._project)]
        if not self.running():
            checks += preflight.check_ports(self._settings, self._forwarded)
        return checks

    def build(self) -> None:
        """Build the images where the cluster can take them from this machine, which kind can.

        Raises:
            LabError: one cannot be built, or not be given to the cluster.
        """
        if not self._is_kind:
            return
        compose, names = Compose(self._project, self._settings), [each.name for each in targets(self._settings)]
        if compose.run("build", *names, LOCUST).returncode != 0:
            raise LabError("an image could not be built; the lines above say why", hint="fix it, then make up")
        images = [f"serving-lab/{name}" for name in (*names, "lab")]
        load = ["kind", "load", "docker-image", *images, "--name", self._kubectl.context.removeprefix(_KIND)]
        if subprocess.run(load, check=False).returncode != 0:  # noqa: S603
            raise LabError("kind did not take the images; the lines above say why", hint="kind get clusters")

    def remove_built(self) -> None:
        """Nothing: images are the engine's."""

    def up(self) -> Sequence[Service]:
        """Apply the manifests, wait until all pods are ready, and open ports to them."""
        preflight.require(self.checks())
        self.build()
        kubectl = self._kubectl
        overlay = kubernetes_files.write(self._project, self._settings)
        fresh = not self.running()
        private_file.write(self._project.cluster_file, kubectl.context)
        try:
            kubectl.do(*_APPLY, "--filename", str(kubernetes_files.namespace_file(self._project)))
            kubectl.do(*_APPLY, "--filename", "-", given=kubernetes_files.credentials(self._settings))
            kubectl.do(*_APPLY, "--kustomize", str(overlay))
            self._wait()
            self._forwards.open(kubectl, self._forwarded, self._settings.bind_address)
        except BaseException:
            if fresh:
                self.down()
            raise
        return self._forwarded

    def down(self) -> bool:
        """Close the ports and remove the namespace with all that is in it."""
        closed = self._forwards.close()
        if not self.running():
            return closed
        wait = ("--ignore-not-found", "--wait", f"--timeout={_DELETE_SECONDS}s")
        self._kubectl.do("delete", "namespace", NAMESPACE, *wait)
        self._project.cluster_file.unlink()
        return True

    def restart(self, names: Sequence[str]) -> None:
        """Replace the pods of services, with the secrets as they are set by now; others answer meanwhile."""
        chosen = self._chosen(names)
        kubectl = self._kubectl
        kubectl.do(*_APPLY, "--filename", "-", given=kubernetes_files.credentials(self._settings))
        kubectl.do("rollout", "restart", *(f"deployment/{name}" for name in chosen))
        self._wait()

    def logs(self, names: Sequence[str], *, follow: bool, lines: int) -> int:
        """Print what the pods wrote."""
        selector = f"{NAME_LABEL} in ({','.join(self._chosen(names))})"
        options = ("--prefix", "--all-containers", "--tail", str(lines), "--max-log-requests", "100")
        return self._kubectl.shown("logs", "--selector", selector, *options, *(["--follow"] if follow else []))

    def status(self) -> list[Status]:
        """The state of each pod."""
        ports = {each.name: each.port for each in self._forwarded}
        seen: dict[str, int] = {}
        statuses = []
        for pod in pods(self._kubectl.objects("pods")):
            number = seen[pod.service] = seen.get(pod.service, 0) + 1
            name = pod.service if number == 1 else f"{pod.service}-{number}"
            port = ports.get(pod.service)
            state = pod.state.lower()
            statuses.append(Status(name=name, state=state, healthy=pod.ready, port=port, pid=0, memory_bytes=None))
        return statuses

    def instances(self) -> Instances:
        """None: Deployments do that.

        Raises:
            LabError: always.
        """
        raise LabError("a cluster replaces pods itself: the lab has no second instances there", hint="MODE=containers")

    def load(self, load: LocustRun) -> int:
        """Run Locust beside the one in the cluster, in its pod."""
        # It is no master of workers there, as the one with the web UI is.
        own = ("env", "-u", "LOCUST_MODE_MASTER", "-u", "LOCUST_EXPECT_WORKERS", "locust")
        return self._kubectl.shown("exec", "--stdin", f"deployment/{LOCUST}", "--", *own, *load.arguments)

    def generator(self) -> tuple[list[str], dict[str, str]]:
        """What starts a process of the generator in the cluster, in Locust's pod."""
        inside = ("exec", "--stdin", f"deployment/{LOCUST}", "--", "python", "-m", "serving_lab.generator")
        return self._kubectl.command(*inside), {}

    def inside_url(self, service: Service) -> str:
        """Where other pods reach a service: by its name, at its own port."""
        return service.container_url

    def facts(self, service: Service) -> dict[str, str]:
        """The image of a service's pods."""
        found = [pod.image_id for pod in pods(self._kubectl.objects("pods")) if pod.service == service.name]
        return {"Image": found[0].rpartition("@")[2]} if found else {}

    @property
    def _kubectl(self) -> Kubectl:
        # Once there is a lab, it is where it was: `down` must not ask the context that is current by then.
        try:
            return Kubectl(self._project.cluster_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            context = Kubectl.current_context()
        if context is None:
            raise LabError("kubectl has no current context", hint=_NO_CONTEXT)
        return Kubectl(context)

    @property
    def _is_kind(self) -> bool:
        return self._kubectl.context.startswith(_KIND) and shutil.which("kind") is not None

    @property
    def _forwarded(self) -> list[Service]:
        names = {*(each.name for each in targets(self._settings)), LOCUST}
        return [each for each in services(self._settings) if each.name in names]

    def _checks_of_tools(self) -> list[Check]:
        if Kubectl.installed() is None:
            hint = "https://kubernetes.io/docs/tasks/tools, or Debian 13's package kubectl"
            return [Check("kubectl", Outcome.FAIL, "it is not on the PATH", hint)]
        if not self.running() and Kubectl.current_context() is None:
            return [Check("context", Outcome.FAIL, "kubectl has no current context", _NO_CONTEXT)]
        if self._settings.with_registry:
            detail = "COMPOSE_PROFILES asks for the registry of models, which has no manifests"
            return [Check("registry", Outcome.FAIL, detail, "take registry out of COMPOSE_PROFILES")]
        return [Check("context", Outcome.OK, self._kubectl.context)]

    def _checks_of_cluster(self) -> list[Check]:
        kubectl = self._kubectl
        for what in ("namespaces", "deployments.apps", "secrets", "networkpolicies.networking.k8s.io"):
            if not kubectl.may("create", what):
                detail = f"your user may not create {what} in {kubectl.context}"
                hint = f"ask who runs the cluster for the role `admin` in the namespace {NAMESPACE}, and for it"
                return [Check("permission", Outcome.FAIL, detail, hint)]
        found = kubectl.do("get", "namespace", NAMESPACE, "--ignore-not-found", "--output", "name")
        if found.strip() and not self.running():
            detail = f"{kubectl.context} has a namespace {NAMESPACE} already, which this checkout did not make"
            hint = f"if nobody needs it: kubectl --context {kubectl.context} delete namespace {NAMESPACE}"
            return [Check("namespace", Outcome.FAIL, detail, hint)]
        return [Check("permission", Outcome.OK, f"your user may apply the lab in {kubectl.context}")]

    def _check_images(self) -> Check:
        if self._is_kind:
            return Check("images", Outcome.OK, "they are built here, and kind loads them")
        if kubernetes_files.pushed_images(self._project):
            return Check("images", Outcome.OK, "where make images-push has put them")
        detail = "the cluster gets them only if its nodes have them: nothing was pushed to a registry"
        return Check("images", Outcome.WARN, detail, "make images-push REGISTRY=registry.example.org/team")

    def _chosen(self, names: Sequence[str]) -> list[str]:
        known = sorted(each["metadata"]["name"] for each in self._kubectl.objects("deployments"))
        if unknown := [name for name in names if name not in known]:
            raise LabError(f"there is no service {unknown[0]!r}", hint=f"choose from {', '.join(known)}")
        return [name for name in known if not names or name in names]

    def _wait(self) -> None:
        """Wait until all deployments have their pods.

        Raises:
            LabError: one cannot get them, or not in time; its last log lines were shown.
        """
        deadline = time.monotonic() + READY_SECONDS
        with self._console.status("") as progress:
            while True:
                objects = self._kubectl.objects("deployments", "pods")
                if not (waiting := unfinished(objects)):
                    return
                found = pods(objects)
                for pod in found:
                    if pod.unpullable:
                        raise LabError(
                            f"{pod.service}: the cluster cannot get the image {pod.unpullable} ({pod.problem})",
                            hint="make images-push REGISTRY=registry.example.org/team puts images where it can",
                        )
                late = time.monotonic() > deadline
                stuck = [pod for pod in found if pod.service in waiting and (pod.problem or (late and not pod.ready))]
                if late or any(pod.state == "CrashLoopBackOff" for pod in stuck):
                    self._fail(waiting, stuck[0].problem if stuck else None)
                progress.update(
                    ": ".join([f"waiting for {', '.join(waiting)}", *(pod.problem or "" for pod in stuck[:1])])
                )
                time.sleep(_LOOK_SECONDS)

    def _fail(self, waiting: Sequence[str], problem: str | None) -> None:
        selector = f"{NAME_LABEL} in ({','.join(waiting)})"
        self._kubectl.shown("logs", "--selector", selector, "--prefix", "--tail", str(_SHOWN_LOG_LINES))
        why = f": {problem}" if problem else "; the last log lines are above"
        raise LabError(f"{', '.join(waiting)} did not become ready{why}", hint="kubectl describe pods says more")


_NO_CONTEXT = "kubectl config use-context NAME, or kind create cluster"
