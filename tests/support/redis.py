"""A real Redis of its own, which tests may hang, kill and start again."""

import contextlib
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis, RedisError

from support.needs import needed
from support.services import free_port, wait_until
from support.tiers import at_least

_SLOTS = 16384
PASSWORD = "a-password-of-redis-that-nobody-may-see"


@dataclass
class RunningRedis:
    """A server without persistence: what it knew is gone once it was killed."""

    directory: Path
    port: int = field(default_factory=free_port)
    options: tuple[str, ...] = ()
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What CACHE_URL names it as."""
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"

    @property
    def socket_url(self) -> str:
        """The same, by its socket in the file system."""
        return f"unix://:{PASSWORD}@{self.directory}/socket"

    def client(self) -> Redis:
        """A client that looks at it from outside the services."""
        return Redis.from_url(self.url, socket_timeout=5)

    def start(self) -> None:
        """Start it, and return when it answers."""
        command = [needed("redis-server", package="redis-server"), "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--requirepass", PASSWORD, "--unixsocket", "socket", "--save", "", "--dir", str(self.directory)]
        command += self.options
        with (self.directory / "redis.log").open("ab") as output:
            self._process = subprocess.Popen(command, cwd=self.directory, stdout=output, stderr=output)
        wait_until(self._answers, "redis ready", explain=(self.directory / "redis.log").read_text)

    def hang(self) -> None:
        """Let it take connections and requests, and answer none."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _signal(self, number: signal.Signals) -> None:
        assert self._process, "it was killed"
        self._process.send_signal(number)

    def _answers(self) -> bool:
        assert self._process, "it was killed"
        assert self._process.poll() is None, (self.directory / "redis.log").read_text()
        try:
            return bool(self.client().ping())
        except RedisError:
            return False


@contextlib.contextmanager
def running_redis(directory: Path, *options: str) -> Iterator[RunningRedis]:
    """Start a Redis on a free port and end it whatever became of it; options are those of its command line."""
    at_least("service", "Redis")
    redis = RunningRedis(directory, options=options)
    redis.start()
    try:
        yield redis
    finally:
        redis.kill()


@contextlib.contextmanager
def running_cluster(directory: Path, nodes: int) -> Iterator[list[RunningRedis]]:
    """Start a cluster whose nodes have equal parts of the slots."""
    with contextlib.ExitStack() as stack:
        started, bus_ports = [], [free_port() for _ in range(nodes)]
        for number, bus_port in enumerate(bus_ports):
            path = directory / str(number)
            path.mkdir()
            options = ("--cluster-enabled", "yes", "--cluster-port", str(bus_port))
            started.append(stack.enter_context(running_redis(path, *options)))
        for number, node in enumerate(started):
            first, end = (_SLOTS * place // nodes for place in (number, number + 1))
            node.client().cluster("ADDSLOTSRANGE", first, end - 1)
            node.client().cluster("MEET", "127.0.0.1", started[0].port, bus_ports[0])
        for node in started:
            wait_until(lambda: _is_complete(node, nodes), "the cluster is complete")  # noqa: B023
        yield started


def move_slot(key: str, receiver: RunningRedis, cluster: Sequence[RunningRedis]) -> None:
    """Let one node hold the slot of a key, which is empty."""
    node_id = receiver.client().cluster("MYID").decode()
    for node in cluster:
        node.client().cluster("SETSLOT", node.client().cluster("KEYSLOT", key), "NODE", node_id)


def _is_complete(node: RunningRedis, nodes: int) -> bool:
    state = node.client().cluster("INFO")
    return (state["cluster_state"], state["cluster_known_nodes"]) == ("ok", str(nodes))
