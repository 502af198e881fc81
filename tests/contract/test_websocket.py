"""/ws/predict of the new service: tokens, messages, limits, its end, and what is counted and logged of it."""

import json
import socket
import struct
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.answers import assert_contract_headers, assert_error
from support.exposition import scrape
from support.services import (
    RunningService,
    StartedService,
    running_service,
    terminate,
    wait_stopped,
    wait_until,
    with_besides,
    without_besides,
)
from support.tokens import LEEWAY_SECONDS, claims, sign
from support.websocket import PATH, ask, ask_for_text, connect, farewell
from support.wire import LIMIT_BYTES, Request, encode, read_response, send
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Response
from websockets.sync.client import ClientConnection

from contract.cases import ROW, Fault, random_rows
from contract.cases.bodies import BODY_ACCEPTED, BODY_FAULTS, GOOD, padded
from contract.cases.features import BATCH_ACCEPTED, BATCH_FAULTS, PREDICT_ACCEPTED, PREDICT_FAULTS

KEY = (("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="))
UPGRADE = (("Upgrade", "websocket"), ("Connection", "Upgrade"))
LIMIT = 30
ORIGIN = "https://app.example.org"
LOG = "predictions.jsonl"


@pytest.fixture(scope="module")
def service(websocket_service: RunningService) -> RunningService:
    """The new service, with two workers and the settings' defaults."""
    return websocket_service


@pytest.fixture(scope="module")
def token(service: RunningService) -> str:
    return service.login()


@pytest.fixture
def connection(service: RunningService, token: str) -> Iterator[ClientConnection]:
    """A connection that is signed in."""
    with connect(service, token) as connection:
        yield connection


@pytest.fixture(scope="module", params=with_besides("websocket"))
def strict(request: pytest.FixtureRequest, model_dir: Path) -> Iterator[RunningService]:
    """A service with short times, a rate limit, a log, and a page that may call."""
    with running_service(
        request.param,
        model_dir,
        WEBSOCKET_TOKEN_SECONDS=1,
        WEBSOCKET_IDLE_SECONDS=1,
        RATE_LIMIT=f"{LIMIT}/hour",
        TRUSTED_PROXIES="127.0.0.0/8",
        CORS_ORIGINS=ORIGIN,
        PREDICTION_LOG=LOG,
    ) as strict:
        yield strict


def user_token(service: RunningService, user: str, **changes: Any) -> str:  # noqa: ANN401 - any claim
    """Return a token of a user who has asked nothing yet."""
    return sign(claims(user=user, **changes), service.secret_key)


# --- Tokens


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", ""])
def test_a_token_in_the_handshake_is_taken_as_by_rest(service: RunningService, token: str, scheme: str) -> None:
    with connect(service, None, ("Authorization", f"{scheme}{token}")) as connection:
        assert ask(connection, {"features": ROW})["model_version"]


def test_a_token_in_the_first_message_is_taken_and_not_answered(service: RunningService, token: str) -> None:
    with connect(service) as connection:
        connection.send(json.dumps({"token": token}))

        assert ask(connection, {"features": ROW, "id": "the first answer"})["id"] == "the first answer"


BAD_TOKENS = {
    "no token": "x",
    "another key's": sign(claims(), "another-key-that-is-long-enough-for-HS256"),
    "nobody's": sign(claims(user=None), "another-key-that-is-long-enough-for-HS256"),
    "empty": "",
    "expired": "expired",
}


@pytest.mark.parametrize("way", ["header", "message"])
@pytest.mark.parametrize("bad", BAD_TOKENS)
def test_a_bad_token_ends_the_connection_with_rests_words(service: RunningService, bad: str, way: str) -> None:
    given = (
        BAD_TOKENS[bad] if bad != "expired" else user_token(service, "late", exp=int(time.time()) - LEEWAY_SECONDS - 1)
    )
    refused = Request("POST", "/predict", body=GOOD).with_headers(("Authorization", f"Bearer {given}"))
    rest = send(service, refused).json()

    headers = [("Authorization", f"Bearer {given}")] if way == "header" else []
    with connect(service, None, *headers) as connection:
        if way == "message":
            connection.send(json.dumps({"token": given}))

        assert farewell(connection) == (1008, rest["detail"] or rest["error"])


