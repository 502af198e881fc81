"""A server whose speed a test decides: a process of its own that works or waits so long before each answer.

It takes one request after the other, so that its capacity is known: 1 / (work + wait).
"""

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import uvloop

ANSWER = b'{"prediction":1.5,"cached":false}'
WRONG = b'{"prediction":null}'


@dataclass(frozen=True)
class Behaviour:
    """How it answers; times in seconds, counted from the first request where they are moments."""

    work: float = 0.0
    """Busy for so long with each request."""
    wait: float = 0.0
    """Idle for so long with each request: on a machine that is busy with other things that is far steadier."""
    slow_requests: int = 0
    """So many requests at first take `slow_factor` times as long."""
    slow_factor: float = 3.0
    freeze_at: float = float("inf")
    """Then it does nothing for `freeze_for`, once."""
    freeze_for: float = 1.0
    wrong_every: int = 0
    """Every nth answer is wrong; 0: none."""
    close_every: int = 0
    """After every nth answer the connection is closed, and the answer says so; 0: never."""
    drop_every: int = 0
    """Every nth request gets no answer, and its connection is closed; 0: none."""
    idle_limit: float = float("inf")
    """A request on a connection that was idle for longer gets no answer, and the connection is closed."""
    silent: bool = False
    """Nothing is ever answered."""
    status: int = 200


@contextlib.contextmanager
def subject(
    behaviour: Behaviour | None = None, processor: int | None = None, first: Sequence[str] = ()
) -> Iterator[str]:
    """Run the server, on one processor where that is said, and yield its base URL.

    Args:
        behaviour: How it answers.
        processor: Its number.
        first: What its command begins with.
    """
    given = json.dumps(vars(behaviour or Behaviour()))
    command = [*first, sys.executable, __file__, given, *([] if processor is None else [str(processor)])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


class _Connection(asyncio.Protocol):
    def __init__(self, server: "_Server") -> None:
        self._server = server
        self._received = b""
        self._transport: asyncio.WriteTransport | None = None
        self._idle_since: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            _, _, length = head.partition(b"content-length:")
            size = end + 4 + (int(length.split(b"\r\n")[0]) if length else 0)
            if len(self._received) < size:
                return
            self._received = self._received[size:]
            if self._idle_since and time.perf_counter() - self._idle_since > self._server.behaviour.idle_limit:
                self._transport.abort()
                return
            self._server.answer(self._transport)
            self._idle_since = time.perf_counter()


class _Server:
    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self._began: float | None = None
        self._frozen = False
        self._count = 0

    def answer(self, transport: asyncio.WriteTransport) -> None:
        behaviour, now = self.behaviour, time.perf_counter()
        self._began = self._began or now
        self._count += 1
        if not self._frozen and now - self._began >= behaviour.freeze_at:
            self._frozen = True
            time.sleep(behaviour.freeze_for)
        slow = self._count <= behaviour.slow_requests
        until = time.perf_counter() + behaviour.work * (behaviour.slow_factor if slow else 1)
        while time.perf_counter() < until:
            pass
        if behaviour.wait:
            time.sleep(behaviour.wait)
        if behaviour.silent:
            return
        if self._is_turn(behaviour.drop_every):
            transport.abort()
            return
        body = WRONG if self._is_turn(behaviour.wrong_every) else ANSWER
        closes = self._is_turn(behaviour.close_every)
        head = f"HTTP/1.1 {behaviour.status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        transport.write(head.encode() + (b"Connection: close\r\n\r\n" if closes else b"\r\n") + body)
        if closes:
            transport.close()

    def _is_turn(self, every: int) -> bool:
        return bool(every) and self._count % every == 0


async def _serve(behaviour: Behaviour, port: int) -> None:
    server = _Server(behaviour)
    listening = await asyncio.get_running_loop().create_server(lambda: _Connection(server), "127.0.0.1", port)
    print(listening.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - its parent reads it
    await listening.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("behaviour", type=json.loads)
    parser.add_argument("processor", type=int, nargs="?")
    parser.add_argument("--port", type=int, default=0, help="where it listens; any port where this is left out")
    arguments = parser.parse_args()
    if arguments.processor is not None:
        os.sched_setaffinity(0, {arguments.processor})
    uvloop.run(_serve(Behaviour(**arguments.behaviour), arguments.port))
