"""How the lab's pods are, from what a cluster says of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NAME_LABEL = "app.kubernetes.io/name"
_UNPULLABLE = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
_FAILING = frozenset({"CrashLoopBackOff", "CreateContainerConfigError", "CreateContainerError", "RunContainerError"})

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Pod:
    """A pod of a service."""

    name: str
    service: str
    state: str
    """In one word, as `kubectl get pods` says it."""
    ready: bool
    image_id: str
    problem: str | None
    """What the cluster says of a pod that cannot start; None: nothing."""
    unpullable: str | None
    """The image that cannot be had; None: there is none."""

    @classmethod
    def of(cls, found: Object) -> "Pod":
        """The pod that an object is."""
        status = found.get("status", {})
        containers = status.get("containerStatuses", [])
        waiting = [(each, each.get("state", {}).get("waiting") or {}) for each in containers]
        stuck = next(((each, why) for each, why in waiting if why.get("reason") in _UNPULLABLE | _FAILING), None)
        conditions = {each["type"]: each for each in status.get("conditions", [])}
        unscheduled = conditions.get("PodScheduled", {})
        problem = None
        if stuck:
            problem = ": ".join(filter(None, (stuck[1]["reason"], stuck[1].get("message"))))
        elif unscheduled.get("reason") == "Unschedulable":
            problem = f"it cannot be scheduled: {unscheduled.get('message', '')}"
        state = stuck[1]["reason"] if stuck else status.get("phase", "Unknown")
        return cls(
            name=found["metadata"]["name"],
            service=found["metadata"].get("labels", {}).get(NAME_LABEL, found["metadata"]["name"]),
            state="Terminating" if found["metadata"].get("deletionTimestamp") else state,
            ready=conditions.get("Ready", {}).get("status") == "True",
            image_id=next((each.get("imageID", "") for each in containers), ""),
            problem=problem,
            unpullable=stuck[0]["image"] if stuck and stuck[1]["reason"] in _UNPULLABLE else None,
        )


def pods(objects: Iterable[Object]) -> list[Pod]:
    """Those of these objects that are pods, and are not about to end."""
    found = [Pod.of(each) for each in objects if each["kind"] == "Pod"]
    return sorted((each for each in found if each.state != "Terminating"), key=lambda each: each.name)


def unfinished(objects: Sequence[Object]) -> list[str]:
    """The deployments among these whose pods are not all of the newest kind and ready."""
    return sorted(each["metadata"]["name"] for each in objects if each["kind"] == "Deployment" and not _done(each))


def _done(deployment: Object) -> bool:
    wanted, status = deployment["spec"].get("replicas", 1), deployment.get("status", {})
    current = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    counts = [status.get(name, 0) for name in ("updatedReplicas", "replicas", "availableReplicas")]
    return bool(current and counts == [wanted] * 3)