@pytest.mark.parametrize(
    "message",
    ['{"token": null}', '{"token": ["x"]}', '{"Token": "x"}', "{", "[]", "", b"\xff", GOOD, '{"token": "\\ud800"}'],
)
def test_a_first_message_without_a_token_ends_it(service: RunningService, message: str | bytes) -> None:
    with connect(service) as connection:
        connection.send(message)
        code, reason = farewell(connection)

    assert code == 1008
    assert reason == ("Token is invalid" if "ud800" in str(message) else "Token is missing")


def test_a_token_that_does_not_come_in_time_ends_it(strict: RunningService) -> None:
    began = time.monotonic()

    with connect(strict) as connection:
        assert farewell(connection) == (1008, "Token is missing")
    assert 0.9 < time.monotonic() - began < 5


@pytest.mark.parametrize("way", ["header", "message"])
def test_a_token_that_expires_meanwhile_ends_it_at_the_next_message(service: RunningService, way: str) -> None:
    refused_from = int(time.time()) + 2
    given = user_token(service, "short", exp=refused_from - LEEWAY_SECONDS)
    with connect(service, given if way == "header" else None) as connection:
        if way == "message":
            connection.send(json.dumps({"token": given}))
        assert "prediction" in ask(connection, GOOD)

        time.sleep(max(0, refused_from + 0.1 - time.time()))
        connection.send(GOOD)

        assert farewell(connection) == (1008, "Token has expired")


def test_a_token_in_the_url_is_not_looked_at_nor_written_down(service: RunningService, token: str) -> None:
    with connect(service, target=f"{PATH}?token={token}&access_token={token}") as connection:
        connection.send(GOOD)

        assert farewell(connection) == (1008, "Token is missing")
    assert token not in service.stderr()


# --- Messages


def bodies(faults: list[Fault], path: str) -> list[bytes]:
    """Return the different bodies that a path refuses."""
    return list(dict.fromkeys(fault.request.body for fault in faults if fault.request.target == path))


@pytest.mark.parametrize(
    ("path", "refused"),
    [
        ("/predict", bodies(PREDICT_FAULTS + BODY_FAULTS, "/predict")),
        # With features alone it is no batch here.
        ("/batch-predict", [body for body in bodies(BATCH_FAULTS, "/batch-predict") if b"features" not in body]),
    ],
    ids=["features", "samples"],
)
def test_a_bad_message_is_answered_as_rest_answers_it(
    service: RunningService, token: str, connection: ClientConnection, path: str, refused: list[bytes]
) -> None:
    assert len(refused) > 40
    with service.client(token) as client:
        for body in refused:
            rest = client.post(path, content=body, headers={"Content-Type": "application/json"})
            assert rest.status_code == 400

            assert ask(connection, body) == rest.json(), body[:100]
    assert "prediction" in ask(connection, GOOD), "the connection stays"


@pytest.mark.parametrize(
    ("path", "cases"),
    [("/predict", [*PREDICT_ACCEPTED, *BODY_ACCEPTED]), ("/batch-predict", BATCH_ACCEPTED)],
    ids=["features", "samples"],
)
def test_a_good_message_is_answered_as_rest_answers_it(
    service: RunningService, token: str, connection: ClientConnection, path: str, cases: list[Any]
) -> None:
    with service.client(token) as client:
        for case in cases:
            body = case.request.body
            rest = client.post(path, content=body, headers={"Content-Type": "application/json"}).json()
            answer = ask(connection, body)

            volatile = {"cached": True, "inference_ms": 0.0}
            assert answer | volatile == rest | volatile, case.id
            assert answer.keys() == rest.keys(), case.id


def test_binary_messages_are_read_as_text_is(connection: ClientConnection) -> None:
    connection.send(GOOD)

    assert "prediction" in json.loads(connection.recv(timeout=20))


def test_features_and_samples_together_are_refused(connection: ClientConnection) -> None:
    answer = ask(connection, {"features": ROW, "samples": [ROW], "id": 1})

    assert answer == {"id": 1, "error": "Expected features or samples, not both", "detail": None}


def test_the_cache_is_that_of_rest(service: RunningService, token: str, connection: ClientConnection) -> None:
    [row] = random_rows(1, seed=60)
    with service.client(token) as client:
        first = client.post("/predict", json={"features": row}).json()

    assert ask(connection, {"features": row}) == first | {"cached": True}


IDS = [
    "7", "-0", "1.50", "1e400", "12345678901234567890123", "1" + "0" * 5000, '"text"', '""', "null", "true", "false",
    "[]", '[1, {"a": [null]}]', '{"deep": {"er": 1}, "deep": 2}', r'"\ud800"', r'"\u0000\n"', '"имя 🎉"',
    "[" * 100 + "]" * 100,
]  # fmt: skip


