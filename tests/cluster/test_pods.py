"""What becomes of what a cluster says of its pods."""

from collections.abc import Mapping

from serving_lab.stack.pods import Pod, pods, unfinished

RUNNING = {"type": "Ready", "status": "True"}


def pod(status: dict[str, object], **metadata: object) -> dict[str, object]:
    labels = {"app.kubernetes.io/name": "flask-api"}
    return {"kind": "Pod", "metadata": {"name": "flask-api-1", "labels": labels, **metadata}, "status": status}


def waiting(reason: str, message: str) -> dict[str, object]:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"phase": "Pending", "containerStatuses": [{"image": "serving-lab/flask-api", "state": state}]}


def deployment(status: Mapping[str, object]) -> dict[str, object]:
    metadata = {"name": "flask-api", "generation": 2}
    return {"kind": "Deployment", "metadata": metadata, "spec": {"replicas": 2}, "status": status}


def test_a_pod_that_is_ready() -> None:
    found = Pod.of(pod({"phase": "Running", "conditions": [RUNNING]}))

    assert (found.service, found.state, found.ready, found.problem) == ("flask-api", "Running", True, None)


def test_an_image_that_cannot_be_had_is_known() -> None:
    found = Pod.of(pod(waiting("ImagePullBackOff", "no such image")))

    assert found.unpullable == "serving-lab/flask-api"
    assert found.problem == "ImagePullBackOff: no such image"


def test_a_program_that_ends_again_and_again_has_its_image() -> None:
    found = Pod.of(pod(waiting("CrashLoopBackOff", "back-off 10s")))

    assert (found.state, found.unpullable) == ("CrashLoopBackOff", None)


def test_a_pod_for_which_no_node_has_room() -> None:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "Insufficient cpu"}

    assert Pod.of(pod({"phase": "Pending", "conditions": [condition]})).problem == (
        "it cannot be scheduled: Insufficient cpu"
    )


def test_pods_that_are_about_to_end_do_not_count() -> None:
    assert pods([pod({"phase": "Running"}, deletionTimestamp="2026-01-01T00:00:00Z")]) == []


def test_a_deployment_is_finished_when_all_its_pods_are_new_and_available() -> None:
    done = {"observedGeneration": 2, "updatedReplicas": 2, "replicas": 2, "availableReplicas": 2}

    assert unfinished([deployment(done)]) == []
    assert unfinished([deployment({**done, "observedGeneration": 1})]) == ["flask-api"]  # the change is not seen yet
    assert unfinished([deployment({**done, "replicas": 3})]) == ["flask-api"]  # an old one is left
    assert unfinished([deployment({**done, "availableReplicas": 1})]) == ["flask-api"]
    assert unfinished([deployment({})]) == ["flask-api"]
