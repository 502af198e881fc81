"""A candidate with a planted fault: a service, behind a relay that changes one thing.

Run it beside a lab that is up: `python -m serving_lab.tour.planted 8010 http://127.0.0.1:8000 --fault wrong`. All bytes
pass as they are, so that a comparison finds the fault and nothing else.
"""

import argparse
import asyncio
import contextlib
from collections.abc import Callable
from urllib.parse import urlsplit

DELAY_SECONDS = 0.005
_KEY = b'"prediction":'
_BLOCK = 1 << 16
_Change = Callable[[bytes], bytes]


class WithoutDecimals:
    """Makes zeros of a prediction's decimals: a client sees 152.0 instead of 152.13. No length changes.

    Bytes arrive in pieces of any size, so it remembers where it is.
    """

    def __init__(self) -> None:
        self._matched = 0
        self._in_number = False
        self._in_decimals = False

    def __call__(self, piece: bytes) -> bytes:
        """Change the next piece of what a service sends."""
        return bytes(map(self._changed, piece))

    def _changed(self, byte: int) -> int:
        digit = b"0"[0] <= byte <= b"9"[0]
        if self._in_number:
            if self._in_decimals and digit:
                return b"0"[0]
            self._in_decimals = self._in_decimals or byte == b"."[0]
            self._in_number = digit or byte in b". -"
            return byte
        self._matched = self._matched + 1 if byte == _KEY[self._matched] else int(byte == _KEY[0])
        if self._matched == len(_KEY):
            self._matched, self._in_number, self._in_decimals = 0, True, False
        return byte


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("service", metavar="URL")
    parser.add_argument("--fault", required=True, choices=["wrong", "slow"], help="see WithoutDecimals, DELAY_SECONDS")
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(options.port, options.service, options.fault))


async def _serve(port: int, service: str, fault: str) -> None:
    url = urlsplit(service)
    delay = DELAY_SECONDS if fault == "slow" else 0.0

    # Nothing else refers to the task of a connection that its client has left.
    connections: set[asyncio.Task[None]] = set()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        change: _Change = WithoutDecimals() if fault == "wrong" else bytes
        with contextlib.suppress(OSError):
            answers, requests = await asyncio.open_connection(url.hostname, url.port)
            asking = asyncio.create_task(_pass_on(reader, requests, bytes, delay))
            await _pass_on(answers, writer, change, 0.0)
            # The service has closed the connection: whatever the client still sends, nobody reads it.
            asking.cancel()
            requests.close()
        writer.close()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(relay(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", port)
    await server.serve_forever()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: _Change, delay: float) -> None:
    try:
        while piece := await reader.read(_BLOCK):
            if delay:
                await asyncio.sleep(delay)
            writer.write(change(piece))
            await writer.drain()
        # It has said all it has to say, and may still listen.
        writer.write_eof()
    except OSError:
        writer.close()


if __name__ == "__main__":
    main()
