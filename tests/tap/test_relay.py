"""WebSockets through the relay: real clients and real servers of the package websockets, and a real gateway."""

import asyncio
import contextlib
import http.client
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path

import pytest
from serving_lab.api.endpoint import Endpoint
from serving_lab.gateway.config import BUCKET_HEADER, RELAY
from serving_lab.gateway.observations import Observation, Slice, parse
from serving_lab.recordings import tap_file
from serving_lab.tap.relay import Relay
from serving_lab.tap.surface import Surface
from serving_lab.tap.tap import Plan, Tap
from serving_lab.tap.websocket_mirror import MessagePair
from support.gateway import USER_COOKIE, running_gateway
from support.services import free_port
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

pytestmark = pytest.mark.service
Handler = Callable[[ServerConnection], Awaitable[None]]


async def echo(name: str, connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(json.dumps({"by": name, "said": str(message)}))


def ready(connection: ServerConnection, request: Request) -> Response | None:
    """Tell the gateway so; everything else is a WebSocket."""
    return connection.respond(HTTPStatus.OK, "") if request.path == "/ready" else None


@dataclass
class Lab:
    relay: Relay
    port: int
    pairs: list[MessagePair]
    urls: dict[str, str]
    ended: list[Observation] = field(default_factory=list)

    def opened(self, bucket: int) -> connect:
        return connect(f"ws://127.0.0.1:{self.port}/ws?token=1", additional_headers={BUCKET_HEADER: str(bucket)})

    async def has_ended(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.ended) < count:
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def lab(old: Handler | None = None, new: Handler | None = None, *, mirror: bool = False) -> AsyncIterator[Lab]:
    async with contextlib.AsyncExitStack() as stack:
        urls = {}
        for name, handler in (("old", old), ("new", new)):
            port = free_port()
            server = await serve(
                handler or partial(echo, name), "127.0.0.1", port, close_timeout=0.2, process_request=ready
            )
            stack.callback(server.close)
            urls[name] = f"http://127.0.0.1:{port}"
        pairs: list[MessagePair] = []
        relay = Relay(Endpoint.parse(urls["old"]), Endpoint.parse(urls["new"]), pairs.append if mirror else None)
        port = free_port()
        listening = await relay.serve("127.0.0.1", port)
        stack.callback(listening.close)
        here = Lab(relay, port, pairs, urls)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /observations HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")

        async def observe() -> None:
            while line := await reader.readline():
                if seen := parse(line):
                    here.ended.append(seen)

        observing = asyncio.create_task(observe())
        stack.callback(observing.cancel)
        stack.callback(writer.close)
        yield here


async def ask(client: ClientConnection, text: str) -> dict[str, str]:
    await client.send(text)
    answer: dict[str, str] = json.loads(await client.recv())
    return answer


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await scenario()

    asyncio.run(bounded())


def test_a_websocket_goes_to_the_side_of_its_user_and_its_end_is_observed() -> None:
    async def scenario() -> None:
        async with lab() as here:
            here.relay.set_share(100)
            async with here.opened(99) as on_new, here.opened(100) as on_old:
                assert (await ask(on_new, "a"))["by"] == "new"
                assert (await ask(on_old, "b" * 70_000))["said"] == "b" * 70_000
                assert here.relay.open == 2
            await here.has_ended(2)
            seen = {each.bucket: each for each in here.ended}
            assert (seen[99].slice, seen[100].slice) == (Slice.CANDIDATE, Slice.CONTROL)
            assert {(each.status, each.failed, each.path, each.websocket) for each in here.ended} == {
                (101, False, "/ws", True)
            }

    run(scenario)


def test_open_websockets_are_told_1001_when_the_share_passes_them_and_come_again_to_the_other_side() -> None:
    async def scenario() -> None:
        async with lab() as here, here.opened(10) as moved, here.opened(9000) as stays:
            assert (await ask(moved, "a"))["by"] == "old"
            here.relay.set_share(500)
            with pytest.raises(ConnectionClosed) as closed:
                await moved.recv()
            assert closed.value.rcvd
            assert closed.value.rcvd.code == 1001
            assert (await ask(stays, "b"))["by"] == "old"
            async with here.opened(10) as again:
                assert (await ask(again, "c"))["by"] == "new"
                here.relay.set_share(0)
                with pytest.raises(ConnectionClosed):
                    await again.recv()
            await here.has_ended(2)
            assert not any(each.failed for each in here.ended)

    run(scenario)


def test_an_answer_in_flight_arrives_before_the_goodbye() -> None:
    async def scenario() -> None:
        release = asyncio.Event()

        async def slow(connection: ServerConnection) -> None:
            async for _ in connection:
                await release.wait()
                await connection.send("late")

        async with lab(old=slow) as here, here.opened(10) as client:
            await client.send("a")
            await asyncio.sleep(0.1)  # the message is on its way: nothing tells when it has passed
            here.relay.set_share(10_000)
            release.set()
            assert await client.recv() == "late"
            with pytest.raises(ConnectionClosed):
                await client.recv()

    run(scenario)


@pytest.mark.parametrize("code", [1011, 1013, None])
def test_a_service_that_breaks_off_a_websocket_has_failed(code: int | None) -> None:
    async def scenario() -> None:
        async def failing(connection: ServerConnection) -> None:
            await connection.recv()
            if code is None:
                connection.transport.abort()
            else:
                await connection.close(code)

        async with lab(new=failing) as here:
            here.relay.set_share(10_000)
            async with here.opened(1) as client:
                await client.send("a")
                with pytest.raises(ConnectionClosed):
                    await client.recv()
            await here.has_ended(1)
            assert here.ended[0].failed

    run(scenario)


def test_a_client_that_goes_away_or_is_refused_is_no_failure_of_the_service() -> None:
    async def scenario() -> None:
        async def refusing(connection: ServerConnection) -> None:
            await connection.recv()
            await connection.close(1008)

        async with lab(new=refusing) as here:
            client = await here.opened(1)
            await ask(client, "a")
            client.transport.abort()
            await here.has_ended(1)
            here.relay.set_share(10_000)
            async with here.opened(1) as refused:
                await refused.send("a")
                with pytest.raises(ConnectionClosed):
                    await refused.recv()
            await here.has_ended(2)
            assert [each.failed for each in here.ended] == [False, False]

    run(scenario)


def test_what_both_services_say_to_the_same_messages_is_paired() -> None:
    async def scenario() -> None:
        async with lab(mirror=True) as here, here.opened(5) as client:
            for text in ("first", "second", "third"):
                assert (await ask(client, text))["by"] == "old"
            async with asyncio.timeout(10):
                while len(here.pairs) < 3:
                    await asyncio.sleep(0.01)
            assert [each.asked.payload for each in here.pairs if each.asked] == [b"first", b"second", b"third"]
            assert {json.loads(each.candidate.payload)["by"] for each in here.pairs} == {"new"}
            assert [json.loads(each.primary.payload)["said"] for each in here.pairs] == ["first", "second", "third"]

    run(scenario)


def test_a_candidate_that_takes_nothing_delays_nobody() -> None:
    async def scenario() -> None:
        async def deaf(connection: ServerConnection) -> None:
            connection.transport.pause_reading()
            await asyncio.sleep(60)

        async with lab(new=deaf, mirror=True) as here, here.opened(5) as client:
            for _ in range(40):
                assert (await ask(client, "x" * 200_000))["by"] == "old"
            assert here.pairs == []

    run(scenario)


def test_a_service_that_is_not_there_is_a_bad_gateway() -> None:
    async def scenario() -> None:
        async with lab() as here:
            nobody = Endpoint.parse(f"http://127.0.0.1:{free_port()}")
            relay = Relay(nobody, nobody)
            port = free_port()
            listening = await relay.serve("127.0.0.1", port)
            here.port = port
            with pytest.raises(Exception, match="502"):
                await here.opened(1)
            listening.close()

    run(scenario)


def test_through_the_gateway_users_are_told_to_move_and_without_the_relay_it_goes_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab() as here:
            with running_gateway(tmp_path, here.urls, relay=f"127.0.0.1:{here.port}") as gateway:
                control = gateway.control
                await asyncio.to_thread(control.enable, RELAY, RELAY)
                await asyncio.to_thread(control.wait_until_up, RELAY, RELAY)
                address = f"ws://{gateway.url.removeprefix('http://')}/ws"
                async with connect(address, additional_headers={"Cookie": f"{USER_COOKIE}=7"}) as client:
                    assert (await ask(client, "a"))["by"] == "old"
                    await asyncio.to_thread(control.set_share, 10_000)
                    steering = http.client.HTTPConnection("127.0.0.1", here.port)
                    await asyncio.to_thread(steering.request, "PUT", "/share/10000")
                    with pytest.raises(ConnectionClosed):
                        await client.recv()
                async with connect(address) as again:
                    assert (await ask(again, "b"))["by"] == "new"
                await asyncio.to_thread(control.disable, RELAY, RELAY)
                async with connect(address) as direct:
                    assert (await ask(direct, "c"))["by"] == "new"

    run(scenario)


def test_a_tap_relays_records_what_both_say_and_calls_services_from_one_address(tmp_path: Path) -> None:
    async def scenario() -> None:
        seen_from: list[str] = []

        async def noting(connection: ServerConnection) -> None:
            seen_from.append(connection.remote_address[0])
            await echo("old", connection)

        async with lab(old=noting) as here:
            port = free_port()
            record = tmp_path / "live.tap"
            tap = Tap(
                Plan(
                    primary=Endpoint.parse(here.urls["old"]),
                    candidate=Endpoint.parse(here.urls["new"]),
                    host="127.0.0.1",
                    port=0,
                    record=record,
                    surface=Surface(),
                    source="127.0.0.3",
                    relay=("127.0.0.1", port),
                )
            )
            await tap.listen()
            here.port = port
            async with here.opened(5) as client:
                for text in ('{"row": 1}', '{"row": 2}'):
                    assert (await ask(client, text))["by"] == "old"
                async with asyncio.timeout(10):
                    while tap.counts.mirrored < 2:
                        await asyncio.sleep(0.01)
            await tap.close(5)

            assert seen_from == ["127.0.0.3"]
            pairs = list(tap_file.read(record))
            assert [(each.request.method, each.request.body) for each in pairs] == [
                ("WEBSOCKET", b'{"row": 1}'),
                ("WEBSOCKET", b'{"row": 2}'),
            ]
            assert [json.loads(each.primary.body)["by"] for each in pairs] == ["old", "old"]
            assert [json.loads(each.candidate.body)["by"] for each in pairs if each.candidate] == ["new", "new"]

    run(scenario)