@pytest.mark.parametrize(
    "rest", [f'"features": {list(ROW)}', f'"samples": [{list(ROW)}]', '"features": "none"', '"x": 0']
)
def test_an_id_of_any_type_comes_back_as_it_was_written(connection: ClientConnection, rest: str) -> None:
    for literal in IDS:
        answer = ask_for_text(connection, f'{{"id": {literal}, {rest}}}')

        assert answer.startswith(f'{{"id":{literal},'), (literal, answer)


def test_an_id_is_found_where_json_has_it(connection: ClientConnection) -> None:
    assert ask(connection, '{"id": 1, "x": {"id": 2}, "id": 3, "Id": 4}')["id"] == 3
    assert ask(connection, r'{"\u0069d": 5, "features": []}')["id"] == 5
    assert "id" not in ask(connection, '{"x": {"id": 2}}')
    assert "id" not in ask(connection, GOOD)
    assert "id" not in ask(connection, '{"id": 6,')


def test_messages_are_answered_in_their_order(connection: ClientConnection) -> None:
    sent = [{"features": row, "id": number} for number, row in enumerate(random_rows(300, seed=61))]
    for message in sent:
        connection.send(json.dumps(message))

    assert [json.loads(connection.recv(timeout=20))["id"] for _ in sent] == list(range(300))


# --- Handshake


def test_the_handshake_is_answered_with_the_contracts_headers(service: RunningService, token: str) -> None:
    with connect(service, token, ("X-Request-ID", "a-handshake"), compression="deflate") as connection:
        assert connection.response
        headers = connection.response.headers

    assert headers["X-Request-ID"] == "a-handshake"
    assert float(headers["X-Process-Time"]) >= 0
    assert "Sec-WebSocket-Extensions" not in headers, "not compressed"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_plain_http_finds_nothing_on_any_service(services: Mapping[str, RunningService], method: str) -> None:
    for each in services.values():
        response = send(each, Request(method, PATH, headers=()))
        assert response.status_code == 404
        assert_contract_headers(response)


@pytest.mark.parametrize("name", without_besides("websocket"))
def test_other_services_offer_no_upgrade(started_service: StartedService, name: str) -> None:
    service = started_service(name)
    handshake = encode(Request("GET", PATH, headers=KEY), service)

    assert_error(exchange(service, upgraded(handshake)), 404, "Not found")


@pytest.mark.parametrize("target", ["/health", "/ready", "/no-such-path", f"{PATH}/", f"{PATH}%0A", "/predict"])
def test_elsewhere_an_upgrade_is_ignored(services: Mapping[str, RunningService], target: str) -> None:
    statuses = {
        exchange(each, upgraded(encode(Request("GET", target, headers=KEY), each))).status_code
        for each in services.values()
    }

    assert statuses in ({200}, {404}, {405})


def upgraded(request: bytes) -> bytes:
    """Return a request with the headers of an upgrade instead of `Connection: close`."""
    return request.replace(b"Connection: close", b"Upgrade: websocket\r\nConnection: Upgrade")


def exchange(service: RunningService, request: bytes) -> Any:  # noqa: ANN401 - as read_response
    """Send bytes on a connection of their own and return what is answered."""
    with socket.create_connection(service.address, 20) as connection:
        connection.sendall(request)
        return read_response(connection, request.partition(b" ")[0].decode())


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ((("Sec-WebSocket-Version", "13"),), 400),
        ((KEY[0], ("Sec-WebSocket-Key", "short")), 400),
        ((("Sec-WebSocket-Version", "8"), KEY[1]), 400),
        ((*KEY, *((f"X-{number}", "x") for number in range(200))), 431),
        ((*KEY, ("X-Long", "x" * 10_000)), 431),
    ],
    ids=["no key", "bad key", "version 8", "200 headers", "long header"],
)
def test_what_is_no_handshake_is_refused_by_the_server(
    service: RunningService, headers: tuple[tuple[str, str], ...], status: int
) -> None:
    with socket.create_connection(service.address, 20) as connection:
        connection.sendall(upgraded(encode(Request("GET", PATH, headers=headers), service)))
        response = read_response(connection, "GET")

        assert (response.status_code, connection.recv(1)) == (status, b""), "and the connection is closed"


def refused_handshake(service: RunningService, token: str, *headers: tuple[str, str]) -> Response:
    """Return what is answered to a handshake that must not succeed."""
    with pytest.raises(InvalidStatus) as refused, connect(service, token, *headers):
        pass
    return refused.value.response


