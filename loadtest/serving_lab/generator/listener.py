"""`lab generator --listen`: a process of the generator for a laboratory that is elsewhere.

What listens only passes bytes on between the laboratory and a process of its own, the same that a laboratory starts on
its own host. So it costs nothing while a load is sent, and what others send to the port meets no process that measures.
"""

import asyncio
import contextlib
import hmac
import signal
import socket
import ssl
from asyncio.subprocess import PIPE
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from serving_lab.errors import LabError
from serving_lab.generator import messages, session
from serving_lab.generator.process import HERE
from serving_lab.generator.session import GREETING_BYTES, GREETING_SECONDS, WRONG_SECRET, Hello, Proof, Refused, Welcome

BUSY = "it serves another laboratory"
_FREE_SECONDS = 2.0
"""For a laboratory that comes again: what served it before needs a moment to end."""
_MOST_GREETED = 256
"""Connections at once that have not proven anything yet; more are closed."""
_CHUNK_BYTES = 1 << 18
_SILENT_SECONDS, _ASK_EVERY_SECONDS, _ASKED = 5, 5, 3
"""A laboratory whose host or network is gone says no word of it: the kernel asks after so long, and so many times."""


@dataclass(frozen=True)
class Listening:
    """Where it listens, and what proves who connects."""

    host: str
    port: int
    secret: bytes
    tls: ssl.SSLContext | None


def listening(where: tuple[str, int], secret_file: Path, certificate: Path | None, key: Path | None) -> Listening:
    """What is asked for.

    Raises:
        LabError: a file is wrong, or others could connect without TLS.
    """
    secret = session.read_secret("--secret-file", secret_file)
    if (certificate is None) is not (key is None):
        raise LabError("a certificate and its key belong together", hint="--tls-cert FILE --tls-key FILE")
    tls = _context(certificate, key) if certificate and key else None
    try:
        alone = session.is_loopback(where[0])
    except OSError as error:
        raise LabError(f"--listen {where[0]}: {error.strerror}", hint="--listen HOST:PORT") from error
    if tls is None and not alone:
        raise LabError(
            f"--listen {where[0]} can be reached from other machines, so it needs TLS",
            hint="--tls-cert FILE --tls-key FILE, or --listen 127.0.0.1:PORT",
        )
    return Listening(*where, secret, tls)


async def listen(plan: Listening, say: Callable[[str], None], command: Sequence[str] = HERE) -> None:
    """Serve one laboratory after the other until SIGINT or SIGTERM.

    Args:
        plan: Where, and for whom.
        say: Is told what happens, a line each.
        command: Starts the process that sends the load.

    Raises:
        LabError: the address is taken.
    """
    ended = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, ended.set)
    door = _Door(plan.secret, say, command)
    try:
        server = await asyncio.start_server(
            door.meet, plan.host, plan.port, ssl=plan.tls, ssl_handshake_timeout=GREETING_SECONDS if plan.tls else None
        )
    except OSError as error:
        raise LabError(f"--listen {plan.host}:{plan.port}: {error.strerror}", hint="--listen HOST:PORT") from error
    host, port, *_ = server.sockets[0].getsockname()
    say(f"a generator listens on {host}:{port}, {'with TLS' if plan.tls else 'for this machine alone'}")
    await ended.wait()
    server.close()
    async with door.starting:
        # Afterwards none starts any more: asyncio would wait forever for a process whose start it has broken off.
        return


class _Door:
    """Lets one laboratory in at a time."""

    def __init__(self, secret: bytes, say: Callable[[str], None], command: Sequence[str]) -> None:
        self._secret = secret
        self._say = say
        self._command = command
        self._greeted = 0
        self._taken = asyncio.Lock()
        self.starting = asyncio.Lock()
        """Held while the process that sends the load starts."""
        self._met_now: set[asyncio.Task[None]] = set()

    def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """asyncio: somebody connects. The task is kept here, because asyncio's own would complain of being ended."""
        task = asyncio.create_task(self._met(reader, writer))
        self._met_now.add(task)
        task.add_done_callback(self._met_now.discard)

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        who = writer.get_extra_info("peername")[0]
        try:
            answer = await self._greeting(reader, writer)
            if isinstance(answer, Welcome) and not await self._is_free_soon():
                answer = Refused(BUSY)
            if isinstance(answer, Refused):
                self._say(f"{who} is refused: {answer.why}")
                await _write(writer, answer)
                return
            self._say(f"{who} takes it")
            try:
                await _write(writer, answer)
                await self._serve(reader, writer)
            finally:
                self._taken.release()
                self._say(f"{who} is gone")
        except TimeoutError:
            self._say(f"{who} did not prove in time that it is a laboratory")
        except (asyncio.IncompleteReadError, msgspec.MsgspecError, ValueError):
            self._say(f"{who} is not a laboratory")
        except OSError as error:
            self._say(f"{who}: {error.strerror or error}")
        finally:
            writer.close()

    async def _greeting(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Welcome | Refused:
        if self._greeted >= _MOST_GREETED:
            return Refused("too many others connect")
        self._greeted += 1
        try:
            async with asyncio.timeout(GREETING_SECONDS):
                return await self._greet(reader, writer)
        finally:
            self._greeted -= 1

    async def _is_free_soon(self) -> bool:
        try:
            async with asyncio.timeout(_FREE_SECONDS):
                return await self._taken.acquire()
        except TimeoutError:
            return False

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Welcome | Refused:
        own = session.number()
        await _write(writer, Hello(session.own_version(), own))
        length = messages.length_of(await reader.readexactly(messages.LENGTH_BYTES))
        if length > GREETING_BYTES:
            raise ValueError("too long")
        proof = msgspec.msgpack.decode(await reader.readexactly(length), type=Proof)
        numbers = (own, proof.number)
        if not hmac.compare_digest(proof.mac, session.mac(self._secret, "laboratory", numbers)):
            return Refused(WRONG_SECRET)
        return Welcome(session.mac(self._secret, "generator", numbers), session.machine(), session.network())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass bytes on between a laboratory and a process of its own; where one is gone, the other one has to go."""
        _notice_loss(writer.get_extra_info("socket"))
        async with self.starting:
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, start_new_session=True
            )
        assert process.stdin is not None  # noqa: S101 - it has pipes
        assert process.stdout is not None  # noqa: S101 - likewise
        ways = [
            asyncio.create_task(_pass_on(reader, process.stdin)),
            asyncio.create_task(_pass_on(process.stdout, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            # At once: without a laboratory no load may go on.
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while content := await reader.read(_CHUNK_BYTES):
        writer.write(content)
        await writer.drain()


async def _write(writer: asyncio.StreamWriter, message: msgspec.Struct) -> None:
    writer.write(messages.frame(message))
    await writer.drain()


def _notice_loss(stream: socket.socket) -> None:
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", _SILENT_SECONDS),
        ("TCP_KEEPINTVL", _ASK_EVERY_SECONDS),
        ("TCP_KEEPCNT", _ASKED),
        ("TCP_USER_TIMEOUT", (_SILENT_SECONDS + _ASKED * _ASK_EVERY_SECONDS) * 1000),
    ):
        if hasattr(socket, name):
            stream.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:
        why = "these are not a certificate and its key" if isinstance(error, ssl.SSLError) else error.strerror
        raise LabError(f"{certificate}, {key}: {why}", hint="files in PEM format: --tls-cert, --tls-key") from error
    return context
