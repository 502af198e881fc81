"""Revisions of a checkout: which one is the base, and the files of any of them."""

import hashlib
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from serving_lab.errors import LabError
from serving_lab.gate.kept import Keeper

_DEFAULT_BRANCHES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
_SHORT = 10


@dataclass(frozen=True)
class Revisions:
    """The revisions of one checkout."""

    root: Path

    def base(self, given: str | None) -> str:
        """Return the commit that is the base: the one that is named, else where this branch left the default one.

        Raises:
            LabError: there is no such commit, or none that the head differs from.
        """
        if given is not None:
            return self._commit(given)
        for branch in _DEFAULT_BRANCHES:
            if self._says("rev-parse", "--verify", "--quiet", f"{branch}^{{commit}}") is None:
                continue
            found = self._says("merge-base", branch, "HEAD")
            if found is None:
                raise LabError(
                    f"{branch} and this branch have no commit in common here",
                    hint="fetch the whole history (actions/checkout: fetch-depth: 0), or name one: --base REF",
                )
            if found != self.head():
                return found
        raise LabError("there is nothing to compare: head is the default branch", hint="name the base: --base REF")

    def head(self) -> str:
        """Return the commit that is the head: the last one, or, with changes to known files, one of what is there now.

        Raises:
            LabError: this is no git checkout, or it has no commit.
        """
        return self._says("stash", "create") or self._commit("HEAD")

    def is_temporary(self, commit: str) -> bool:
        """Return whether a commit is only of what is there now: nobody will ask for it again."""
        return not self._says("for-each-ref", "--count=1", "--contains", commit) and commit != self._commit("HEAD")

    @contextmanager
    def source(self, commit: str, directory: Path, keeper: Keeper, log: Path) -> Iterator[None]:
        """Have the files of a commit in a directory; after it, and when the gate is killed, they are gone.

        Raises:
            LabError: git cannot write them there.
        """
        with keeper.undoing(str(directory), _removing(self.root, directory)):
            command = ["git", "worktree", "add", "--detach", str(directory), commit]
            keeper.run(command, os.environ, self.root, log, hint="git worktree list")
            yield

    def key(self, commit: str, paths: Sequence[str]) -> str:
        """Return what stands for these files of a commit: equal files have the same."""
        trees = [self._says("rev-parse", f"{commit}:{path}") or "" for path in paths]
        return hashlib.sha256(" ".join(trees).encode()).hexdigest()[:_SHORT]

    def _commit(self, ref: str) -> str:
        found = self._says("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        if not found:
            raise LabError(
                f"there is no commit {ref!r} in {self.root}", hint="git fetch (actions/checkout: fetch-depth: 0)"
            )
        return found

    def _says(self, *words: str) -> str | None:
        """What git prints; None where it fails."""
        try:
            done = subprocess.run(  # noqa: S603
                ["git", "-C", str(self.root), *words],  # noqa: S607
                capture_output=True,
                text=True,
                check=False,
            )
        except FileNotFoundError:
            raise LabError("git is not installed", hint="apt-get install git, or gate two URLs") from None
        return done.stdout.strip() if done.returncode == 0 else None


def short(commit: str) -> str:
    """Return a commit as people name it."""
    return commit[:_SHORT]


def _removing(root: Path, source: Path) -> list[str]:
    """What removes a worktree, also one that is half made."""
    script = 'git -C "$1" worktree remove --force "$2"; rm -rf "$2"; git -C "$1" worktree prune'
    return ["sh", "-c", script, "sh", str(root), str(source)]
