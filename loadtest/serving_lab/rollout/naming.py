"""The operations of live traffic, by the templates of a document or, without one, by what varies in its paths."""

import threading
from collections.abc import Iterable

from serving_lab.documents.operations import Operations, decoded_path
from serving_lab.recordings.path_templates import path_templates

_MOST_PATHS = 2000
_GROWTH = 1.1
"""Templates are looked for again when there are so many times as many paths: each time takes longer."""


class Naming:
    """Names operations; it may be asked from several threads."""

    def __init__(self, documented: Iterable[str] = ()) -> None:
        self._documented = tuple(documented)
        self._paths: set[str] = set()
        self._due = 1.0
        self._lock = threading.Lock()
        self.operations = Operations(self._documented)
        """All that are known."""

    def __call__(self, method: str, target: str) -> str:
        """The operation of a request: `METHOD /path`."""
        path = decoded_path(target)
        if not self.operations.knows(path):
            with self._lock:
                self._learn(path)
        return self.operations.label(method, target)

    def _learn(self, path: str) -> None:
        if path in self._paths or len(self._paths) >= _MOST_PATHS:
            return
        self._paths.add(path)
        if len(self._paths) >= self._due:
            self._due = len(self._paths) * _GROWTH
            self.operations = Operations([*self._documented, *path_templates(self._paths)])
