"""Pod Security, level "restricted" (https://kubernetes.io/docs/concepts/security/pod-security-standards/)."""

from collections.abc import Iterator

from kubernetes.rendered import Object

_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
_SECCOMP = {"RuntimeDefault", "Localhost"}
_HOOKS = ("livenessProbe", "readinessProbe", "startupProbe", "postStart", "preStop")


def violations(pod: Object) -> list[str]:
    """What a cluster that enforces it would refuse a pod for."""
    return [
        *_of_pod(pod),
        *(f"{each['name']}: {said}" for each in _containers(pod) for said in _of_container(each, pod)),
    ]


def _containers(pod: Object) -> Iterator[Object]:
    for key in ("initContainers", "containers", "ephemeralContainers"):
        yield from pod.get(key, ())


def _of_pod(pod: Object) -> Iterator[str]:
    yield from (name for name in ("hostNetwork", "hostPID", "hostIPC") if pod.get(name))
    for volume in pod.get("volumes", ()):
        yield from (f"volume {kind}" for kind in volume.keys() - {"name"} - _VOLUMES)
    context = pod.get("securityContext", {})
    if context.get("sysctls"):
        yield "sysctls"
    if context.get("runAsUser") == 0:
        yield "runAsUser"


def _of_container(container: Object, pod: Object) -> Iterator[str]:
    context = container.get("securityContext", {})
    effective = {**pod.get("securityContext", {}), **context}
    if context.get("privileged"):
        yield "privileged"
    if context.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation"
    if effective.get("runAsNonRoot") is not True:
        yield "runAsNonRoot"
    if context.get("runAsUser") == 0:
        yield "runAsUser"
    if effective.get("seccompProfile", {}).get("type") not in _SECCOMP:
        yield "seccompProfile"
    if effective.get("appArmorProfile", {}).get("type", "RuntimeDefault") not in _SECCOMP:
        yield "appArmorProfile"
    if context.get("procMount", "Default") != "Default":
        yield "procMount"
    if effective.keys() & {"seLinuxOptions", "windowsOptions"}:
        yield "seLinuxOptions or windowsOptions"
    capabilities = context.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", ()) or set(capabilities.get("add", ())) - {"NET_BIND_SERVICE"}:
        yield "capabilities"
    if any(port.get("hostPort") for port in container.get("ports", ())):
        yield "hostPort"
    hooks = {**container, **container.get("lifecycle", {})}
    if any(hooks.get(hook, {}).get(way, {}).get("host") for hook in _HOOKS for way in ("httpGet", "tcpSocket")):
        yield "host of a probe"
