"""New models while the service runs: sees that an alias stands for another one, and has it tried out before it serves.

All of this is in the arbiter, which answers no requests; the trial is a process of its own, and nobody waits for it.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

from model_artifact.errors import ArtifactError, Reason
from model_artifact.store import Store
from model_artifact.trial import Checking, Trial, try_out
from prometheus_client import Counter

from serving_core.model.predictor import Predictor

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Seen:
    """A directory of a model at one moment; what is laid down again under the same name is another one."""

    directory: Path
    file: int
    changed_ns: int

    @classmethod
    def of(cls, store: Store, alias: str) -> "_Seen | None":
        directory = store.current(alias)
        if directory is None:
            return None
        try:
            status = directory.stat()
        except OSError:
            return None
        return cls(directory, status.st_ino, status.st_mtime_ns)


class ModelUpdates:
    """What an alias of a store stands for, as predictors: each model once, and no model that was refused."""

    def __init__(self, root: Path, alias: str, reloads: Counter) -> None:
        """`reloads` counts by `result`: loaded, refused, failed."""
        self._store = Store(root)
        self._alias = alias
        self._reloads = reloads
        self._seen: _Seen | None = None
        self._refused: set[_Seen] = set()
        self._checking: Checking | None = None
        self._warm: dict[str, Predictor] = {}
        """By digest: the model that serves, the one before it, and one that is about to serve."""
        self._serving = self._wanted = ""

    @property
    def is_checking(self) -> bool:
        """Whether a trial is under way."""
        return self._checking is not None

    def first(self) -> Predictor | None:
        """What the alias stands for when the service starts; nothing if that cannot be used. Waits for its trial."""
        seen = self._seen = _Seen.of(self._store, self._alias)
        if seen is None:
            _logger.info("model: %s has no %s yet", self._store.root, self._alias)
            return None
        try:
            return _load(seen.directory, try_out(seen.directory))
        except (ArtifactError, OSError) as error:
            self._refuse(seen, error)
            return None

    def poll(self) -> Predictor | None:
        """The model that is to serve from now on, once for each change of mind; nothing as long as there is none.

        A trial that is under way ends when the alias stands for another model: the last one counts.
        """
        seen = _Seen.of(self._store, self._alias)
        if seen != self._seen:
            self._seen = seen
            self.close()
            if seen:
                return self._turn_to(seen)
        elif seen and self._checking:
            return self._look_at_trial(seen, self._checking)
        return None

    def serves(self, predictor: Predictor) -> None:
        """Take note that a model has taken over; the one before it stays loaded, so that it can come back at once."""
        if self._serving not in ("", predictor.digest):
            self._reloads.labels("loaded").inc()
        self._warm = {digest: self._warm[digest] for digest in (self._serving, self._wanted) if digest in self._warm}
        self._warm[predictor.digest] = predictor
        self._serving = predictor.digest
        self._wanted = self._wanted or predictor.digest

    def gave_up(self, predictor: Predictor) -> None:
        """Take note that no workers start with a model."""
        self._reloads.labels("failed").inc()
        if self._wanted == predictor.digest != self._serving:
            self._wanted = self._serving
            if self._seen:
                self._refused.add(self._seen)

    def try_again(self) -> None:
        """Forget what was refused."""
        self._refused.clear()
        self._seen = None

    def close(self) -> None:
        """End a trial that is under way."""
        if self._checking:
            self._checking.kill()
            self._checking = None

    def _turn_to(self, seen: _Seen) -> Predictor | None:
        digest = seen.directory.name
        if seen in self._refused or digest == self._wanted:
            return None
        if warm := self._warm.get(digest):
            self._wanted = digest
            return warm
        try:
            self._checking = Checking(seen.directory)
        except OSError as error:
            self._refuse(seen, error)
        return None

    def _look_at_trial(self, seen: _Seen, checking: Checking) -> Predictor | None:
        try:
            trial = checking.poll()
            if trial is None:
                return None
            predictor = _load(seen.directory, trial)
        except ArtifactError as error:
            self._checking = None
            self._refuse(seen, error)
            return None
        self._checking = None
        self._wanted = predictor.digest
        self._warm[predictor.digest] = predictor
        return predictor

    def _refuse(self, seen: _Seen, error: ArtifactError | OSError) -> None:
        self._refused.add(seen)
        self._reloads.labels("refused").inc()
        reason = error.reason if isinstance(error, ArtifactError) else "no trial"
        _logger.error("model: %s is refused, %s: %s", seen.directory, reason, error)


def _load(directory: Path, trial: Trial) -> Predictor:
    """Load what was tried out.

    Raises:
        ArtifactError: it is not that any more, or not what the directory is named after.
    """
    predictor = Predictor(directory)
    if not predictor.digest == trial.digest == directory.name:
        raise ArtifactError(Reason.DIGEST, f"its model.json has the sha256 {predictor.digest}")
    return predictor
