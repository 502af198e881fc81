"""A real gateway of its own before servers that a test starts."""

import contextlib
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from serving_lab.errors import LabError
from serving_lab.gateway.config import GatewayPlan, GatewayServer, configuration, maps
from serving_lab.gateway.control import Control

from support.needs import needed
from support.services import free_port, listens, wait_until
from support.tiers import at_least

USER_COOKIE = "user_id"
_NOBODY = "127.0.0.1:9"


@dataclass(frozen=True)
class RunningGateway:
    """HAProxy that runs as the lab configures it."""

    url: str
    metrics_url: str
    control: Control
    process: subprocess.Popen[bytes]


@contextlib.contextmanager
def running_gateway(
    directory: Path,
    services: Mapping[str, str],
    *,
    also: Sequence[str] = (),
    tap: str = _NOBODY,
    relay: str = _NOBODY,
    ready: str = "/ready",
) -> Iterator[RunningGateway]:
    """Start HAProxy before these services, by their URLs, the primary first; end it whatever became of it.

    Its users are told apart by the cookie `USER_COOKIE`. A tap and a relay would listen at these, as host:port.
    The services say at `ready` whether they may get requests. Further instances of the primary are at `also`: each gets
    as many requests.
    """
    at_least("service", "HAProxy")
    # HAProxy takes a server for ready until a check fails, and would say so of one that does not listen yet.
    wait_until(lambda: all(listens(urlsplit(url).port or 0) for url in services.values()), "the servers listen")
    ports = [free_port() for _ in range(3)]
    listen, metrics, control = (f"127.0.0.1:{port}" for port in ports)
    plan = GatewayPlan(
        listen=listen,
        metrics=metrics,
        control=f"tcp:{control}",
        services=tuple(GatewayServer(name, urlsplit(url).netloc) for name, url in services.items()),
        candidate=list(services)[-1],
        maps=str(directory),
        user_cookie=USER_COOKIE,
        tap=tap,
        relay=relay,
        ready=ready,
    )
    for name, text in {"haproxy.cfg": _in_turn(configuration(plan), plan.services[0], also), **maps(plan)}.items():
        (directory / name).write_text(text)
    log = directory / "haproxy.log"
    with log.open("ab") as output:
        command = [needed("haproxy", package="haproxy"), "-db", "-f", str(directory / "haproxy.cfg")]
        process = subprocess.Popen(command, stdout=output, stderr=output)
    gateway = RunningGateway(f"http://{listen}", f"http://{metrics}", Control(f"tcp:{control}"), process)
    try:
        wait_until(lambda: _sees(gateway, services), "the gateway sees the services", explain=log.read_text)
        yield gateway
    finally:
        process.kill()
        process.wait()


def _in_turn(text: str, primary: GatewayServer, also: Sequence[str]) -> str:
    """The configuration with further instances in the backend of the primary."""
    if not also:
        return text
    own = f"server {primary.name} {primary.address}\n"
    further = [f"    server {primary.name}-{number} {urlsplit(url).netloc}\n" for number, url in enumerate(also, 2)]
    return text.replace(f"use-server {primary.name} if TRUE\n", "balance roundrobin\n").replace(
        own, own + "".join(further), 1
    )


def _sees(gateway: RunningGateway, services: Mapping[str, str]) -> bool:
    assert gateway.process.poll() is None, "it ended"
    try:
        states = gateway.control.servers()
    except LabError:
        return False
    return all(state.up for state in states if state.name == state.backend in services)
