"""Requests of the last seconds by service, as the users saw them: a ramp ends by these."""

import time
from collections import Counter, deque
from typing import Any

from locust.env import Environment
from locust.runners import MasterRunner

from serving_lab.load.requests import Requests

WINDOW_SECONDS = 10


class RecentRequests:
    """Sums over the last ten seconds. A master sums what its workers report, any other process its own requests."""

    def __init__(self, environment: Environment) -> None:
        self._seconds: deque[tuple[int, dict[str, Requests]]] = deque()
        if isinstance(environment.runner, MasterRunner):
            environment.events.worker_report.add_listener(self._add_report)
        else:
            environment.events.request.add_listener(self._add_request)
        environment.events.test_start.add_listener(lambda **_: self._seconds.clear())

    def by_service(self) -> dict[str, Requests]:
        """The requests of each service, by its name."""
        self._forget(int(time.monotonic()))
        services: dict[str, Requests] = {}
        for _, requests in self._seconds:
            for service, each in requests.items():
                services.setdefault(service, Requests()).add(each)
        return services

    def _add_request(
        self, name: str, response_time: float, exception: BaseException | None = None, **_: object
    ) -> None:
        requests = self._now(name)
        requests.count += 1
        requests.failures += exception is not None
        requests.response_times[round(response_time)] += 1

    def _add_report(self, data: dict[str, Any], **_: object) -> None:
        for entry in data["stats"]:
            times = Counter({int(milliseconds): count for milliseconds, count in entry["response_times"].items()})
            self._now(entry["name"]).add(Requests(entry["num_requests"], entry["num_failures"], times))

    def _now(self, name: str) -> Requests:
        second = int(time.monotonic())
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append((second, {}))
            self._forget(second)
        return self._seconds[-1][1].setdefault(name.partition(" ")[0], Requests())

    def _forget(self, second: int) -> None:
        while self._seconds and self._seconds[0][0] <= second - WINDOW_SECONDS:
            self._seconds.popleft()
