"""Requests counted since the process started. Locust's own statistics start again with every run or reset."""

from collections import Counter
from typing import Any, NamedTuple

from locust.env import Environment
from locust.runners import MasterRunner


class RequestKind(NamedTuple):
    """The method and the name of a request, by which Locust groups its statistics."""

    method: str
    name: str


class Totals:
    """Requests and failures by kind. They never fall, whatever is started, stopped or reset in the web UI.

    A master counts what its workers report; any other process counts its own requests.
    """

    def __init__(self, environment: Environment) -> None:
        self.requests: Counter[RequestKind] = Counter()
        self.failures: Counter[RequestKind] = Counter()
        if isinstance(environment.runner, MasterRunner):
            environment.events.worker_report.add_listener(self._add_report)
        else:
            environment.events.request.add_listener(self._add_request)

    def _add_request(self, request_type: str, name: str, exception: BaseException | None = None, **_: object) -> None:
        kind = RequestKind(request_type, name)
        self.requests[kind] += 1
        if exception:
            self.failures[kind] += 1

    def _add_report(self, data: dict[str, Any], **_: object) -> None:
        # A worker's report holds what happened since its last one.
        for entry in data["stats"]:
            kind = RequestKind(entry["method"], entry["name"])
            self.requests[kind] += entry["num_requests"]
            self.failures[kind] += entry["num_failures"]
