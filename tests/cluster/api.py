"""A stand-in for a cluster's API: it keeps what the real kubectl applies, and makes pods of Deployments at once.

It is no cluster: nothing runs, and no port leads anywhere. `test_a_real_cluster` in test_stack.py needs one.
"""

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

Object = dict[str, Any]
KINDS: Mapping[str, Mapping[str, str]] = {
    "v1": {
        "namespaces": "Namespace",
        "configmaps": "ConfigMap",
        "secrets": "Secret",
        "services": "Service",
        "pods": "Pod",
    },
    "apps/v1": {"deployments": "Deployment"},
    "policy/v1": {"poddisruptionbudgets": "PodDisruptionBudget"},
    "networking.k8s.io/v1": {"networkpolicies": "NetworkPolicy"},
    "authorization.k8s.io/v1": {"selfsubjectaccessreviews": "SelfSubjectAccessReview"},
}
"""What it knows: by group and version, the names of resources in addresses, and what they are called."""


class Cluster:
    """What was applied, and what its users may do."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Object] = {}
        """By name of the resource, and its own."""
        self.forbidden: set[str] = set()
        """Resources that nobody may create."""
        self.unpullable: set[str] = set()
        """Deployments whose image cannot be had."""

    def put(self, resource: str, found: Object) -> Object:
        """Keep an object; a Deployment gets a pod."""
        metadata = found["metadata"]
        key = resource, metadata["name"]
        generation = self.objects.get(key, {}).get("metadata", {}).get("generation", 0) + 1
        metadata |= {"uid": f"uid-{resource}-{metadata['name']}", "resourceVersion": "1", "generation": generation}
        self.objects[key] = found
        if resource == "deployments":
            self._run(found)
        return found

    def _run(self, deployment: Object) -> None:
        name, template = deployment["metadata"]["name"], deployment["spec"]["template"]
        replicas = deployment["spec"].get("replicas", 1)
        (container,) = template["spec"]["containers"]
        lacking = name in self.unpullable
        state = {"waiting": {"reason": "ErrImagePull", "message": "pull access denied"}} if lacking else {"running": {}}
        for number in range(replicas):
            pod = {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": f"{name}-{number}", "labels": template["metadata"]["labels"]},
                "spec": template["spec"],
                "status": {
                    "phase": "Pending" if lacking else "Running",
                    "conditions": [{"type": "Ready", "status": "False" if lacking else "True"}],
                    "containerStatuses": [
                        {"name": name, "image": container["image"], "imageID": f"{name}@sha256:1", "state": state}
                    ],
                },
            }
            self.put("pods", pod)
        counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), 0 if lacking else replicas)
        deployment["status"] = {"observedGeneration": deployment["metadata"]["generation"], **counts}


@contextlib.contextmanager
def running_cluster(directory: Path) -> Iterator[tuple[Cluster, Path]]:
    """Serve a cluster at a free port, and yield it with the file that KUBECONFIG names."""
    cluster = Cluster()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"cluster": cluster}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = directory / "kubeconfig"
    config.write_text(kubeconfig(f"http://127.0.0.1:{server.server_port}"))
    try:
        yield cluster, config
    finally:
        server.shutdown()
        server.server_close()


def kubeconfig(url: str) -> str:
    """A configuration of kubectl with one context, which is the current one."""
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "one", "cluster": {"server": url}}],
            "users": [{"name": "me", "user": {"token": "secret-token"}}],
            "contexts": [{"name": "test-context", "context": {"cluster": "one", "user": "me"}}],
            "current-context": "test-context",
        }
    )


class _Handler(BaseHTTPRequestHandler):
    cluster: Cluster
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if found := _discovery(path):
            self._answer(200, found)
            return
        resource, name = _place(path)
        if not any(resource in kinds for kinds in KINDS.values()):
            self._lacks(resource, name)
            return
        if name:
            found = self.cluster.objects.get((resource, name))
            self._answer(200, found) if found else self._lacks(resource, name)
            return
        field = parse_qs(urlsplit(self.path).query).get("fieldSelector", [""])[0]
        items = [
            each
            for (kind, its_name), each in sorted(self.cluster.objects.items())
            if kind == resource and field in {"", f"metadata.name={its_name}"}
        ]
        version, kind = next((version, kinds[resource]) for version, kinds in KINDS.items() if resource in kinds)
        self._answer(200, {"kind": f"{kind}List", "apiVersion": version, "metadata": {}, "items": items})

    def do_PATCH(self) -> None:
        resource, name = _place(urlsplit(self.path).path)
        given = yaml.safe_load(self._body())
        if resource in self.cluster.forbidden:
            self._status(403, "Forbidden", f'{resource} "{name}" is forbidden: User "me" cannot patch resource')
            return
        known = self.cluster.objects.get((resource, name), {})
        merged = given if "apply" in self.headers["Content-Type"] else _merged(known, given)
        self._answer(200, self.cluster.put(resource, merged))

    def do_POST(self) -> None:
        """May somebody do this? It comes as protobuf, in which texts are plain."""
        body = self._body()
        allowed = not any(resource.encode() in body for resource in self.cluster.forbidden)
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "metadata": {}}
        self._answer(201, {**review, "spec": {}, "status": {"allowed": allowed}})

    def do_DELETE(self) -> None:
        resource, name = _place(urlsplit(self.path).path)
        self._body()
        found = self.cluster.objects.pop((resource, name), None)
        if found is None:
            self._lacks(resource, name)
            return
        if resource == "namespaces":
            self.cluster.objects.clear()
        self._answer(200, found)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library calls it
        """Say nothing."""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _lacks(self, resource: str, name: str) -> None:
        self._status(404, "NotFound", f'{resource} "{name}" not found')

    def _status(self, code: int, reason: str, message: str) -> None:
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code}
        self._answer(code, {**status, "message": message})

    def _answer(self, code: int, found: object) -> None:
        body = json.dumps(found).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _place(path: str) -> tuple[str, str]:
    """The resource and the name in an address."""
    parts = path.strip("/").split("/")
    parts = (parts[2:] if parts[0] == "api" else parts[3:]) or [path]
    if parts[0] == "namespaces" and len(parts) > 2:
        parts = parts[2:]
    return parts[0], parts[1] if len(parts) > 1 else ""


def _discovery(path: str) -> Object | None:
    if path == "/version":
        return {"major": "1", "minor": "32", "gitVersion": "v1.32.0"}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        groups = [version.split("/") for version in KINDS if "/" in version]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(*each) for each in groups]}
    if path == "/openapi/v3":
        return {
            "paths": {_root(version)[1:]: {"serverRelativeURL": f"/openapi/v3{_root(version)}"} for version in KINDS}
        }
    for version, kinds in KINDS.items():
        if path == _root(version):
            resources = [
                {
                    "name": name,
                    "kind": kind,
                    "namespaced": name != "namespaces",
                    "verbs": ["get", "list", "patch", "delete"],
                }
                for name, kind in kinds.items()
            ]
            return {"kind": "APIResourceList", "groupVersion": version, "resources": resources}
        if path == f"/openapi/v3{_root(version)}":
            return {"openapi": "3.0.0", "info": {"title": "", "version": ""}, "paths": _paths(version, kinds)}
    return None


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def _group(name: str, version: str) -> Object:
    one = {"groupVersion": f"{name}/{version}", "version": version}
    return {"name": name, "versions": [one], "preferredVersion": one}


def _paths(version: str, kinds: Mapping[str, str]) -> Object:
    """So that kubectl knows that the server checks fields itself."""
    group, _, number = version.rpartition("/")
    return {
        f"{_root(version)}/{name}/{{name}}": {
            "patch": {
                "x-kubernetes-group-version-kind": {"group": group, "version": number, "kind": kind},
                "parameters": [{"name": "fieldValidation", "in": "query"}],
            }
        }
        for name, kind in kinds.items()
    }


def _merged(known: Object, given: Object) -> Object:
    """A merge patch, as far as `rollout restart` needs it."""
    both = {**known, **given}
    for name in known.keys() & given.keys():
        if isinstance(known[name], dict) and isinstance(given[name], dict):
            both[name] = _merged(known[name], given[name])
    return both