def origin(service: RunningService, given: str) -> tuple[str, str]:
    host, port = service.address
    return "Origin", given.replace("HOST", f"{host}:{port}")


@pytest.mark.parametrize("given", ["http://HOST", "https://HOST", ORIGIN])
def test_pages_of_this_host_and_of_cors_origins_may_connect(strict: RunningService, given: str) -> None:
    with connect(strict, user_token(strict, f"page of {given}"), origin(strict, given)) as connection:
        assert "prediction" in ask(connection, GOOD)


@pytest.mark.parametrize(
    ("host", "given", "status"),
    [
        ("app.example.com:443", "https://app.example.com", 101),
        ("APP.Example.com", "https://app.example.com", 101),
        ("app.example.com", "http://app.example.com:80", 101),
        ("app.example.com:8443", "https://app.example.com", 403),
        ("internal:8000", "https://app.example.com", 403),
    ],
)
def test_a_page_of_this_host_may_be_written_otherwise(
    service: RunningService, host: str, given: str, status: int
) -> None:
    offer = (("Host", host), ("Origin", given), ("Upgrade", "websocket"), ("Connection", "Upgrade"), *KEY)

    assert send(service, Request("GET", PATH, headers=offer)).status_code == status


@pytest.mark.parametrize("given", ["https://evil.example", f"{ORIGIN}.evil.example", "http://HOST.evil", "null", ""])
def test_pages_of_other_origins_may_not(strict: RunningService, given: str) -> None:
    token = user_token(strict, f"page of {given}")
    response = refused_handshake(strict, token, origin(strict, given))

    assert response.status_code == 403
    assert json.loads(response.body) == {"error": "Origin not allowed", "detail": None}
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Request-ID"]


# --- Limits


def test_the_largest_message_is_answered(connection: ClientConnection) -> None:
    assert "prediction" in ask(connection, padded(LIMIT_BYTES))


@pytest.mark.parametrize("size", [LIMIT_BYTES + 1, 8 * LIMIT_BYTES])
@pytest.mark.parametrize("fragments", [1, 5])
def test_a_larger_message_ends_the_connection(connection: ClientConnection, size: int, fragments: int) -> None:
    text = padded(size).decode()
    step = size // fragments + 1
    with_fragments = [text[start : start + step] for start in range(0, size, step)]
    with suppress(ConnectionClosed):  # the server need not read it all to know
        connection.send(with_fragments if fragments > 1 else text)

    assert farewell(connection)[0] == 1009


def test_a_larger_message_is_refused_before_it_is_read(service: RunningService, token: str) -> None:
    with raw_connection(service, token) as raw:
        raw.sendall(struct.pack("!BBQ4s", 0x81, 0x80 | 127, 1 << 40, b"mask"))  # a terabyte, announced

        assert close_code(raw) == 1009


def raw_connection(service: RunningService, token: str) -> socket.socket:
    """Return a socket after its handshake, without a client behind it."""
    raw = socket.create_connection(service.address, 20)
    raw.sendall(upgraded(encode(Request("GET", PATH, headers=KEY), service, token)))
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += raw.recv(1)
    assert answer.startswith(b"HTTP/1.1 101 "), answer
    return raw


def close_code(raw: socket.socket) -> int:
    """Return the code of the close frame that comes next."""
    frame = raw.recv(4)
    assert frame[0] == 0x88, frame
    return int.from_bytes(frame[2:4], "big")


def test_a_text_that_is_not_utf_8_ends_the_connection(connection: ClientConnection) -> None:
    connection.send(b'{"id": "\xff"}', text=True)

    assert farewell(connection)[0] == 1007


def test_an_idle_connection_is_closed_pings_or_not(strict: RunningService) -> None:
    with connect(strict, user_token(strict, "idle"), ping_interval=0.1) as connection:
        for _ in range(3):
            time.sleep(0.6)
            assert "prediction" in ask(connection, GOOD), "a message keeps it open"
        began = time.monotonic()

        assert farewell(connection) == (1000, "Idle for too long")
    assert 0.8 < time.monotonic() - began < 5


def test_a_client_that_reads_nothing_is_dropped(service: RunningService, token: str) -> None:
    def send_until_dropped() -> None:
        message = json.dumps({"id": "x" * 900_000, "features": ROW}).encode()
        with raw_connection(service, token) as raw:
            while True:
                raw.sendall(struct.pack("!BBQ4s", 0x82, 0x80 | 127, len(message), bytes(4)) + message)

    began = time.monotonic()
    with pytest.raises((ConnectionError, TimeoutError)) as dropped:
        send_until_dropped()

    assert isinstance(dropped.value, ConnectionError)
    assert 9 < time.monotonic() - began < 20


