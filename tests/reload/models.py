"""A store of models as model-sync writes it, and models to put into it."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from model_artifact.store import Store
from support.artifacts import write_model

ALIAS = "champion"


@dataclass(frozen=True)
class Models:
    """The store's directory, and beside it the models that were made."""

    root: Path

    @property
    def store(self) -> Store:
        """What services read."""
        return Store(self.root / "store")

    def make(self, version: str, seed: int) -> Path:
        """Train a small model that answers otherwise than those of other seeds."""
        return write_model(self.root / "made" / version, version=version, seed=seed)

    def serve(self, directory: Path) -> None:
        """Lay a model down, and let the alias stand for it."""
        self.point_to(self.store.lay_down(directory))

    def point_to(self, name: str) -> None:
        """Let the alias stand for a model that was laid down."""
        self.store.point(ALIAS, name)

    def serve_unverified(self, directory: Path) -> Path:
        """Do so with files that a store refuses; returns where they are."""
        name = hashlib.sha256((directory / "model.json").read_bytes()).hexdigest()
        target = self.store.root / "versions" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(directory, target)
        self.point_to(name)
        return target
