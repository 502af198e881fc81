"""Shapes of the load: how many users there are at which moment, where a person does not say so in the web UI."""

import logging
import time
from collections.abc import Mapping
from typing import ClassVar

from locust import LoadTestShape
from locust.env import Environment

from serving_lab.load.recent import RecentRequests
from serving_lab.load.shape_settings import Kind, ShapeSettings

logger = logging.getLogger(__name__)


class SetShape(LoadTestShape):
    """The shape that was set; a subclass in the locustfile gives it its settings and makes Locust find it."""

    abstract = True
    settings: ShapeSettings
    labels: ClassVar[Mapping[str, str]] = {}
    """What people call each service, by its name."""
    recent: RecentRequests
    finding: str | None = None
    """What a ramp found, in words."""

    @classmethod
    def watch(cls, environment: Environment) -> None:
        """Begin to look at the requests a ramp is judged by."""
        if cls.settings.kind is Kind.RAMP:
            cls.recent = RecentRequests(environment)

    def reset_time(self) -> None:
        """Begin a new run."""
        self.start_time = time.perf_counter()
        self.finding = None

    def tick(self) -> tuple[int, float] | None:
        """Return the users wanted now, and how many of them to start a second; None ends the run."""
        second = time.perf_counter() - self.start_time
        if self.settings.kind is Kind.RAMP:
            self.finding = self._finding(second)
        if self.finding:
            logger.warning(self.finding)
        if self.finding or second >= self.settings.seconds:
            return None
        wanted = self.settings.users_at(second)
        return wanted, float(wanted)

    def _finding(self, second: float) -> str | None:
        users = self.runner.user_count if self.runner else 0
        passed = [
            self.settings.passed_limit(self.labels.get(service, service), requests)
            for service, requests in sorted(self.recent.by_service().items())
        ]
        if reasons := "; ".join(filter(None, passed)):
            return f"Ramp ended at {users} users: {reasons}"
        if second >= self.settings.seconds:
            return f"Ramp ended at {users} users, its highest number, without passing a limit"
        return None
