"""Realistic load on both services: `locust -f loadtest/locustfile.py`, then http://localhost:8089.

FLASK_URL, FASTAPI_URL, API_USERNAME, API_PASSWORD, THINK_TIME_MIN_SECONDS, THINK_TIME_MAX_SECONDS, REPEAT_SHARE,
REPEAT_POOL_SIZE and LOAD_SHAPE* set it up; Locust reads its own LOCUST_* variables. Users are shared out evenly between
the services; with WEBSOCKET_SHARE the new one gets users of its WebSocket besides.
"""

import os
import sys
from pathlib import Path

from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import WorkerRunner
from serving_lab import exit_codes
from serving_lab.live.page import add_page
from serving_lab.load.answers import Consistency
from serving_lab.load.exporter import add_metrics_route
from serving_lab.load.features import FeatureSource
from serving_lab.load.services import LoadedService
from serving_lab.load.settings import LoadSettings, SettingError
from serving_lab.load.shape_settings import Kind, ShapeSettings
from serving_lab.load.shapes import SetShape
from serving_lab.load.totals import Totals
from serving_lab.load.users import PredictionUser, ServiceUser
from serving_lab.load.verdict import set_exit_code
from serving_lab.load.vitals import VitalsMonitor
from serving_lab.load.websocket_user import WebSocketUser
from serving_lab.load.workers import WorkerWatch
from serving_lab.targets.catalogue import Catalogue

try:
    SETTINGS = LoadSettings.from_environment(os.environ)
    SetShape.settings = ShapeSettings.from_environment(os.environ)
except SettingError as error:
    sys.stderr.write(f"locust: {error}\n")
    sys.exit(exit_codes.CANNOT_TELL)

URLS = {"flask-api": SETTINGS.flask_url, "fastapi-api": SETTINGS.fastapi_url}
CATALOGUE = Catalogue.read(Path(__file__).with_name("catalogue.yaml"))
SERVICES = [LoadedService(entry, URLS[entry.name]) for entry in CATALOGUE.entries if entry.name in URLS]

SetShape.labels = CATALOGUE.labels
ServiceUser.settings = SETTINGS
ServiceUser.features = FeatureSource(SETTINGS.repeat_share, SETTINGS.repeat_pool_size)
ServiceUser.consistency = Consistency(frozenset(ServiceUser.features.pool))


class FlaskUser(PredictionUser):
    """A user of the Flask service."""

    service = "flask-api"
    base_url = host = SETTINGS.flask_url


class FastApiUser(PredictionUser):
    """A user of the FastAPI service."""

    service = "fastapi-api"
    base_url = host = SETTINGS.fastapi_url


class FastApiWebSocketUser(WebSocketUser):
    """A user of the FastAPI service's WebSocket; Locust leaves out who has no weight."""

    service = "fastapi-api"
    base_url = host = SETTINGS.fastapi_url
    weight = SETTINGS.websocket_share


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
