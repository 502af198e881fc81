"""Memory that the arbiter and its workers share: created before the fork, safe if a worker dies suddenly."""

import ctypes
import errno
import mmap
import os
import struct
from types import TracebackType
from typing import Self

# Without the lock, entries may move while a chain is followed; with digests as keys, chains are a few entries long.
_LONGEST_CHAIN = 64

# pthread.h of Linux, for glibc and musl.
_PROCESS_SHARED, _ROBUST, _ATTRIBUTES_BYTES = 1, 1, 64
_as_words = struct.Struct("qq").unpack  # of a key
_libc = ctypes.PyDLL(None)  # keeps Python's global lock during a call; CDLL releases it
_try_lock, _unlock, _wait_and_lock = (
    _libc.pthread_mutex_trylock,
    _libc.pthread_mutex_unlock,
    ctypes.CDLL(None).pthread_mutex_lock,
)
for _function in (_try_lock, _unlock, _wait_and_lock, _libc.pthread_mutex_consistent):
    _function.argtypes = (ctypes.c_void_p,)
_libc.pthread_mutex_init.argtypes = (ctypes.c_void_p, ctypes.c_void_p)


class ProcessLock:
    """A lock for threads and forked processes; when its holder dies, the next one gets it.

    It is a robust mutex of the C library (pthread_mutexattr_setrobust(3)). As long as nobody waits, taking it needs no
    system call and keeps Python's global lock. A file lock would release that, and threads would change at every use.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)
        self._mutex = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        attributes = ctypes.create_string_buffer(_ATTRIBUTES_BYTES)
        for result in (
            _libc.pthread_mutexattr_init(attributes),
            _libc.pthread_mutexattr_setpshared(attributes, _PROCESS_SHARED),
            _libc.pthread_mutexattr_setrobust(attributes, _ROBUST),
            _libc.pthread_mutex_init(self._mutex, attributes),
        ):
            if result:
                raise OSError(result, os.strerror(result))

    def __enter__(self) -> None:
        result = _try_lock(self._mutex)
        if result == errno.EBUSY:
            result = _wait_and_lock(self._mutex)
        if result == errno.EOWNERDEAD:
            result = _libc.pthread_mutex_consistent(self._mutex)
        if result:
            raise OSError(result, os.strerror(result))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _unlock(self._mutex)


class SharedTable:
    """A bounded map in shared memory from 16-byte keys to pairs of numbers; evicts the least recently used entry.

    Use it inside `with table:`, which holds the lock. If a process dies inside, the table stays marked, and the next
    process that enters empties it, so an incomplete change is never read. `counters` are integers that survive this.
    """

    KEY_BYTES = 16
    COUNTERS = 4
    _NONE = -1
    # Words of 8 bytes. Header: mark, entries, newest, oldest, counters. Slot: key (2), values (2), chain, older, newer.
    _MARK, _ENTRIES, _NEWEST, _OLDEST, _COUNTERS, _HEADER = 0, 1, 2, 3, 4, 8
    _VALUES, _CHAIN, _OLDER, _NEWER, _SLOT = 2, 4, 5, 6, 7

    def __init__(self, max_entries: int) -> None:
        self.max_entries = max_entries
        self._buckets = max_entries
        self._slots = self._HEADER + self._buckets
        memory = memoryview(mmap.mmap(-1, 8 * (self._slots + self._SLOT * max_entries)))
        self._words = memory.cast("q")
        self._numbers = memory.cast("d")
        self._lock = ProcessLock()
        self._reset()

    def __enter__(self) -> Self:
        self._lock.__enter__()
        if self._words[self._MARK]:
            self._reset()
        self._words[self._MARK] = 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._words[self._MARK] = 0
        self._lock.__exit__(kind, error, trace)

    def __len__(self) -> int:
        return self._words[self._ENTRIES]

    def counter(self, number: int) -> int:
        """Read one of the counters."""
        return self._words[self._COUNTERS + number]

    def count(self, number: int, amount: int = 1) -> None:
        """Add to one of the counters."""
        self._words[self._COUNTERS + number] += amount

    def may_hold(self, key: bytes) -> bool:
        """Whether `get` may find an entry. Needs no lock: it only misses one that is being written at this moment."""
        words = self._words
        low, high = _as_words(key)
        slot = words[self._bucket(low)]
        for _ in range(_LONGEST_CHAIN):
            if slot == self._NONE:
                return False
            if words[slot] == low and words[slot + 1] == high:
                return True
            slot = words[slot + self._CHAIN]
        return True

    def get(self, key: bytes) -> tuple[float, float] | None:
        """Read an entry and mark it as the most recently used."""
        slot, _ = self._find(key)
        if slot == self._NONE:
            return None
        self._unlink(slot)
        self._link_newest(slot)
        values = slot + self._VALUES
        return self._numbers[values], self._numbers[values + 1]

    def put(self, key: bytes, first: float, second: float = 0.0) -> bool:
        """Write an entry as the most recently used; true if it evicted the least recently used one."""
        slot, bucket = self._find(key)
        evicted = False
        if slot != self._NONE:
            self._unlink(slot)
        else:
            evicted = len(self) == self.max_entries
            slot = self._evict_oldest() if evicted else self._slots + self._SLOT * len(self)
            self._words[self._ENTRIES] += not evicted
            self._words[slot : slot + 2] = memoryview(key).cast("q")
            self._words[slot + self._CHAIN] = self._words[bucket]
            self._words[bucket] = slot
        self._numbers[slot + self._VALUES], self._numbers[slot + self._VALUES + 1] = first, second
        self._link_newest(slot)
        return evicted

    def clear(self) -> int:
        """Remove all entries; returns how many there were."""
        entries = len(self)
        self._reset()
        return entries

    def _reset(self) -> None:
        words = self._words
        words[self._HEADER : self._slots] = memoryview(b"\xff" * 8 * self._buckets).cast("q")  # all _NONE
        words[self._ENTRIES] = 0
        words[self._NEWEST] = words[self._OLDEST] = self._NONE

    def _bucket(self, low: int) -> int:
        return self._HEADER + low % self._buckets

    def _find(self, key: bytes) -> tuple[int, int]:
        """The slot of a key, or _NONE, and the bucket of the key."""
        words = self._words
        low, high = _as_words(key)
        bucket = self._bucket(low)
        slot = words[bucket]
        while slot != self._NONE and (words[slot] != low or words[slot + 1] != high):
            slot = words[slot + self._CHAIN]
        return slot, bucket

    def _evict_oldest(self) -> int:
        """Remove the oldest entry from list and bucket; returns its slot, which is then free."""
        words = self._words
        victim = words[self._OLDEST]
        self._unlink(victim)
        link = self._bucket(words[victim])
        while words[link] != victim:
            link = words[link] + self._CHAIN
        words[link] = words[victim + self._CHAIN]
        return victim

    def _unlink(self, slot: int) -> None:
        words = self._words
        older, newer = words[slot + self._OLDER], words[slot + self._NEWER]
        words[self._OLDEST if older == self._NONE else older + self._NEWER] = newer
        words[self._NEWEST if newer == self._NONE else newer + self._OLDER] = older

    def _link_newest(self, slot: int) -> None:
        words = self._words
        newest = words[self._NEWEST]
        words[slot + self._OLDER], words[slot + self._NEWER] = newest, self._NONE
        words[self._OLDEST if newest == self._NONE else newest + self._NEWER] = slot
        words[self._NEWEST] = slot
