"""What the Python clients send again, how often they sign in, and their errors, with servers that a test scripts."""

import asyncio
import contextlib
import json
import pickle
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from typing import Self

import pytest
from contract.cases import ROW
from prediction_client import (
    MAX_ROWS,
    ApiError,
    AsyncPredictionClient,
    NoAnswerError,
    PredictionClient,
    PredictionClientError,
    Retries,
    SignInError,
    UnexpectedAnswerError,
)
from support.fake_server import Asked, FakeServer, Says, fake_server
from support.local_http import NO_TLS
from support.services import free_port

from clients.conftest import MakeClient

PREDICTED = Says({"prediction": 1.5, "cached": False, "model_version": "1"})
SIGNED_IN = Says({"token": "t", "token_type": "bearer", "expires_in": 600})
NO = {"error": "No", "detail": "because"}
PROMPT = Retries(first_wait=0.01, longest_wait=0.01)
DATE = "Sun, 29 Nov 2026 10:00:00 GMT"


@contextmanager
def saying(*answers: Says, login: Callable[[int], Says] = lambda _: SIGNED_IN) -> Iterator[FakeServer]:
    """Give these answers to all but sign-ins, one after the other, and then the last one again."""
    remaining = iter(answers)
    last = [answers[-1]]
    times: list[Asked] = []

    def respond(asked: Asked) -> Says:
        if asked.path == "/login":
            times.append(asked)
            return login(len(times))
        return next(remaining, last[0])

    with fake_server(respond) as server:
        yield server


