"""A directory of models, as model-sync writes it and services read it.

STORE/versions/NAME has the files of a model that a service needs. NAME is the sha256 of its model.json, which has the
digests of the others. STORE/ALIAS is a relative symbolic link to one of them. Both appear whole: under another name
first, written through to the disk, and then renamed.
"""

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from model_artifact import files
from model_artifact.structure import check_structure

_VERSIONS = "versions"
_UNFINISHED = ".unfinished-"
_NAME = re.compile(r"[0-9a-f]{64}")
_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Store:
    """The directory; it need not be there before something is laid down in it. One process writes at a time."""

    root: Path

    def lay_down(self, source: Path) -> str:
        """Copy the model in `source`, if it is not there yet; returns its name for `point`.

        Raises:
            ArtifactError: the files do not belong together, or the graph's structure is refused.
            OSError: it cannot be written.
        """
        artifact = files.read(source)
        check_structure(artifact.graph)
        versions = self.root / _VERSIONS
        versions.mkdir(parents=True, exist_ok=True)
        target = versions / artifact.digest
        if target.exists():
            return artifact.digest
        unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=versions))
        try:
            unfinished.chmod(0o755)  # other users run the services
            for name in files.SERVICE_FILES:
                _write(unfinished / name, files.read_bytes(source, name, files.MAX_GRAPH_BYTES))
            # Verified once more: what was read before may have been replaced meanwhile.
            if files.read(unfinished).digest != artifact.digest:
                raise OSError(f"{source} was changed while it was read")
            _sync(unfinished)
            unfinished.rename(target)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        _sync(versions)
        return artifact.digest

    def point(self, alias: str, name: str) -> None:
        """Let an alias stand for a model that was laid down.

        Raises:
            ValueError: the alias is not letters, digits, `_` and `-`, or is `versions`; or that is no name of a model.
            FileNotFoundError: there is no such model.
        """
        if not _ALIAS.fullmatch(alias) or alias == _VERSIONS:
            raise ValueError(f"not a name for an alias: {alias!r}")
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a name of a model: {name!r}")
        target = Path(_VERSIONS, name)
        (self.root / target / files.METADATA).stat()
        link = self.root / f"{_UNFINISHED}{alias}"
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        link.replace(self.root / alias)
        _sync(self.root)

    def current(self, alias: str) -> Path | None:
        """The directory that an alias stands for, under its own name; nothing if there is none."""
        try:
            target = (self.root / alias).readlink()
        except OSError:
            return None
        directory = self.root / target
        # A link that leads elsewhere is not this class's.
        return directory if target.parent == Path(_VERSIONS) and directory.is_dir() else None

    def prune(self, keep: int) -> None:
        """Remove all models but those of aliases and the `keep` newest others, and what was never finished."""
        versions = self.root / _VERSIONS
        if not versions.is_dir():
            return
        used = {link.readlink().name for link in self.root.iterdir() if link.is_symlink()}
        others = [path for path in versions.iterdir() if path.name not in used]
        finished = [path for path in others if not path.name.startswith(_UNFINISHED)]
        kept = sorted(finished, key=lambda path: path.stat().st_mtime_ns, reverse=True)[:keep]
        for path in set(others) - set(kept):
            # Renamed first: a reader finds all of it or nothing.
            gone = path.rename(versions / f"{_UNFINISHED}{path.name}")
            shutil.rmtree(gone, ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    """Write the names in a directory through to the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
