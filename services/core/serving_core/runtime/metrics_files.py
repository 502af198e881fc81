"""Files of metrics whose room is reserved: memory that is mapped to a file without room kills whoever writes to it.

The client library makes its files longer without asking whether the file system has room. The first write beyond that
ends the process by SIGBUS, and so does the same write of its successor.
"""

import logging
import os
from collections.abc import Iterable
from mmap import mmap
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

FILE_BYTES = 1 << 16
"""The size of a new file; the library doubles it if necessary."""
_NUMBER_BYTES = 8
_VALUE_BYTES = 2 * _NUMBER_BYTES  # with the time of a value, which nobody reads
# An entry is its key, at most 20 bytes of length and padding, and its value (see MmapedDict).
_ENTRY_BYTES = 20 + _VALUE_BYTES

_logger = logging.getLogger(__name__)


class ReservedFile(MmapedDict):
    """Counts in a file as long as the file system has room for it; what has none is not counted."""

    _used: int
    _capacity: int

    def __init__(self, filename: str) -> None:
        """Open the file, or create it."""
        try:
            reserve(Path(filename))
        except OSError as error:
            _logger.error("metrics: %s: %s; this process counts without them", filename, error.strerror)
            filename = f"/proc/self/fd/{os.memfd_create('metrics')}"
        self._full = False
        super().__init__(filename)  # type: ignore[no-untyped-call]

    def cell(self, key: str) -> "tuple[memoryview[float], int]":
        """Where a value is: all numbers of the file, and the index of this one; right until the file is closed.

        A file that has become longer is mapped anew: what was told before leads to the same memory.
        """
        self.read_value(key)  # type: ignore[no-untyped-call] # adds the value unless it is there
        return memoryview(self._m).cast("d"), int(self._positions[key]) // _NUMBER_BYTES

    def _init_value(self, key: str) -> None:
        """Add a value; without room, its place is behind all entries, where nobody reads it."""
        if self._has_room(len(key.encode()) + _ENTRY_BYTES):
            super()._init_value(key)  # type: ignore[no-untyped-call]
        else:
            self._positions[key] = self._capacity - _VALUE_BYTES

    def _has_room(self, size: int) -> bool:
        while not self._full and self._used + size > self._capacity - _VALUE_BYTES:
            try:
                os.posix_fallocate(self._f.fileno(), 0, 2 * self._capacity)
            except OSError as error:
                _logger.error("metrics: %s: %s; new series are not counted", self._fname, error.strerror)
                self._full = True
            else:
                self._capacity *= 2
                self._m = mmap(self._f.fileno(), self._capacity)
        return self._used + size <= self._capacity - _VALUE_BYTES


def reserve(path: Path, size: int = FILE_BYTES) -> None:
    """Create a file of at least this size, unless it is there.

    It appears with its room: a scrape reads all files at any moment, and finds no number in an empty one.

    Raises:
        OSError: the file system has no room for it.
    """
    begun = path if path.exists() else path.with_suffix(".begun")
    try:
        with begun.open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, size)
        begun.rename(path)
    except OSError:
        if begun != path:
            begun.unlink(missing_ok=True)
        raise


def clear(paths: Iterable[Path]) -> None:
    """Remove the values from files, and keep their room."""
    for path in paths:
        with path.open("r+b") as file:
            file.write(bytes(8))  # how many bytes are used