@pytest.mark.parametrize("way", ["header", "message"])
def test_rows_are_counted_for_the_user_of_the_token(strict: RunningService, way: str) -> None:
    user = f"counted by {way}"
    given = user_token(strict, user)
    with connect(strict, given if way == "header" else None, ("X-Forwarded-For", "203.0.113.77")) as connection:
        if way == "message":
            connection.send(json.dumps({"token": given}))
        left = LIMIT - (1 if way == "header" else 0)  # before there is a token, a handshake is its address's
        assert ask(connection, {"samples": random_rows(20, seed=62)})["count"] == 20
        assert ask(connection, "{")["error"] == "Malformed JSON"
        assert ask(connection, {"samples": []})["error"] == "Samples must not be empty"
        left -= 22
        too_many = ask(connection, {"samples": random_rows(left + 1, seed=63), "id": "many"})
        assert ask(connection, {"samples": random_rows(left, seed=63)})["count"] == left, (
            "what is refused costs nothing"
        )
        one_more = ask(connection, GOOD)

    for refused in (too_many, one_more):
        assert 3500 < refused.pop("retry_after") <= 3600
    assert too_many == {"id": "many", "error": "Too many requests", "detail": None}
    assert one_more == {"error": "Too many requests", "detail": None}
    assert send(strict, Request("GET", "/model-info"), given).status_code == 429, "one window with REST"


def test_a_handshake_is_a_request(strict: RunningService) -> None:
    given = user_token(strict, "knocks")
    for _ in range(LIMIT):
        with connect(strict, given):
            pass

    response = refused_handshake(strict, given)

    assert response.status_code == 429
    assert json.loads(response.body) == {"error": "Too many requests", "detail": None}
    assert 3500 < int(response.headers["Retry-After"]) <= 3600
    assert response.headers["RateLimit-Policy"] == f'"default";q={LIMIT};w=3600'


@pytest.mark.usefixtures("model_dir")  # it looks at the processes
def test_two_hundred_connections_at_once_on_both_workers(service: RunningService, token: str) -> None:
    rows = random_rows(200, seed=64)
    with service.client(token) as client:
        expected = [client.post("/batch-predict", json={"samples": rows[i : i + 100]}) for i in (0, 100)]
    with ExitStack() as stack, ThreadPoolExecutor(50) as pool:
        before = scrape(service).value("websocket_connections")
        connections = list(pool.map(lambda _: stack.enter_context(connect(service, token)), rows))
        wait_until(lambda: scrape(service).value("websocket_connections") == before + 200, "200 counted")
        answers = list(pool.map(lambda pair: ask(pair[0], {"features": pair[1]}), zip(connections, rows, strict=True)))
        port = service.address[1]
        held = [
            sum(
                each.status == "ESTABLISHED" and each.laddr.port == port
                for each in psutil.Process(pid).net_connections()
            )
            for pid in service.worker_pids()
        ]

    assert [answer["prediction"] for answer in answers] == [
        value for batch in expected for value in batch.json()["predictions"]
    ]
    assert len(held) == 2
    assert min(held) > 20, held
    wait_until(lambda: scrape(service).value("websocket_connections") == before, "all closed")


# --- The end


@pytest.mark.parametrize("name", with_besides("websocket"))
def test_what_is_in_flight_is_answered_before_the_end(name: str, model_dir: Path, silent_store: socket.socket) -> None:
    url = f"redis://127.0.0.1:{silent_store.getsockname()[1]}/0"
    with running_service(name, model_dir, CACHE_URL=url, CACHE_TIMEOUT_SECONDS=1, WORKERS=1) as service:
        token = user_token(service, "in flight")  # to sign in would ask the store too
        with connect(service, token) as idle, connect(service) as new, connect(service, token) as connection:
            began = time.monotonic()
            connection.send(json.dumps({"features": ROW, "id": 0}))
            asked, _ = silent_store.accept()
            connection.send(json.dumps({"features": ROW, "id": 1}))
            time.sleep(0.3)  # until it is read; nothing shows that from the outside
            terminate(service)
            answers = [json.loads(connection.recv(timeout=20)) for _ in range(2)]
            took = time.monotonic() - began

            assert {farewell(each)[0] for each in (connection, idle, new)} == {1001}
        wait_stopped(service)
        asked.close()

    assert took > 0.9, "the first waited for a store that says nothing, beyond the signal"
    assert [answer["id"] for answer in answers] == [0, 1]
    assert all("prediction" in answer for answer in answers)


