"""Realistic load on every service of the catalogue: `locust -f loadtest/locustfile.py`, then http://localhost:8089.

What users ask for, and what a right answer is, stands in api.yaml; its `${env:NAME}` come from the environment.
THINK_TIME_MIN_SECONDS, THINK_TIME_MAX_SECONDS, REPEAT_SHARE, REPEAT_POOL_SIZE and LOAD_SHAPE* set the load up, and
<NAME>_URL says where a service answers if it is not where the catalogue says. Locust reads its own LOCUST_* variables.
Users are shared out evenly between the services; with WEBSOCKET_SHARE, services that have a WebSocket get users of it
besides. With LOAD_THROUGH=gateway they all ask the gateway at GATEWAY_URL instead.
"""

import os
import sys
from pathlib import Path

import gevent
from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import WorkerRunner
from serving_lab.errors import LabError
from serving_lab.live.page import add_page
from serving_lab.load.exporter import add_metrics_route
from serving_lab.load.profile import LoadProfile, tasks
from serving_lab.load.services import LoadedService
from serving_lab.load.settings import LoadSettings
from serving_lab.load.shape_settings import Kind, ShapeSettings
from serving_lab.load.shapes import SetShape
from serving_lab.load.totals import Totals
from serving_lab.load.users import RequestUser, ServiceUser
from serving_lab.load.verdict import set_exit_code
from serving_lab.load.vitals import VitalsMonitor
from serving_lab.load.websocket_user import WebSocketUser
from serving_lab.load.workers import WorkerWatch
from serving_lab.targets.addresses import addresses
from serving_lab.targets.catalogue import Catalogue

HERE = Path(__file__).resolve().parent

try:
    SETTINGS = LoadSettings.from_environment(os.environ)
    SetShape.settings = ShapeSettings.from_environment(os.environ)
    CATALOGUE = Catalogue.read(HERE / "catalogue.yaml").running(os.environ)
    ADDRESSES = addresses(CATALOGUE, os.environ)
    SERVICES = [LoadedService(entry, ADDRESSES[entry.name]) for entry in CATALOGUE.entries]
    PROFILE = LoadProfile.load(HERE / "api.yaml", os.environ)
except LabError as error:
    sys.stderr.write(f"locust: {error}\n")
    if error.hint:
        sys.stderr.write(f" hint: {error.hint}\n")
    sys.exit(error.exit_code)

SetShape.labels = CATALOGUE.labels
ServiceUser.share(SETTINGS, PROFILE)


def user_classes() -> dict[str, type[ServiceUser]]:
    """The users of each service that runs, or of the gateway, by its name; Locust leaves out who has no weight."""
    if SETTINGS.load_through == "gateway":
        url, cookie = SETTINGS.gateway_url, SETTINGS.gateway_user_cookie
        of_gateway = {"service": "gateway", "base_url": url, "host": url, "cookie": cookie, "tasks": tasks(PROFILE.mix)}
        return {"gateway": type("gateway", (RequestUser,), of_gateway)}
    classes: dict[str, type[ServiceUser]] = {}
    for service in SERVICES:
        known = {"service": service.name, "base_url": service.url, "host": service.url}
        classes[service.name] = type(service.name, (RequestUser,), {**known, "tasks": tasks(PROFILE.mix)})
        if "websocket" in service.entry.besides and PROFILE.messages:
            name = f"{service.name}-websocket"
            classes[name] = type(name, (WebSocketUser,), {**known, "weight": SETTINGS.websocket_share})
    return classes


# Locust takes up what users it finds here.
globals().update(user_classes())

if SetShape.settings.kind is not Kind.NONE:

    class Shape(SetShape):
        """Locust takes up what shape it finds here, and then asks nobody for users."""


def suggest_load(parser: LocustArgumentParser) -> None:
    """Fill in the web UI's start form where neither options nor LOCUST_USERS and LOCUST_SPAWN_RATE do.

    And let the users of a worker that is lost go over to the others.
    """
    parser.set_defaults(num_users=20, spawn_rate=5, enable_rebalancing=True)


def watch(environment: Environment, **_: object) -> None:
    """Count, watch the generator, serve /metrics and the live page, and judge the run at its end."""
    # gevent counts from when it last looked at the clock: a run would be shorter by what the imports took.
    gevent.get_hub().loop.update_now()
    totals, vitals = Totals(environment), VitalsMonitor(environment)
    if isinstance(environment.runner, WorkerRunner):
        return
    SetShape.watch(environment)
    workers = WorkerWatch(environment)
    add_metrics_route(environment, SERVICES, totals, vitals, workers)
    add_page(environment, SERVICES, totals, vitals, workers)
    environment.events.quitting.add_listener(lambda **_: set_exit_code(environment, totals))


events.init_command_line_parser.add_listener(suggest_load)
events.init.add_listener(watch)
