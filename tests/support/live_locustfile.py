"""Locust with the live page and any number of services: SERVICES is a JSON list of their name, label and URL.

The first one is the baseline. Each has users that only ask for /health.
"""

import json
import os

from locust import HttpUser, between, events, task
from locust.env import Environment
from serving_lab.live.page import add_page
from serving_lab.load.exporter import add_metrics_route
from serving_lab.load.services import LoadedService
from serving_lab.load.totals import Totals
from serving_lab.load.vitals import VitalsMonitor
from serving_lab.load.workers import WorkerWatch
from serving_lab.targets.catalogue import Entry

COLOURS = ("#e0751a", "#0f97b0", "#7a4fc9", "#4b8b3b", "#b3387a")
SERVICES = [
    LoadedService(
        Entry(
            name=name,
            label=label,
            about="",
            role="candidate" if at else "baseline",
            port=8000 + at,
            port_setting=f"SERVICE_{at}_PORT",
            colour=COLOURS[at],
            image_target=name,
        ),
        url,
    )
    for at, (name, label, url) in enumerate(json.loads(os.environ["SERVICES"]))
]


class Visitor(HttpUser):
    """Asks its service for /health again and again."""

    abstract = True
    service: str
    wait_time = between(0.02, 0.05)

    @task
    def visit(self) -> None:
        """Ask once."""
        self.client.get("/health", name=f"{self.service} /health")


# Locust takes its user classes from the names of this module.
for service in SERVICES:
    name = f"{service.label}User"
    globals()[name] = type(name, (Visitor,), {"service": service.name, "host": service.url})


def watch(environment: Environment, **_: object) -> None:
    """Add /metrics and the live page."""
    totals, vitals, workers = Totals(environment), VitalsMonitor(environment), WorkerWatch(environment)
    add_metrics_route(environment, SERVICES, totals, vitals, workers)
    add_page(environment, SERVICES, totals, vitals, workers)


events.init.add_listener(watch)
