"""`make bench-tap`: what `lab tap` adds to the time of a request and what it costs, beside proxies that record nothing.

A socket that answers unread is asked directly and through each proxy, in turns. Time is that of one client who sends
request after request; cost is the proxy's processor time under sixteen clients. Other programs on the machine change
the second one little.
"""

import argparse
import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import NoReturn

import psutil
from serving_lab.errors import LabError
from support.services import free_port, wait_until

from benchmark.servers import TOKEN
from benchmark.shell import command, say, whole_number

CLIENTS = 16
_TESTS = Path(__file__).parents[1]
_API = _TESTS.parent / "loadtest" / "api.yaml"
_BODY = b'{"features": [59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.8598, 87]}'
_REQUEST = (
    b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: benchmark\r\nAccept: */*\r\n"
    b"Authorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
) % (TOKEN.encode(), len(_BODY), _BODY)
_HAPROXY = """
global
    nbthread 1
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend all
    bind 127.0.0.1:{listen}
    default_backend one
backend one
    server one 127.0.0.1:{port}
"""


@dataclass(frozen=True)
class Proxy:
    """What is asked."""

    name: str
    port: int
    process: "psutil.Process | None" = None
    """None: nothing between client and service."""


@dataclass(frozen=True)
class Found:
    """What a round found of one proxy."""

    p50_seconds: float
    per_cpu_second: float | None
    """Requests for each second of the proxy's processor time."""


def main() -> NoReturn:
    """Exit with 0 when the table is printed, with 2 if it cannot be told."""
    parser = argparse.ArgumentParser(prog="make bench-tap", description=__doc__)
    parser.add_argument("--rounds", type=whole_number, default=5)
    parser.add_argument("--seconds", type=whole_number, default=3, help="of each proxy in each round, twice")
    arguments = parser.parse_args()
    command(lambda: _measure(arguments.rounds, arguments.seconds))


def _measure(rounds: int, seconds: int) -> None:
    found: dict[str, list[Found]] = {}
    with _running() as proxies:
        for number in range(1, rounds + 1):
            say(f"round {number} of {rounds}, {2 * seconds * len(proxies)} s")
            for proxy in proxies if number % 2 else reversed(proxies):
                found.setdefault(proxy.name, []).append(_asked(proxy, seconds))
        order = [proxy.name for proxy in proxies]
    print(table({name: found[name] for name in order}))  # noqa: T201 - a command


def table(found: Mapping[str, Sequence[Found]]) -> str:
    """A line for each proxy: medians of all rounds; what is added is to the direct way in the same round."""
    direct, *_ = found.values()
    lines = [f"{'':32}{'P50':>10}{'added':>10}{'lowest to highest':>22}{'per CPU second':>18}"]
    for name, rounds in found.items():
        added = [1000 * (its.p50_seconds - base.p50_seconds) for its, base in zip(rounds, direct, strict=True)]
        costs = [each.per_cpu_second for each in rounds if each.per_cpu_second is not None]
        p50 = f"{1000 * median(each.p50_seconds for each in rounds):.3f} ms"
        if rounds is direct:
            lines.append(f"{name:32}{p50:>10}")
            continue
        told = f"{median(added):.3f} ms", f"{min(added):.3f} to {max(added):.3f} ms", f"{median(costs):,.0f}"
        lines.append(f"{name:32}{p50:>10}{told[0]:>10}{told[1]:>22}{told[2]:>18}")
    return "\n".join(lines)


def _asked(proxy: Proxy, seconds: float) -> Found:
    times = _times(proxy.port, seconds)
    before = _cpu_seconds(proxy)
    counts = [0] * CLIENTS
    _asked_by_many(proxy.port, seconds, counts)
    used = _cpu_seconds(proxy) - before
    return Found(median(times), sum(counts) / used if proxy.process else None)


def _asked_by_many(port: int, seconds: float, counts: list[int]) -> None:
    def ask(number: int) -> None:
        counts[number] = len(_times(port, seconds))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _times(port: int, seconds: float) -> list[float]:
    """How long each request took, one after the other."""
    times = []
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end = time.perf_counter() + seconds
        while (sent := time.perf_counter()) < end:
            connection.sendall(_REQUEST)
            answer = connection.recv(65536)
            times.append(time.perf_counter() - sent)
            if not answer.startswith(b"HTTP/1.1 200 ") or b"prediction" not in answer:
                raise LabError(f"port {port} answers {answer[:80]!r}")
    return times


def _cpu_seconds(proxy: Proxy) -> float:
    return sum(proxy.process.cpu_times()[:2]) if proxy.process else 0.0


@contextlib.contextmanager
def _running() -> Iterator[list[Proxy]]:
    with contextlib.ExitStack() as stack, tempfile.TemporaryDirectory() as directory:

        def start(*words: str) -> tuple[int, psutil.Process]:
            port = free_port()
            process = stack.enter_context(
                subprocess.Popen([word.format(listen=port) for word in words], cwd=_TESTS, stdout=subprocess.DEVNULL)
            )
            stack.callback(process.terminate)
            wait_until(lambda: _accepts(port), words[0])
            return port, psutil.Process(process.pid)

        python = sys.executable
        service, _ = start(python, "-m", "benchmark.no_ops.responder", "{listen}")
        second, _ = start(python, "-m", "benchmark.no_ops.responder", "{listen}")
        lab = str(Path(python).parent / "lab")
        tap = (lab, "tap", "--primary", f"http://127.0.0.1:{service}", "--listen", "127.0.0.1:{listen}")
        records = ("--description", str(_API), "--record")
        mirrors = ("--candidate", f"http://127.0.0.1:{second}")
        copying = python, "-m", "benchmark.proxies.copying"
        proxies = [
            Proxy("direct", service),
            Proxy("sockets copied by uvloop", *start(*copying, "{listen}", str(service))),
        ]
        if haproxy := shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"):
            port = free_port()
            config = Path(directory) / "haproxy.cfg"
            config.write_text(_HAPROXY.format(listen=port, port=service))
            process = stack.enter_context(subprocess.Popen([haproxy, "-f", str(config), "-db"]))
            stack.callback(process.terminate)
            wait_until(lambda: _accepts(port), haproxy)
            proxies.append(Proxy("HAProxy, one thread", port, psutil.Process(process.pid)))
        else:
            say("HAProxy is not installed: it is left out (apt-get install haproxy)")
        yield [
            *proxies,
            Proxy("lab tap, passing on", *start(*tap)),
            Proxy("lab tap, recording", *start(*tap, *records, f"{directory}/one.tap")),
            Proxy("lab tap, recording and mirroring", *start(*tap, *mirrors, *records, f"{directory}/two.tap")),
        ]


def _accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


if __name__ == "__main__":
    main()
