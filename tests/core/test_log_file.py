"""Files of lines that several processes write."""

import os
from pathlib import Path

import pytest
from serving_core.runtime.log_file import RotatingFile

LINE = b"x" * 99 + b"\n"


def test_a_file_never_passes_its_size_and_old_ones_are_kept_in_order(tmp_path: Path) -> None:
    log = RotatingFile(str(tmp_path / "log"), max_bytes=1000, backups=2)
    for number in range(45):
        log.write([b"%098d" % number + b" \n"])
    names = ["log.2", "log.1", "log"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    kept = [int(line) for name in names for line in (tmp_path / name).read_text().split()]
    assert kept == list(range(20, 45))[-len(kept) :]
    assert all((tmp_path / name).stat().st_size <= 1000 for name in names)


def test_no_backups_means_to_start_anew(tmp_path: Path) -> None:
    log = RotatingFile(str(tmp_path / "log"), max_bytes=250, backups=0)
    log.write([LINE] * 5)
    assert [path.name for path in tmp_path.iterdir()] == ["log"]
    assert (tmp_path / "log").read_bytes() == LINE


def test_a_batch_is_split_where_a_file_is_full(tmp_path: Path) -> None:
    RotatingFile(str(tmp_path / "log"), max_bytes=500, backups=1).write([LINE] * 7)
    assert (tmp_path / "log.1").read_bytes() == LINE * 5
    assert (tmp_path / "log").read_bytes() == LINE * 2


def test_children_write_whole_lines_through_each_others_rotations(tmp_path: Path) -> None:
    log = RotatingFile(str(tmp_path / "log"), max_bytes=5000, backups=100)
    children, batches = 4, 100
    pids = []
    for child in range(children):
        pid = os.fork()
        if pid == 0:
            for number in range(batches):
                log.write([f"{child} {number} {part} {'y' * 40}\n".encode() for part in range(3)])
            os._exit(0)
        pids.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * children
    lines = [line for path in tmp_path.iterdir() for line in path.read_text().splitlines()]
    expected = [f"{c} {n} {p} {'y' * 40}" for c in range(children) for n in range(batches) for p in range(3)]
    assert sorted(lines) == sorted(expected)


def test_a_file_that_was_taken_away_is_made_again(tmp_path: Path) -> None:
    log = RotatingFile(str(tmp_path / "below" / "log"), max_bytes=5000, backups=1)
    log.write([LINE])
    (tmp_path / "below" / "log").unlink()
    log.write([LINE])
    assert (tmp_path / "below" / "log").read_bytes() == LINE


def test_a_full_disk_is_the_writers_error() -> None:
    with pytest.raises(OSError, match="No space left"):
        RotatingFile("/dev/full", max_bytes=5000, backups=1).write([LINE])