@pytest.mark.parametrize(
    "refusal",
    [
        Says(NO, 429, {"Retry-After": "0"}),
        Says(NO, 429, {"Retry-After": DATE, "Date": DATE}),
        Says(NO, 429, {"Retry-After": "soon"}),
        Says(NO, 503, {"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}),
        Says(NO, 503),
        Says(b"<h1>down</h1>", 503, {"Content-Type": "text/html"}),
    ],
    ids=[
        "429",
        "429 with a date",
        "429 with nonsense",
        "503 with a past date",
        "503 without a header",
        "503 of a proxy",
    ],
)
def test_a_service_that_is_busy_is_asked_again(make_client: MakeClient, refusal: Says) -> None:
    with saying(refusal, refusal, PREDICTED) as server:
        assert make_client(server.base_url, retries=PROMPT).predict(ROW).prediction == 1.5
        assert server.asked["/predict"] == 3


def test_the_wait_is_as_long_as_the_service_says(make_client: MakeClient) -> None:
    later = "Sun, 29 Nov 2026 10:00:01 GMT"
    with saying(Says(NO, 429, {"Retry-After": later, "Date": DATE}), PREDICTED) as server:
        start = time.monotonic()
        make_client(server.base_url, retries=PROMPT).predict(ROW)

        assert time.monotonic() - start >= 1


def test_a_wait_that_is_too_long_fails_at_once(make_client: MakeClient) -> None:
    with saying(Says(NO, 429, {"Retry-After": "3600"})) as server:
        with pytest.raises(ApiError) as refusal:
            make_client(server.base_url).predict(ROW)

        assert (refusal.value.retry_after, server.asked["/predict"]) == (3600, 1)


@pytest.mark.parametrize("attempts", [1, 3])
def test_attempts_are_counted(make_client: MakeClient, attempts: int) -> None:
    with saying(Says(NO, 503)) as server:
        with pytest.raises(ApiError, match=r"^503 No \(because\)$"):
            make_client(server.base_url, retries=Retries(attempts, first_wait=0.01)).predict(ROW)

        assert server.asked["/predict"] == attempts


@pytest.mark.parametrize("status", [301, 400, 403, 404, 413, 500, 502, 504])
def test_nothing_else_is_asked_again(make_client: MakeClient, status: int) -> None:
    with saying(Says(NO, status)) as server:
        with pytest.raises(ApiError) as refusal:
            make_client(server.base_url, retries=PROMPT).predict(ROW)

        assert (refusal.value.status, server.asked["/predict"]) == (status, 1)


def test_an_error_survives_the_way_from_another_process(make_client: MakeClient) -> None:
    with saying(Says(NO, 400, {"X-Request-ID": "r1"})) as server, pytest.raises(ApiError) as refusal:
        make_client(server.base_url).predict(ROW)

    again = pickle.loads(pickle.dumps(refusal.value))  # noqa: S301 - its own

    assert str(again) == str(refusal.value) == "400 No (because), request r1"
    assert (again.status, again.message, again.detail, again.request_id) == (400, "No", "because", "r1")


def test_ready_is_asked_once(make_client: MakeClient) -> None:
    with saying(Says(NO, 503)) as server:
        with pytest.raises(ApiError):
            make_client(server.base_url, retries=PROMPT).ready()

        assert server.asked["/ready"] == 1


def test_a_limit_of_sign_ins_is_waited_for_once(make_client: MakeClient) -> None:
    with saying(PREDICTED, login=lambda _: Says(NO, 429)) as server:
        with pytest.raises(SignInError, match="429"):
            make_client(server.base_url, retries=PROMPT).predict(ROW)

        assert (server.asked["/login"], server.asked["/predict"]) == (PROMPT.attempts, 0)


class Broken:
    """A server that signs anybody in, and ends all other connections once it has read a request, or never answers."""

    def __init__(self, *, silent: bool = False) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._silent = silent
        self._open: list[socket.socket] = []
        self.asked: Counter[str] = Counter()
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for each in (self._listener, *self._open):
            each.close()

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # which is how the listener ends
            while True:
                connection, _ = self._listener.accept()
                path = connection.recv(65536).split()[1].decode()
                self.asked[path] += 1
                if path == "/login":
                    body = json.dumps(SIGNED_IN.body).encode()
                    connection.sendall(
                        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
                    )
                if self._silent:
                    self._open.append(connection)
                else:
                    connection.close()


def test_a_connection_that_ends_is_made_again_for_what_may_be_sent_twice(make_client: MakeClient) -> None:
    with Broken() as server:
        client = make_client(server.base_url, retries=PROMPT)
        for call in (client.health, lambda: client.predict(ROW), client.cache_stats, client.cache_clear):
            with pytest.raises(NoAnswerError, match="no answer from http://127"):
                call()

        often = PROMPT.attempts
        assert server.asked == {
            "/health": often,
            "/login": 1,
            "/predict": often,
            "/cache/stats": often,
            "/cache/clear": 1,
        }


def test_whoever_takes_too_long_is_not_asked_again(make_client: MakeClient) -> None:
    with Broken(silent=True) as server:
        with pytest.raises(NoAnswerError, match="none in time"):
            make_client(server.base_url, timeout=0.1, retries=PROMPT).health()

        assert server.asked == {"/health": 1}


def test_nobody_there_is_said_after_some_attempts(make_client: MakeClient) -> None:
    with pytest.raises(NoAnswerError, match="no answer from http://127"):
        make_client(f"http://127.0.0.1:{free_port()}", retries=PROMPT).health()


@pytest.mark.parametrize("body", [b"<h1>welcome</h1>", b"", b"[]", b"null", b'{"other": 1}'])
def test_something_else_at_this_address_is_no_answer_of_the_api(make_client: MakeClient, body: bytes) -> None:
    with saying(Says(body)) as server, pytest.raises(UnexpectedAnswerError, match="not one of this API"):
        make_client(server.base_url).health()


def test_a_prediction_is_missing(make_client: MakeClient) -> None:
    short = Says({"predictions": [1.0], "count": 1, "model_version": "1", "inference_ms": 0.1})
    with saying(short) as server, pytest.raises(UnexpectedAnswerError, match="2 rows"):
        make_client(server.base_url).predict_many([ROW, ROW])


def test_rows_may_be_any_kind_of_numbers(make_client: MakeClient) -> None:
    with saying(PREDICTED) as server:
        make_client(server.base_url).predict([Decimal("1.5"), Fraction(1, 4), 3, 4.0])
        assert server.requests[-1].json() == {"features": [1.5, 0.25, 3, 4.0]}

        with pytest.raises(ValueError, match="nan is not a finite number"):
            make_client(server.base_url).predict([float("nan")])
        with pytest.raises(TypeError):
            make_client(server.base_url).graphql("{ x }", {"x": object()})
        assert server.asked["/predict"] == 1


def predict_all(asked: Asked) -> Says:
    """Answer a batch with the first number of each row."""
    if asked.path == "/login":
        return SIGNED_IN
    rows = asked.json()["samples"]
    assert isinstance(rows, list)
    time.sleep(0.05 / len(rows))  # small batches take longer, so that they overtake nothing only if the client sorts
    return Says({"predictions": [row[0] for row in rows], "count": len(rows), "model_version": "1", "inference_ms": 0})


def test_batches_are_as_large_as_the_api_allows(make_client: MakeClient) -> None:
    with fake_server(predict_all) as server:
        client = make_client(server.base_url)

        assert client.predict_many(iter([float(number)] for number in range(250))) == list(range(250))
        assert client.predict_many([]) == []

        sent = [len(list(each.json()["samples"])) for each in server.requests if each.path == "/batch-predict"]  # type: ignore[call-overload]
        assert sorted(sent) == [50, MAX_ROWS, MAX_ROWS]


def test_an_error_says_in_which_batch_it_is(make_client: MakeClient) -> None:
    def respond(asked: Asked) -> Says:
        return Says(NO, 400) if f"[[{MAX_ROWS}.0]" in asked.body.decode() else predict_all(asked)

    with fake_server(respond) as server:
        with pytest.raises(ApiError) as refusal:
            make_client(server.base_url).predict_many([float(number)] for number in range(250))

        assert refusal.value.__notes__ == [f"in the batch that begins with row {MAX_ROWS}"]


def test_no_more_are_on_their_way_than_asked_for() -> None:
    now, most = [], []

    def respond(asked: Asked) -> Says:
        now.append(asked)
        most.append(len(now))
        time.sleep(0.02)
        now.remove(asked)
        return predict_all(asked)

    async def ask(url: str) -> None:
        async with AsyncPredictionClient(url, username="u", password="p", verify=NO_TLS) as client:
            await client.predict_many([ROW] * 20 * MAX_ROWS, concurrency=3)

    with fake_server(respond) as server:
        asyncio.run(ask(server.base_url))

    assert max(most) == 3


def test_threads_that_wait_sign_in_once() -> None:
    with (
        saying(PREDICTED, login=slowly(SIGNED_IN)) as server,
        PredictionClient(server.base_url, username="u", password="p", verify=NO_TLS) as client,
        ThreadPoolExecutor(20) as pool,
    ):
        assert {answer.prediction for answer in pool.map(client.predict, [ROW] * 40)} == {1.5}
        assert server.asked["/login"] == 1


def test_threads_that_wait_for_a_sign_in_that_fails_fail_with_it() -> None:
    with (
        saying(PREDICTED, login=slowly(Says(NO, 401))) as server,
        PredictionClient(server.base_url, username="u", password="p", verify=NO_TLS) as client,
        ThreadPoolExecutor(10) as pool,
    ):
        errors = [each.exception() for each in [pool.submit(client.predict, ROW) for _ in range(10)]]

        assert {type(error) for error in errors} == {SignInError}
        assert server.asked["/login"] < 5


def test_tasks_that_wait_sign_in_once_and_who_stops_waiting_stops_nobody() -> None:
    async def ask(url: str) -> list[float]:
        async with AsyncPredictionClient(url, username="u", password="p", verify=NO_TLS) as client:
            tasks = [asyncio.create_task(client.predict(ROW)) for _ in range(20)]
            await asyncio.sleep(0.05)
            tasks[0].cancel()
            return [answer.prediction for answer in await asyncio.gather(*tasks[1:])]

    with saying(PREDICTED, login=slowly(SIGNED_IN)) as server:
        assert asyncio.run(ask(server.base_url)) == [1.5] * 19
        assert server.asked["/login"] == 1


def slowly(says: Says) -> Callable[[int], Says]:
    def login(_: int) -> Says:
        time.sleep(0.2)
        return says

    return login


def test_a_token_is_renewed_in_the_last_tenth_of_its_life(make_client: MakeClient) -> None:
    brief = Says({"token": "t", "token_type": "bearer", "expires_in": 1})
    with saying(PREDICTED, login=lambda _: brief) as server:
        client = make_client(server.base_url)
        start = time.monotonic()

        while server.asked["/login"] < 2:
            client.predict(ROW)

        assert time.monotonic() - start >= 0.9
        assert server.asked["/predict"] > 2, "and not for each call"


def test_a_token_that_is_refused_is_renewed_once(make_client: MakeClient) -> None:
    numbered = {"token_type": "bearer", "expires_in": 600}
    with saying(Says(NO, 401), PREDICTED, Says(NO, 401), login=lambda n: Says(numbered | {"token": f"t{n}"})) as server:
        client = make_client(server.base_url)

        assert client.predict(ROW).prediction == 1.5
        with pytest.raises(ApiError, match="401"):
            client.predict(ROW)

        tokens = [each.headers["authorization"] for each in server.requests if each.path == "/predict"]
        assert tokens == ["Bearer t1", "Bearer t2", "Bearer t2", "Bearer t3"]


def test_without_a_user_only_open_calls_work(make_client: MakeClient) -> None:
    with saying(Says({"status": "ready", "model_version": "1"})) as server:
        client = make_client(server.base_url, username=None)

        assert client.ready().model_version == "1"
        with pytest.raises(PredictionClientError, match="needs a token"):
            client.predict(ROW)
        assert server.asked["/login"] == 0
        assert "authorization" not in server.requests[0].headers
