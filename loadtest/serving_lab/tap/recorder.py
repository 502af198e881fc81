"""Writes exchanges to a file, beside the forwarding and never in its way."""

import asyncio
import os
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from queue import SimpleQueue

from serving_lab.errors import LabError
from serving_lab.recordings import tap_file
from serving_lab.recordings.tap_file import End, Head, Side, Tapped
from serving_lab.tap.cleaning import Cleaner
from serving_lab.tap.conversation import Seen
from serving_lab.tap.counts import Counts
from serving_lab.text.phrases import visible

_MOST_WAITING = 20_000
_MOST_WAITING_BYTES = 128 << 20
"""Of exchanges that are not cleaned, and again of records that are not written."""
_SLICE_SECONDS, _PAUSE_SECONDS = 0.0003, 0.002
"""How long exchanges are cleaned before the event loop looks for traffic again, and how long it then has for that."""
_MANY = 500
"""Waiting exchanges from which on there is no pause."""
_WRITE_BYTES = 1 << 20
_MOST_TOLD = 10


@dataclass(slots=True)
class Observed:
    """An exchange with what became of its copies."""

    connection: int
    address: str
    """Of the client."""
    at: float
    """Unix seconds of the request's first byte."""
    seen: Seen
    candidate: Seen | None = None
    again: Seen | None = None
    missing: int = 0
    """How many copies are on their way."""

    @property
    def size(self) -> int:
        """Roughly how many bytes it keeps."""
        answer = self.seen.answer
        return 2048 + len(self.seen.request.body) + (len(answer.body) if answer else 0)


class Recorder:
    """Takes exchanges in the event loop, cleans them when nothing else is to do, and has a thread write them.

    Args:
        path: A file that does not exist yet.
        head: What the file says of itself.
        cleaner: What makes exchanges fit to be recorded.
        counts: What counts them.
        most_bytes: How long the file may get; None: any length.

    Raises:
        LabError: the file exists, or cannot be made.
    """

    def __init__(self, path: Path, head: Head, cleaner: Cleaner, counts: Counts, most_bytes: int | None = None) -> None:
        self._cleaner = cleaner
        self._counts = counts
        self._most_bytes = most_bytes
        self._waiting: deque[Observed] = deque()
        self._waiting_bytes = self._written_bytes = self._handed_bytes = 0
        self._scheduled = False
        self._told: set[str] = set()
        self._lost = 0
        """Frames that could not be written."""
        self.stopped: str | None = None
        """Why nothing more is recorded."""
        self._frames: SimpleQueue[bytes | None] = SimpleQueue()
        self._descriptor = _created(path)
        self._thread = threading.Thread(target=self._write, name="recorder", daemon=True)
        self._thread.start()
        self._hand(tap_file.MAGIC + tap_file.frame(head))

    def take(self, observed: Observed) -> None:
        """Record an exchange, or count it as dropped."""
        full = len(self._waiting) >= _MOST_WAITING or self._waiting_bytes > _MOST_WAITING_BYTES
        if full or self.stopped is not None:
            self._counts.record_dropped += 1
            return
        self._waiting.append(observed)
        self._waiting_bytes += observed.size
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_later(_PAUSE_SECONDS, self._clean)

    def close(self) -> None:
        """Record what waits, and end the file."""
        while self._waiting:
            self._record(self._waiting.popleft())
        self._hand(tap_file.frame(End(self._counts.recorded, self._counts.record_dropped)))
        self._frames.put(None)
        self._thread.join()
        if self._lost:
            # The last one said that it was the end.
            self._counts.recorded -= self._lost - 1
            self._counts.record_dropped += self._lost - 1
            self._counts.recorded_bytes = os.fstat(self._descriptor).st_size
        os.close(self._descriptor)

    def _clean(self) -> None:
        until = time.perf_counter() + _SLICE_SECONDS
        while self._waiting:
            self._record(self._waiting.popleft())
            if time.perf_counter() > until:
                break
        self._scheduled = bool(self._waiting)
        if self._scheduled:
            pause = 0.0 if len(self._waiting) > _MANY else _PAUSE_SECONDS
            asyncio.get_running_loop().call_later(pause, self._clean)

    def _record(self, observed: Observed) -> None:
        self._waiting_bytes -= observed.size
        try:
            frame = tap_file.frame(self._tapped(observed))
        except Exception as error:  # noqa: BLE001 - what cannot be cleaned is not recorded; the others are
            self._counts.record_dropped += 1
            self._say(f"an exchange cannot be recorded: {type(error).__name__}: {error}")
            return
        if self.stopped is None and self._most_bytes and self._handed_bytes + len(frame) > self._most_bytes:
            self.stopped = f"the file has its {self._most_bytes:,} bytes"
        if self.stopped is not None or self._handed_bytes - self._written_bytes > _MOST_WAITING_BYTES:
            self._counts.record_dropped += 1
            return
        self._hand(frame)
        self._counts.recorded += 1
        self._counts.recorded_bytes = self._handed_bytes

    def _tapped(self, observed: Observed) -> Tapped:
        seen = observed.seen
        session = self._cleaner.session(seen.request, observed.address)
        request = self._cleaner.request(seen.request)
        return Tapped(
            connection=observed.connection,
            session=session,
            number=seen.number,
            at=observed.at,
            request=request,
            primary=self._side(seen),
            candidate=self._side(observed.candidate) if observed.candidate else None,
            again=self._side(observed.again) if observed.again else None,
            bytes_up=seen.bytes_up,
            bytes_down=seen.bytes_down,
        )

    def _say(self, fault: str) -> None:
        """Tell a fault, the first time it occurs."""
        if fault not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(fault)
            sys.stderr.write(f"warning: {visible(fault)}\n")

    def _side(self, seen: Seen) -> Side:
        return self._cleaner.side(seen.request, seen.answer, seen.request.begun, seen.ended, seen.ending)

    def _hand(self, frame: bytes) -> None:
        self._handed_bytes += len(frame)
        self._frames.put(frame)

    def _write(self) -> None:
        ended = False
        while not ended:
            frames = [self._frames.get()]
            while not self._frames.empty() and sum(len(each or b"") for each in frames) < _WRITE_BYTES:
                frames.append(self._frames.get())
            ended = frames[-1] is None
            content = b"".join(each for each in frames if each)
            try:
                _write_all(self._descriptor, content)
            except OSError as error:
                # What comes behind a gap could not be read: the file ends here.
                self.stopped = self.stopped or f"it cannot be written: {error.strerror}"
                self._lost = _beyond(frames, os.fstat(self._descriptor).st_size - self._written_bytes)
                while not ended:
                    ended = self._frames.get() is None
                    self._lost += not ended
            self._written_bytes += len(content)


def _created(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
    except FileExistsError:
        hint = "choose another file, or remove it; the pseudonyms of two runs differ"
        raise LabError(f"{path} exists already", hint=hint) from None
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}", hint="--record FILE") from error


def _beyond(frames: list[bytes | None], size: int) -> int:
    """How many of these frames do not end within so many bytes."""
    ends = accumulate(len(frame) for frame in frames if frame)
    return sum(end > size for end in ends)


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
