"""Clients of a gateway until they are told to end: `python clients.py PORT RATE USERS SECONDS`; prints what they met.

An open loop: each request is of a random user, told by a cookie, on a kept connection; one in twenty asks for a
WebSocket.
"""

import asyncio
import json
import random
import signal
import sys
import time
from collections import Counter

PORT, RATE, USERS, SECONDS = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
RANDOM = random.Random(2)  # noqa: S311
OF_ONE = 0.02
"""Share of the requests that are of user 0, who is busier than the others."""
PATHS = ("/predict", "/predict", "/items/7", "/health")

KEY = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
CLOSE = b"\x88\x82\0\0\0\0\x03\xe8"
"""A frame that closes, masked as a client's must be."""

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
idle: list[Connection] = []
met: Counter[str] = Counter()


async def ask(user: int) -> None:
    """Send one request, and count its status."""
    try:
        reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", PORT)
        path = RANDOM.choice(PATHS)
        upgrade = f"Connection: Upgrade\r\nUpgrade: websocket\r\n{KEY}" if RANDOM.random() < 0.05 else ""
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nCookie: user_id={user}\r\n{upgrade}\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        if head.startswith("HTTP/1.1 101"):
            writer.write(CLOSE)
            await reader.read()
            writer.close()
            met["101"] += 1
            return
        length = next(int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:"))
        await reader.readexactly(length)
        met[head.split(" ")[1]] += 1
        idle.append((reader, writer))
    except (OSError, asyncio.IncompleteReadError, StopIteration):
        met["none"] += 1


async def main() -> None:
    """Send until told to end, at the latest after so many seconds."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    began = due = time.monotonic()
    tasks: set[asyncio.Task[None]] = set()
    while not ended.is_set() and due - began < SECONDS:
        due += RANDOM.expovariate(RATE)
        if (wait := due - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        task = asyncio.create_task(ask(0 if RANDOM.random() < OF_ONE else RANDOM.randrange(USERS)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    sys.stdout.write(json.dumps(met))


asyncio.run(main())
