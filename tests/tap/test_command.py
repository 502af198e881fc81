"""`lab tap` as a program: how it begins, how it ends, and what is left when it is killed."""

import contextlib
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from serving_lab.recordings import tap_file
from support.command import lab
from support.local_http import get
from support.services import free_port, wait_until

from tap.running import answering, ask, service

pytestmark = pytest.mark.service
_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+) passes on to")


@dataclass
class Program:
    """`lab tap` that runs."""

    process: "subprocess.Popen[str]"
    port: int

    def ask(self) -> None:
        """Send a request, and compare its answer."""
        ask(self.port)


@contextlib.contextmanager
def program(*arguments: str, first: Sequence[str] = ()) -> Iterator[Program]:
    lab_tap = str(Path(sys.executable).parent / "lab"), "tap", "--listen", "127.0.0.1:0"
    command = [*first, *lab_tap, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            found = _ADDRESS.search(process.stdout.readline())
            assert found is not None
            yield Program(process, int(found[1]))
        finally:
            process.kill()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_a_whole_file_and_says_what_is_in_it(tmp_path: Path, sent: signal.Signals) -> None:
    record = tmp_path / "new" / "live.tap"
    with (
        service(answering()) as primary,
        program("--primary", primary.endpoint.url, "--record", str(record)) as tap,
    ):
        tap.ask()
        tap.process.send_signal(sent)
        said, _ = tap.process.communicate(timeout=20)

    assert tap.process.returncode == 0
    assert "1 exchange on 1 connection passed on" in said
    assert f"{record} has 1 exchange," in said
    assert len(list(tap_file.follow(record, lambda: False))) == 1  # its end is in it
    assert stat.S_IMODE(record.stat().st_mode) == 0o600


def test_a_killed_one_leaves_a_file_that_can_be_read(tmp_path: Path) -> None:
    record = tmp_path / "live.tap"
    with (
        service(answering()) as primary,
        program("--primary", primary.endpoint.url, "--record", str(record)) as tap,
    ):
        for _ in range(20):
            tap.ask()
        wait_until(lambda: len(list(tap_file.read(record))) == 20, "all is recorded")
        tap.process.kill()

    assert [each.request.target for each in tap_file.read(record)] == ["/a"] * 20


def test_where_the_disk_is_full_traffic_goes_on_and_it_is_told(tmp_path: Path) -> None:
    record = tmp_path / "live.tap"
    full = "sh", "-c", 'ulimit -f 8; exec "$@"', "sh"
    with (
        service(answering()) as primary,
        program("--primary", primary.endpoint.url, "--record", str(record), first=full) as tap,
    ):
        for _ in range(100):
            tap.ask()
        tap.process.send_signal(signal.SIGTERM)
        said, _ = tap.process.communicate(timeout=20)

    assert tap.process.returncode == 0, said
    assert "100 exchanges on 100 connections passed on" in said
    assert "it cannot be written: File too large" in said
    recorded = len(list(tap_file.read(record)))
    assert 0 < recorded < 100
    assert f"{record} has {recorded} exchanges, {record.stat().st_size:,} bytes, {100 - recorded} dropped" in said


def test_prometheus_reads_what_it_counts() -> None:
    where = f"127.0.0.1:{free_port()}"
    with service(answering()) as primary, program("--primary", primary.endpoint.url, "--metrics", where) as tap:
        tap.ask()
        wait_until(lambda: "lab_tap_forwarded_total 1.0" in get(f"http://{where}/metrics").text, "it is counted")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--primary", "http://127.0.0.1:1/v1"], "http://127.0.0.1:1/v1 has a path"),
        (["--primary", "127.0.0.1:1"], "'127.0.0.1:1' is not a valid base URL"),
        (["--primary", "http://127.0.0.1:1", "--listen", "8092"], "--listen 8092: this is not HOST:PORT"),
        (["--primary", "http://127.0.0.1:1", "--listen", "192.0.2.1:1"], "192.0.2.1:1: "),
        (["--primary", "http://127.0.0.1:1", "--record", __file__], f"{__file__} exists already"),
        (["--primary", "http://127.0.0.1:1", "--description", "none.yaml"], "none.yaml: No such file"),
    ],
)
def test_a_mistake_is_told(arguments: list[str], problem: str, tmp_path: Path) -> None:
    ended = lab("tap", "--listen", "127.0.0.1:0", *arguments, cwd=tmp_path)

    assert ended.returncode == 2
    assert ended.stderr.startswith(f"error: {problem}")
    assert " hint: " in ended.stderr or "none.yaml" in problem
