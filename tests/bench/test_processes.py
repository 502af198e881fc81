"""Who listens at an address of this machine, and what that uses."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest
from serving_lab.api.endpoint import Endpoint
from serving_lab.experiment import processes
from support.services import free_port, wait_until
from support.subject import subject

pytestmark = pytest.mark.service

FORKING = """
import os, socket, sys, time
listener = socket.create_server((sys.argv[1], int(sys.argv[2])), family=int(sys.argv[3]))
for _ in range(2):
    if os.fork() == 0:
        sum(range(10_000_000))
        time.sleep(600)
print("up", flush=True)
time.sleep(600)
"""
APART = """
import socket, subprocess, sys, time
own = [sys.executable, "-c", sys.argv[1], *sys.argv[2:]]
children = [subprocess.Popen(own) for _ in range(2)]
print("up", flush=True)
time.sleep(600)
"""
BURNING = """
open("/proc/self/comm", "w").write("burner")
print("up", flush=True)
while True: pass
"""
ONE = """
import socket, sys, time
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
listener.bind((sys.argv[1], int(sys.argv[2])))
listener.listen()
time.sleep(600)
"""


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    running: list[subprocess.Popen[str]] = []
    yield running
    for process in running:
        for each in psutil.Process(process.pid).children(recursive=True):
            each.kill()
        process.kill()
        process.communicate()


def start(started: list[subprocess.Popen[str]], *arguments: str) -> int:
    process = subprocess.Popen([sys.executable, "-c", *arguments], stdout=subprocess.PIPE, text=True)
    started.append(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process.pid


@pytest.mark.parametrize(
    ("bound", "family", "asked"),
    [
        ("127.0.0.1", socket.AF_INET, "127.0.0.1"),
        ("0.0.0.0", socket.AF_INET, "localhost"),  # noqa: S104 - as services do
        ("::1", socket.AF_INET6, "[::1]"),
        ("::", socket.AF_INET6, "[::1]"),
    ],
)
def test_of_workers_that_share_a_socket_it_is_the_one_above(
    started: list[subprocess.Popen[str]], bound: str, family: socket.AddressFamily, asked: str
) -> None:
    port = free_port()
    pid = start(started, FORKING, bound, str(port), str(int(family)))

    assert processes.listening(Endpoint.parse(f"http://{asked}:{port}")) == pid
    assert len(processes.tree(pid)) == 3
    wait_until(lambda: (processes.cpu_seconds(processes.tree(pid)) or 0) > 0.2, "the work of both workers")
    assert (processes.pss_bytes(processes.tree(pid)) or 0) > 1_000_000


def test_of_workers_with_sockets_of_their_own_it_is_their_parent(started: list[subprocess.Popen[str]]) -> None:
    port = free_port()
    pid = start(started, APART, ONE, "127.0.0.1", str(port))
    where = Endpoint.parse(f"http://127.0.0.1:{port}")

    wait_until(lambda: processes.listening(where) is not None, "a listener")
    wait_until(lambda: processes.listening(where) == pid, "their parent")


def test_who_else_was_busy_is_named_and_nobody_who_is_meant(started: list[subprocess.Popen[str]]) -> None:
    programs = processes.Programs()
    pid = start(started, BURNING)
    wait_until(lambda: (processes.cpu_seconds(processes.tree(pid)) or 0) > 0.5, "half a second of CPU time")

    assert re.search(r"burner [01]\.\d\d", programs.busiest([], most=100))
    assert "burner" not in programs.busiest([pid], most=100)
    assert "burner" not in processes.Programs().busiest([pid])


def test_how_long_a_program_waited_for_a_processor_that_another_one_had_is_known(
    started: list[subprocess.Popen[str]],
) -> None:
    one, other = (start(started, BURNING) for _ in range(2))
    for pid in (one, other):
        os.sched_setaffinity(pid, {min(os.sched_getaffinity(0))})
    members = processes.tree(one)
    before = processes.waited_seconds(members)
    assert before is not None

    # Both want one processor all the time, so each waits while the other one runs.
    wait_until(lambda: (processes.waited_seconds(members) or 0) - before > 0.5, "half a second of waiting")
    assert processes.waited_seconds([]) is None


def test_what_is_elsewhere_or_nowhere_is_unknown() -> None:
    assert processes.listening(Endpoint.parse("http://192.0.2.1:80")) is None
    assert processes.listening(Endpoint.parse(f"http://127.0.0.1:{free_port()}")) is None
    assert processes.cpu_seconds([]) is None
    assert processes.pss_bytes([]) is None


def test_a_program_that_only_forwards_is_not_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    with subject() as url:
        where = Endpoint.parse(url)
        assert processes.listening(where) is not None
        monkeypatch.setattr(psutil.Process, "name", lambda _: "docker-proxy")
        assert processes.listening(where) is None
