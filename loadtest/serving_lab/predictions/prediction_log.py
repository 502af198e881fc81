"""Reads prediction logs of the services: a JSON object a line, in a file, its rotated predecessors, or a stream."""

import contextlib
import gzip
import io
import math
import re
import zlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from serving_lab.errors import LabError

MOST_ROWS = 1_000_000
"""Of a version that are kept in memory, the newest files first: some hundred bytes each."""
_LONGEST_LINE = 1 << 20
_GZIP = b"\x1f\x8b"
_HINT = "name the file that PREDICTION_LOG names, or `-` for standard input"


class Line(msgspec.Struct, frozen=True):
    """What is read of a line."""

    features: list[float]
    prediction: float
    model_version: str
    time: str = ""
    """UTC, ISO 8601."""


class _Other(msgspec.Struct, frozen=True):
    """A line of another log, as standard output has them in between."""

    features: msgspec.UnsetType | msgspec.Raw = msgspec.UNSET
    prediction: msgspec.UnsetType | msgspec.Raw = msgspec.UNSET


@dataclass
class LoggedVersion:
    """The rows that one version of a model answered."""

    version: str
    features: int
    """Numbers of a row."""
    repeated: int = 0
    """Rows that had occurred before: they are no new evidence, and are left out."""
    first: str = ""
    last: str = ""
    """Times of the first and the last line: UTC, ISO 8601."""
    _rows: "array[float]" = field(default_factory=lambda: array("d"))
    _predictions: "array[float]" = field(default_factory=lambda: array("d"))
    _seen: set[bytes] = field(default_factory=set)

    def __len__(self) -> int:
        """Different rows."""
        return len(self._predictions)

    @property
    def rows(self) -> NDArray[np.float64]:
        """Features, shape (rows, features), each row once."""
        return np.frombuffer(self._rows, dtype=np.float64).reshape(-1, self.features)

    @property
    def predictions(self) -> NDArray[np.float64]:
        """What was answered to them, shape (rows,)."""
        return np.frombuffer(self._predictions, dtype=np.float64)

    def add(self, line: Line) -> None:
        """Take a line's row, unless it has occurred before."""
        if line.time:
            self.first = min(self.first or line.time, line.time)
            self.last = max(self.last, line.time)
        row = array("d", line.features)
        if (key := row.tobytes()) in self._seen:
            self.repeated += 1
            return
        self._seen.add(key)
        self._rows.extend(row)
        self._predictions.append(line.prediction)


@dataclass
class PredictionLog:
    """What a log says, by version of the model."""

    files: list[str] = field(default_factory=list)
    damaged: int = 0
    """Lines that cannot be read, or whose numbers are none."""
    first_fault: str | None = None
    """Where the first of them is, and what is wrong with it."""
    other: int = 0
    """Lines that are no predictions, such as those of another log in the same stream."""
    left_out: int = 0
    """Older rows beyond MOST_ROWS of a version."""
    _by_width: dict[tuple[str, int], LoggedVersion] = field(default_factory=dict)

    @property
    def versions(self) -> dict[str, LoggedVersion]:
        """By version; where its rows differ in length, those of the usual one."""
        usual: dict[str, LoggedVersion] = {}
        for (name, _), each in self._by_width.items():
            if name not in usual or len(each) > len(usual[name]):
                usual[name] = each
        return usual

    @property
    def unusual(self) -> int:
        """Rows that are left out, because most of their version have another length."""
        return sum(map(len, self._by_width.values())) - sum(map(len, self.versions.values()))

    def take(self, name: str, lines: Iterable[bytes]) -> None:
        """Read the lines of a file; `name` is what faults are told with."""
        self.files.append(name)
        for number, text in enumerate(lines, 1):
            # Compose and `lab logs` put the service's name in front.
            if not (text := text[max(text.find(b"{"), 0) :].strip()):
                continue
            try:
                line = msgspec.json.decode(text, type=Line)
            except (msgspec.DecodeError, RecursionError) as error:
                self._not_read(text, f"{name} line {number}: {error}")
                continue
            if not line.features or not all(map(math.isfinite, (*line.features, line.prediction))):
                self._damaged(f"{name} line {number}: it has no features, or a number that is not finite")
                continue
            key = line.model_version, len(line.features)
            version = self._by_width.setdefault(key, LoggedVersion(*key))
            if len(version) >= MOST_ROWS:
                self.left_out += 1
            else:
                version.add(line)

    def _not_read(self, text: bytes, fault: str) -> None:
        """Tell a line of another log from a damaged one of this."""
        try:
            found = msgspec.json.decode(text, type=_Other)
        except (msgspec.DecodeError, RecursionError):
            # Cut off or mangled, such a line is still told by how it begins or what it has.
            if text.startswith(b"{") or b'"features"' in text:
                self._damaged(fault)
            else:
                self.other += 1
            return
        if found.features is msgspec.UNSET and found.prediction is msgspec.UNSET:
            self.other += 1
        else:
            self._damaged(fault)

    def _damaged(self, fault: str) -> None:
        self.damaged += 1
        self.first_fault = self.first_fault or fault


def read(path: Path) -> PredictionLog:
    """Read a log and what it was rotated to (`.1`, `.2`, …, also packed as `.1.gz`), the newest first.

    Raises:
        LabError: there is no such file, it cannot be read, or no line of it is a prediction.
    """
    log = PredictionLog()
    for each in rotated(path):
        try:
            with each.open("rb") as stream:
                log.take(str(each), _lines(stream))
        except OSError as error:
            raise LabError(f"{each}: {error.strerror or error}", hint=_HINT) from error
        except (EOFError, zlib.error) as error:
            raise LabError(f"{each} is damaged: {error}", hint="unpack what is left of it") from error
    return _not_empty(log, str(path))


def read_standard_input() -> PredictionLog:
    """Read a log from standard input, such as what a container has printed.

    Raises:
        LabError: it is closed, or no line of it is a prediction.
    """
    log, name = PredictionLog(), "standard input"
    try:
        with Path("/dev/stdin").open("rb") as stream:
            log.take(name, _lines(stream))
    except (OSError, EOFError, zlib.error) as error:
        raise LabError(f"{name} cannot be read: {error}", hint=_HINT) from error
    return _not_empty(log, name)


def rotated(path: Path) -> list[Path]:
    """The files of a log that are there, the newest first.

    Raises:
        LabError: there is none, or the folder cannot be read.
    """
    older = re.compile(rf"{re.escape(path.name)}\.(\d+)(?:\.gz)?")
    try:
        numbered = {each: int(found[1]) for each in path.parent.iterdir() if (found := older.fullmatch(each.name))}
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}", hint=_HINT) from error
    # Between two renames of a rotation the current file is missing, and what it was is `.1`.
    files = [*([path] if path.is_file() else []), *sorted(numbered, key=lambda each: numbered[each])]
    if not files:
        raise LabError(f"{path}: there is no such file", hint=_HINT)
    return files


def _not_empty(log: PredictionLog, name: str) -> PredictionLog:
    if not log.versions:
        why = log.first_fault or "PREDICTION_LOG=off logs nothing, and without requests there is nothing to log"
        raise LabError(f"{name} has no line that is a prediction: {why}", hint=_HINT)
    return log


def _lines(stream: io.BufferedReader) -> Iterator[bytes]:
    """Lines of a stream, packed or not; a line too long for a prediction comes in parts."""
    packed = stream.peek(2)[:2] == _GZIP
    with gzip.GzipFile(fileobj=stream) if packed else contextlib.nullcontext(stream) as source:
        while line := source.readline(_LONGEST_LINE):
            yield line
