"""RATE_LIMIT and LOGIN_RATE_LIMIT: one window a caller for the whole service, after path and method."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.routing import APIRoute
from fastapi_api.documentation import docs_files, documentation, graphiql
from fastapi_api.routers import operations, predictions
from flask import Flask
from flask_api.routes import blueprint
from litestar.handlers import HTTPRouteHandler
from litestar_api.controllers import Operations, Predictions
from support.answers import assert_error
from support.services import SERVICE_NAMES, RunningService, launched_service, stop, wait_until, with_besides
from support.tokens import claims, sign
from support.wire import Request, send

from contract.cases.bodies import GOOD
from contract.cases.order import faulty
from contract.cases.paths import ALLOWED

MOST = 6
PROXY = "203.0.113.1"
GET = Request("GET", "/model-info")
MIXTURE = [GET, *(faulty(fault) for fault in ("size", "type", "json", "fields")), faulty()]
STATUSES = [200, 413, 415, 400, 400, 200]
DOCUMENTATION = ["/docs", "/redoc", "/openapi.json", "/docs/swagger-ui.css"]
GRAPHQL = "/graphql"
_addresses = (f"198.51.100.{last}" for last in itertools.count(1))


@pytest.fixture(scope="module", params=SERVICE_NAMES)
def limited(request: pytest.FixtureRequest, model_dir: Path) -> Iterator[RunningService]:
    """A service behind a proxy that it trusts, so that each test can come from an address of its own."""
    trusted = f"127.0.0.0/8, {PROXY}"
    with launched_service(
        request.param, model_dir, RATE_LIMIT=f"{MOST}/hour", TRUSTED_PROXIES=trusted, WORKERS=4
    ) as service:
        wait_until(lambda: answers(service), f"{service.name} answering", seconds=60, explain=service.stderr)
        yield service
        stop(service)


def answers(service: RunningService) -> bool:
    """Whether the service answers at all; nothing here may depend on whether /ready counts."""
    assert service.process is not None
    assert service.process.poll() is None, service.stderr()
    try:
        return send(service, Request("GET", "/no-such-path")).status_code == 404
    except OSError:
        return False


class Client:
    """Somebody at an address that nobody else has."""

    def __init__(self, service: RunningService, user: str | None = None) -> None:
        self.address = next(_addresses)
        self._service = service
        self._token = sign(claims(user=user), service.secret_key) if user else ""

    def send(self, request: Request) -> httpx.Response:
        return send(self._service, request.with_headers(("X-Forwarded-For", self.address)), self._token)

    def use_up(self) -> None:
        assert {self.send(GET).status_code for _ in range(MOST)} == {200}


@pytest.fixture(params=["user", "address"])
def used_up(request: pytest.FixtureRequest, limited: RunningService) -> Client:
    """A client whose window is used up."""
    client = Client(limited, user=next(_addresses) if request.param == "user" else None)
    client.use_up()
    return client


def test_every_request_counts_across_workers_whatever_its_answer(limited: RunningService) -> None:
    client = Client(limited, user="mixed")

    assert [client.send(one).status_code for one in MIXTURE] == STATUSES
    assert {client.send(one).status_code for one in MIXTURE} == {429}


def test_unknown_paths_and_wrong_methods_are_not_counted(limited: RunningService) -> None:
    client = Client(limited)
    others = [Request("GET", "/no-such-path"), Request("DELETE", "/predict")] * 10

    assert [client.send(one).status_code for one in others] == [404, 405] * 10
    client.use_up()


def test_a_refused_client_is_told_when_to_come_back(used_up: Client) -> None:
    response = used_up.send(GET)

    assert_error(response, 429, "Too many requests")
    seconds = int(response.headers["Retry-After"])
    assert 1 <= seconds <= 3600
    assert response.headers["RateLimit-Policy"] == f'"default";q={MOST};w=3600'
    assert response.headers["RateLimit"] == f'"default";r=0;t={seconds}'


@pytest.mark.parametrize("fault", ["size", "type", "json", "fields"])
def test_the_limit_comes_before_every_later_check(used_up: Client, fault: str) -> None:
    assert_error(used_up.send(faulty(fault)), 429, "Too many requests")


def test_path_and_method_come_before_the_limit(used_up: Client) -> None:
    assert_error(used_up.send(faulty("path")), 404, "Not found")
    assert_error(used_up.send(faulty("method")), 405, "Method not allowed")


@pytest.mark.parametrize("path", [*ALLOWED, *DOCUMENTATION])
def test_all_endpoints_share_the_window(used_up: Client, limited: RunningService, path: str) -> None:
    if path in DOCUMENTATION and limited.name not in with_besides("documentation"):
        assert_error(used_up.send(Request("GET", path)), 404, "Not found")
        return
    method = "GET" if "GET" in ALLOWED.get(path, {"GET"}) else "POST"

    assert_error(used_up.send(Request(method, path, body=GOOD if method == "POST" else b"")), 429, "Too many requests")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_graphql_shares_it_too(used_up: Client, limited: RunningService, method: str) -> None:
    response = used_up.send(Request(method, GRAPHQL, (("Accept", "text/html"),)))

    if limited.name in with_besides("graphql"):
        assert_error(response, 429, "Too many requests")
    else:
        assert_error(response, 404, "Not found")


def flask_paths() -> set[str]:
    app = Flask("any", static_folder=None)
    app.register_blueprint(blueprint)
    return {rule.rule for rule in app.url_map.iter_rules()}


def fastapi_paths() -> set[str]:
    routers = (predictions, operations, documentation, docs_files, graphiql)
    return {route.path for router in routers for route in router.routes if isinstance(route, APIRoute)}


def litestar_paths() -> set[str]:
    handlers = [*vars(Predictions).values(), *vars(Operations).values()]
    return {path for handler in handlers if isinstance(handler, HTTPRouteHandler) for path in handler.paths}


PATHS = {"flask-api": flask_paths, "fastapi-api": fastapi_paths, "litestar-api": litestar_paths}
"""What each service routes, as its framework says; a new service is added here."""


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_these_are_all_endpoints_that_there_are(name: str) -> None:
    documentation = {"/docs", "/redoc", "/openapi.json", "/docs/{name}"}
    expected = set(ALLOWED)
    expected |= documentation if name in with_besides("documentation") else set()
    expected |= {GRAPHQL} if name in with_besides("graphql") else set()

    assert name in PATHS, "add how its routes are listed"
    assert PATHS[name]() == expected


def test_a_user_is_counted_at_whichever_address(limited: RunningService) -> None:
    Client(limited, user="traveller").use_up()

    assert Client(limited, user="traveller").send(GET).status_code == 429
    assert Client(limited, user="another").send(GET).status_code == 200


def test_a_token_that_does_not_hold_opens_no_window_of_its_own(limited: RunningService) -> None:
    client = Client(limited)
    bad = faulty("token")

    assert [client.send(bad).status_code for _ in range(MOST + 1)] == [401] * MOST + [429]
    assert client.send(GET).status_code == 429


@pytest.mark.parametrize("also", ["user", "address"])
def test_login_is_counted_by_address(limited: RunningService, also: str) -> None:
    client = Client(limited, user="somebody" if also == "user" else None)

    statuses = [client.send(Request("POST", "/login", body=b"{}")).status_code for _ in range(MOST)]

    assert statuses == [400] * MOST


def test_an_address_that_no_trusted_proxy_saw_is_not_believed(limited: RunningService) -> None:
    client = Client(limited)
    client.use_up()

    for written in (f"203.0.113.9, {client.address}", f"203.0.113.9, {client.address}, {PROXY}"):
        assert send(limited, GET.with_headers(("X-Forwarded-For", written))).status_code == 429
    assert send(limited, GET.with_headers(("X-Forwarded-For", f"{client.address}, 203.0.113.9"))).status_code == 200


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_login_has_a_limit_of_its_own_and_nobody_is_trusted_unless_named(model_dir: Path, name: str) -> None:
    with launched_service(name, model_dir, LOGIN_RATE_LIMIT="3/hour", WORKERS=4) as service:
        wait_until(lambda: answers(service), f"{name} answering", seconds=60, explain=service.stderr)
        attempts = [
            Request("POST", "/login", (("X-Forwarded-For", f"203.0.113.{last}"), ("X-Real-IP", f"203.0.113.{last}")))
            for last in range(4)
        ]
        *counted, refused = (send(service, attempt) for attempt in attempts)

        assert {response.status_code for response in counted} == {415}
        assert_error(refused, 429, "Too many requests")
        assert refused.headers["RateLimit-Policy"] == '"login";q=3;w=3600'
        assert {send(service, GET).status_code for _ in range(20)} == {200}
        stop(service)


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_the_next_window_is_open(model_dir: Path, name: str) -> None:
    with launched_service(name, model_dir, RATE_LIMIT="2/second", WORKERS=2) as service:
        wait_until(lambda: answers(service), f"{name} answering", seconds=60, explain=service.stderr)
        wait_until(lambda: send(service, GET).status_code == 429, "a full window")
        wait_until(lambda: send(service, GET).status_code == 200, "the next window", seconds=5)
        stop(service)
