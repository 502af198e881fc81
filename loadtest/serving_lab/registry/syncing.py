"""Lays down for the services what the registry's aliases stand for; whatever happens, they keep what they have."""

import contextlib
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from model_artifact import files
from model_artifact.errors import ArtifactError
from model_artifact.store import Store
from model_artifact.structure import check_structure

from serving_lab.registry.calls import RegistryError
from serving_lab.registry.fetching import fetch
from serving_lab.registry.mlflow import Registry, Version
from serving_lab.registry.reasons import Reason
from serving_lab.registry.sync_status import Laid, SyncStatus
from serving_lab.text.phrases import visible

PREVIOUS, CHALLENGER = "previous", "challenger"
"""Aliases that are followed besides: what `lab model rollback` goes back to, and what may come next."""
_KEPT = 2
"""Models without an alias that stay on the disk."""
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 60.0
_UNFINISHED = ".fetched-"

_log = logging.getLogger(__name__)


@dataclass
class _Refused:
    """A version that could not be laid down, and when to try again: its files may be mended meanwhile."""

    version: str
    pause_seconds: float
    again: float


class Sync:
    """What is known between two looks at the registry."""

    def __init__(
        self,
        registry: Registry,
        store: Store,
        aliases: Sequence[str],
        status: SyncStatus,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with what is in the store already.

        Args:
            registry: What is asked.
            store: Where models are laid down; nobody else writes there.
            aliases: Those that are followed.
            status: Where it is noted how it goes.
            clock: Seconds, for the pauses between attempts.
        """
        self._registry = registry
        self._store = store
        self._aliases = aliases
        self._status = status
        self._clock = clock
        self._versions: dict[str, Version] = {}
        self._refused: dict[str, _Refused] = {}
        self._said: dict[str, str] = {}
        for left in store.root.glob(f"{_UNFINISHED}*"):
            shutil.rmtree(left, ignore_errors=True)
        store.prune(_KEPT)
        for alias in aliases:
            self._note(alias)

    def step(self) -> None:
        """Ask the registry once, and follow it as far as that works."""
        try:
            wanted = self._registry.aliases()
        except RegistryError as error:
            self._status.failed(error.reason)
            self._status.unreachable()
            self._say("", logging.WARNING, f"{error}; the services keep what they have")
            return
        self._say("", logging.INFO, f"the registry at {self._registry.calls.url} answers")
        followed = [self._follow(alias, wanted.get(alias)) for alias in self._aliases]
        self._status.answered(all_followed=all(followed))

    def _follow(self, alias: str, number: str | None) -> bool:
        if number is None:
            self._status.is_followed(alias, True)
            return True
        refused = self._refused.get(alias)
        if refused and refused.version == number and self._clock() < refused.again:
            return False
        try:
            self._lay_down(alias, self._version(number))
        except (RegistryError, ArtifactError) as error:
            self._refuse(alias, number, error.reason, str(error))
            return False
        except OSError as error:
            self._refuse(alias, number, Reason.DISK, f"{error.filename or self._store.root}: {error.strerror or error}")
            return False
        self._refused.pop(alias, None)
        self._status.is_followed(alias, True)
        return True

    def _version(self, number: str) -> Version:
        if number not in self._versions:
            self._versions[number] = self._registry.version(number)
        return self._versions[number]

    def _lay_down(self, alias: str, version: Version) -> None:
        current = self._store.current(alias)
        if current is None or current.name != version.artifact:
            try:
                self._store.point(alias, version.artifact)
            except FileNotFoundError:
                self._fetch(version)
                self._store.point(alias, version.artifact)
            self._store.prune(_KEPT)
        elif self._status.is_laid(alias, version.version):
            return
        self._note(alias, version.version)

    def _fetch(self, version: Version) -> None:
        with self._directory() as directory:
            artifact = fetch(self._registry, version, directory)
            check_structure(artifact.graph)
            self._check_signature(artifact)
            self._store.lay_down(directory)

    def _check_signature(self, artifact: files.Artifact) -> None:
        """Compare with what serves: a model of another signature would answer, and every answer would be wrong."""
        serving = self._store.current(self._aliases[0])
        if serving is None:
            return
        now = files.read(serving).metadata
        for what, old, new in (
            ("features", now.feature_names, artifact.metadata.feature_names),
            ("input and output", now.signature, artifact.metadata.signature),
        ):
            if old != new:
                raise RegistryError(Reason.SIGNATURE, f"its {what} are {new}, and those of what serves are {old}")

    @contextlib.contextmanager
    def _directory(self) -> Iterator[Path]:
        """A directory on the disk of the store, for as long as it is needed."""
        self._store.root.mkdir(parents=True, exist_ok=True)
        directory = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self._store.root))
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def _refuse(self, alias: str, number: str, reason: str, why: str) -> None:
        self._versions.pop(number, None)
        before = self._refused.get(alias)
        pause = _FIRST_PAUSE_SECONDS
        if before and before.version == number:
            pause = min(2 * before.pause_seconds, _LONGEST_PAUSE_SECONDS)
        self._refused[alias] = _Refused(number, pause, self._clock() + pause)
        self._status.failed(reason)
        self._status.is_followed(alias, False)
        self._say(
            alias, logging.WARNING, f"{alias}: version {number} is refused ({reason}): {why}; {self._kept(alias)}"
        )

    def _kept(self, alias: str) -> str:
        current = self._store.current(alias)
        return f"{current.name[:12]} stays" if current else "there is nothing for it yet"

    def _note(self, alias: str, number: str = "") -> None:
        """Note what an alias stands for in the store, and the registry's number of it if that is known."""
        current = self._store.current(alias)
        if current is None:
            return
        try:
            metadata = files.read(current).metadata
        except ArtifactError as error:
            # The services find the same, and keep what they run.
            self._say(alias, logging.ERROR, f"{alias}: what is laid down is damaged: {error}")
            shutil.rmtree(current, ignore_errors=True)
            return
        self._status.lies(alias, Laid(number, current.name, metadata.sha256))
        self._say(
            alias,
            logging.INFO,
            f"{alias} is version {number or 'unknown'}: model {metadata.version} {metadata.model_type}, "
            f"sha256 {metadata.sha256[:12]}",
        )

    def _say(self, subject: str, level: int, text: str) -> None:
        """Write a line, unless it was the last one of its subject."""
        if self._said.get(subject) != text:
            self._said[subject] = text
            _log.log(level, "%s", visible(text))
