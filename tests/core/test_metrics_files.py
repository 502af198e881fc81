"""Files of metrics on a file system that becomes full: what has no room is not counted, and nothing else is lost."""

# The client library has no types.
# mypy: allow-untyped-calls

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict
from serving_core.runtime import metrics_files
from serving_core.runtime.metrics_files import FILE_BYTES, ReservedFile


@pytest.fixture
def becomes_full(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Call it to let nothing more be reserved."""

    def refuse(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return lambda: monkeypatch.setattr(os, "posix_fallocate", refuse)


def stored(path: Path) -> dict[str, float]:
    """What a scrape finds in the file."""
    return {key: value for key, value, *_ in MmapedDict.read_all_values_from_file(str(path))}


def test_a_new_file_has_room(tmp_path: Path) -> None:
    path = tmp_path / "counter_1.db"

    ReservedFile(str(path)).write_value("a", 1.0, 0.0)

    assert path.stat().st_blocks * 512 >= FILE_BYTES
    assert stored(path) == {"a": 1.0}


def test_a_scrape_never_finds_a_file_without_its_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker of a new generation may need a file that was not reserved at the start, while somebody scrapes."""
    path, scraped = tmp_path / "counter_7.db", []

    def scrape_and_reserve(file: int, offset: int, size: int) -> None:
        scraped.append([stored(each) for each in tmp_path.glob("*.db")])
        os.ftruncate(file, offset + size)

    monkeypatch.setattr(os, "posix_fallocate", scrape_and_reserve)
    metrics_files.reserve(path)
    metrics_files.reserve(path)

    assert scraped == [[], [{}]]
    assert list(tmp_path.iterdir()) == [path]


def test_it_grows_and_keeps_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "counter_1.db"
    file = ReservedFile(str(path))
    expected = {f"series {number:04}" * 10: float(number) for number in range(1000)}

    for key, value in expected.items():
        file.write_value(key, value, 0.0)

    assert stored(path) == expected
    assert path.stat().st_size > FILE_BYTES
    assert path.stat().st_blocks * 512 >= path.stat().st_size
    assert ReservedFile(str(path)).read_value("series 0007" * 10) == (7.0, 0.0)


def test_what_has_no_room_is_not_counted(
    tmp_path: Path, becomes_full: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "counter_1.db"
    file = ReservedFile(str(path))
    becomes_full()

    for number in range(1000):
        file.write_value(f"series {number:04}" * 10, float(number), 0.0)
    file.write_value("series 0003" * 10, 3.5, 0.0)
    file.write_value("series 0999" * 10, 9.5, 0.0)

    counted = stored(path)
    assert 100 < len(counted) < 1000
    assert counted["series 0003" * 10] == 3.5
    assert all(value == int(key[7:11]) for key, value in counted.items() if key[7:11] != "0003")
    assert path.stat().st_size == FILE_BYTES
    assert len(caplog.messages) == 1
    assert "No space left on device; new series are not counted" in caplog.messages[0]


def test_a_process_whose_file_has_no_room_counts_by_itself(
    tmp_path: Path, becomes_full: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    becomes_full()
    file = ReservedFile(str(tmp_path / "counter_9.db"))

    file.write_value("a", 1.0, 0.0)

    assert file.read_value("a") == (1.0, 0.0)
    assert "this process counts without" in caplog.text


def test_a_file_that_is_cleared_keeps_its_room(tmp_path: Path) -> None:
    path = tmp_path / "gauge_livesum_1.db"
    ReservedFile(str(path)).write_value("a", 1.0, 0.0)

    metrics_files.clear([path])

    assert stored(path) == {}
    assert path.stat().st_blocks * 512 >= FILE_BYTES
    assert ReservedFile(str(path)).read_value("a") == (0.0, 0.0)
