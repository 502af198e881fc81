"""Log files that several processes write to: only whole lines, rotated by size."""

import os
import stat
import sys
from pathlib import Path

from serving_core.runtime.shared_memory import ProcessLock


class RotatingFile:
    """Appends lines to a file. Before it would exceed `max_bytes`, it is renamed to `.1`, `.1` to `.2`, and so on.

    Created before a fork, it may be used by all children: they take turns, and each notices a rotation by another.
    """

    def __init__(self, path: str, max_bytes: int, backups: int) -> None:
        self._path = Path(path)
        self._max_bytes = max_bytes
        self._backups = backups
        self._lock = ProcessLock()
        self._file = -1

    def write(self, lines: list[bytes]) -> None:
        """Append lines, and rotate if necessary; a line is written completely or not at all.

        Raises:
            OSError: the lines cannot be written.
        """
        with self._lock:
            size = self._open_current()
            pending: list[bytes] = []
            for line in lines:
                if 0 < size > self._max_bytes - len(line):
                    _append(self._file, pending)
                    pending.clear()
                    self._rotate()
                    size = self._open_current()
                pending.append(line)
                size += len(line)
            _append(self._file, pending)

    def _open_current(self) -> int:
        """Open the current file of the path, which may have been replaced; returns its size in bytes."""
        if self._file >= 0 and not self._is_current():
            os.close(self._file)
            self._file = -1
        if self._file < 0:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        status = os.fstat(self._file)
        return status.st_size if stat.S_ISREG(status.st_mode) else 0

    def _is_current(self) -> bool:
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(self._file))

    def _rotate(self) -> None:
        names = [self._path, *(Path(f"{self._path}.{number}") for number in range(1, self._backups + 1))]
        names[-1].unlink(missing_ok=True)
        for older, newer in zip(reversed(names), reversed(names[:-1]), strict=False):
            if newer.exists():
                newer.rename(older)


class StandardOutput:
    """Writes lines to standard output; processes take turns."""

    def __init__(self) -> None:
        self._lock = ProcessLock()

    def write(self, lines: list[bytes]) -> None:
        """Write complete lines.

        Raises:
            OSError: the output is closed.
        """
        with self._lock:
            _append(sys.stdout.fileno(), lines)


def _append(file: int, lines: list[bytes]) -> None:
    """Write all lines; if only some of them can be written to a regular file, write none."""
    data = memoryview(b"".join(lines))
    before = os.fstat(file)
    try:
        while data:
            data = data[os.write(file, data) :]
    except OSError:
        if stat.S_ISREG(before.st_mode):
            os.ftruncate(file, before.st_size)
        raise
