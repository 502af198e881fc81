"""The values of metrics, each a number in the file of its process that is added to in place.

The client library's own class asks before each addition which process it is in, looks up where the value is, and writes
it anew with a time that nobody reads. A request adds to eight values.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from prometheus_client.mmap_dict import mmap_key

from serving_core.runtime.metrics_files import ReservedFile

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that names the directory of the files, as the library calls it."""
_ARBITER_SLOT = 0


class Value:
    """A number that lives in a file; has what the client library asks of the class of its values."""

    _multiprocess = True
    __slots__ = ("_cells", "_key", "_place", "kind")

    def __init__(
        self,
        typ: str,
        metric_name: str,
        name: str,
        labelnames: Sequence[str],
        labelvalues: Sequence[str],
        help_text: str,
        multiprocess_mode: str = "",
        **_: object,
    ) -> None:
        """Continue with the number that is in the file, or with 0; the parameters are the library's."""
        self.kind = f"{typ}_{multiprocess_mode}" if typ == "gauge" else typ
        self._key = mmap_key(metric_name, name, list(labelnames), list(labelvalues), help_text)
        _process.add(self)

    def move(self, file: ReservedFile) -> None:
        """Continue with the number that is in another file."""
        self._cells: memoryview[float]
        self._cells, self._place = file.cell(self._key)

    def inc(self, amount: float) -> None:
        """Add to it."""
        with _lock:
            self._cells[self._place] += amount

    def set(self, value: float, timestamp: float | None = None) -> None:  # noqa: ARG002 - the library's signature
        """Replace it."""
        with _lock:
            self._cells[self._place] = value

    def get(self) -> float:
        """Read it."""
        return self._cells[self._place]

    def set_exemplar(self, exemplar: object) -> None:
        """Do nothing: files have no exemplars."""

    def get_exemplar(self) -> None:
        """None."""


class _Process:
    """The values of this process, and their files."""

    def __init__(self) -> None:
        self._slot = _ARBITER_SLOT
        self._files: dict[str, ReservedFile] = {}
        self._values: list[Value] = []

    def add(self, value: Value) -> None:
        with _lock:
            value.move(self._file(value.kind))
            self._values.append(value)

    def enter_slot(self, slot: int) -> None:
        with _lock:
            left, self._slot, self._files = self._files, slot, {}
            for value in self._values:
                value.move(self._file(value.kind))
        for file in left.values():
            file.close()  # type: ignore[no-untyped-call]

    def _file(self, kind: str) -> ReservedFile:
        if kind not in self._files:
            self._files[kind] = ReservedFile(str(Path(os.environ[DIRECTORY], f"{kind}_{self._slot}.db")))
        return self._files[kind]


_lock = Lock()
_process = _Process()
enter_slot = _process.enter_slot
