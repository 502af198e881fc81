"""A small service with a planted fault: `python planted.py NAME PORT FAULT=AMOUNT...`; it speaks HTTP on sockets.

Faults: slower (times), failing (share of requests), wrong (share of answers), dies (seconds after its first request),
user (cookie of the one whose requests fail), websocket (1: upgrades fail), leak (bytes a request).
"""

import asyncio
import base64
import hashlib
import json
import os
import random
import sys
import time
from http.cookies import SimpleCookie

NAME, PORT = sys.argv[1], int(sys.argv[2])
FAULTS = {name: float(value) for name, _, value in (each.partition("=") for each in sys.argv[3:])}
RANDOM = random.Random(1)  # noqa: S311
BASE_BYTES = 100e6
WEBSOCKETS = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""Of RFC 6455, as is the close frame."""
CLOSE = b"\x88\x02\x03\xe8"

first_request: float | None = None
requests = 0


def metrics() -> bytes:
    """What the lab reads of memory."""
    memory = BASE_BYTES + requests * FAULTS.get("leak", 0.0)
    return f'service_info{{name="{NAME}"}} 1\nservice_memory_bytes{{kind="pss"}} {memory}\n'.encode()


async def answer(path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    """Status and body."""
    global first_request, requests
    if path == "/ready":
        return 200, b"{}"
    if path == "/metrics":
        return 200, metrics()
    requests += 1
    first_request = first_request or time.monotonic()
    if "dies" in FAULTS and time.monotonic() - first_request > FAULTS["dies"]:
        os._exit(1)
    user = SimpleCookie(headers.get("cookie", "")).get("user_id")
    await asyncio.sleep(0.012 * FAULTS.get("slower", 1.0) * RANDOM.lognormvariate(0, 0.25))
    upgrade = headers.get("upgrade") == "websocket"
    failing = RANDOM.random() < FAULTS.get("failing", 0.0)
    failing |= "user" in FAULTS and user is not None and int(user.value) == FAULTS["user"]
    failing |= upgrade and "websocket" in FAULTS
    if failing:
        return 500, b'{"error": "planted"}'
    value = 42 + (RANDOM.random() < FAULTS.get("wrong", 0.0))
    return 200, json.dumps({"path": path, "value": value, "id": RANDOM.randrange(10**9)}).encode()


def _digest(key: str) -> bytes:
    return hashlib.sha1(key.encode() + WEBSOCKETS).digest()  # noqa: S324 - as the RFC has it


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer requests on one connection, one after the other."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            first, *lines = head.decode("latin-1").split("\r\n")
            _, path, _ = first.split(" ")
            headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
            await reader.readexactly(int(headers.get("content-length", 0)))
            status, body = await answer(path, headers)
            if status == 200 and "upgrade" in headers:
                accepted = base64.b64encode(_digest(headers["sec-websocket-key"]))
                writer.write(
                    b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    b"Sec-WebSocket-Accept: %s\r\n\r\n" % accepted
                )
                await reader.read(1)
                writer.write(CLOSE)
                return
            writer.write(
                b"HTTP/1.1 %d Planted\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                % (status, len(body))
                + body
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", PORT)
    await server.serve_forever()


asyncio.run(main())