@pytest.fixture
def silent_store() -> Iterator[socket.socket]:
    """A store that takes connections and answers nothing."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=64)) as server:
        server.settimeout(20)
        yield server


@pytest.mark.parametrize("name", with_besides("websocket"))
def test_a_client_that_does_not_close_holds_up_nothing_for_long(name: str, model_dir: Path) -> None:
    with running_service(name, model_dir) as service, raw_connection(service, service.login()) as raw:
        began = time.monotonic()
        terminate(service)
        code = close_code(raw)
        wait_stopped(service)

    assert code == 1001
    assert time.monotonic() - began < 12


# --- What is counted and logged


def test_messages_are_counted_as_requests_are(service: RunningService, token: str) -> None:
    before = scrape(service)
    with connect(service, token) as connection:
        ask(connection, GOOD)
        ask(connection, {"samples": random_rows(5, seed=65)})
        ask(connection, {"samples": random_rows(2, seed=65)})
        ask(connection, "{")
        during = scrape(service)
    with connect(service, "x") as connection:
        farewell(connection)
    after = scrape(service)

    def change(name: str, **labels: str) -> float:
        return after.value(name, **labels) - before.value(name, **labels)

    assert during.value("websocket_connections") == before.value("websocket_connections") + 1
    assert change("websocket_messages_total", outcome="answered") == 3
    assert change("websocket_messages_total", outcome="invalid") == 1
    assert change("predictions_total", handler=PATH) == 8
    assert change("predictions_total", handler="/predict") == 0
    assert 2 <= change("model_inference_duration_seconds_count", handler=PATH) <= 3
    assert change("auth_failures_total", reason="invalid") == 1
    assert change("http_requests_total", method="GET", handler=PATH, status="101") == 2


def test_refusals_by_the_rate_limit_are_counted(strict: RunningService) -> None:
    before = scrape(strict)
    token = user_token(strict, "too much")
    with connect(strict, token) as connection:
        ask(connection, {"samples": random_rows(LIMIT - 1, seed=66)})
        ask(connection, GOOD)
    refused_handshake(strict, token)
    after = scrape(strict)

    assert after.value("rate_limited_requests_total", handler=PATH) == (
        before.value("rate_limited_requests_total", handler=PATH) + 2
    )
    limited = {"outcome": "rate_limited"}
    assert after.value("websocket_messages_total", **limited) == before.value("websocket_messages_total", **limited) + 1
    assert after.value("http_requests_total", handler=PATH, status="429") >= 1


def test_rows_are_logged_with_the_connections_id_and_the_messages_number(strict: RunningService) -> None:
    rows = random_rows(3, seed=67)
    with connect(strict, user_token(strict, "logged"), ("X-Request-ID", "ws-log")) as connection:
        single = ask(connection, {"features": rows[0]})
        ask(connection, {"features": []})
        batch = ask(connection, {"samples": rows[1:]})
    assert strict.directory
    log = strict.directory / LOG

    def lines() -> list[dict[str, Any]]:
        entries = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [entry for entry in entries if entry["request_id"].startswith("ws-log")]

    wait_until(lambda: len(lines()) == 3, "three lines")
    assert [line["request_id"] for line in lines()] == ["ws-log.1", "ws-log.3", "ws-log.3"]
    assert [line["features"] for line in lines()] == rows
    assert [line["prediction"] for line in lines()] == [single["prediction"], *batch["predictions"]]
    assert {line["user"] for line in lines()} == {"logged"}


def test_none_of_this_was_an_error_of_the_service(service: RunningService, strict: RunningService) -> None:
    for _ in range(5):
        leave_in_the_middle_of_an_answer(service)
    wait_until(lambda: scrape(service).value("websocket_connections") == 0, "all gone")

    for each in (service, strict):
        assert '"ERROR"' not in each.stderr()
        assert "Traceback" not in each.stderr()


def leave_in_the_middle_of_an_answer(service: RunningService) -> None:
    message = json.dumps({"features": ROW, "id": "x" * 100}).encode()
    with raw_connection(service, service.login()) as raw:
        raw.sendall((struct.pack("!BBH4s", 0x81, 0x80 | 126, len(message), bytes(4)) + message) * 200)
        raw.recv(1)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, and no goodbye
