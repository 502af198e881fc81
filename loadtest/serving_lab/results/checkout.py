"""The checkout that a result was made in: its commit, and whether files were changed since."""

import os
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Checkout:
    """A git checkout, or why it is none."""

    revision: str | None
    """The commit, with `+` if files were changed since; None: unknown."""
    unknown: str | None
    """Why the commit is unknown."""
    committed: datetime | None
    """When the commit was made."""

    @classmethod
    def at(cls, root: Path) -> Self:
        """The checkout that holds a directory."""
        english = {**os.environ, "LC_ALL": "C"}

        def told(*command: str) -> str:
            git = ["git", "-C", str(root), *command]
            return subprocess.run(git, env=english, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603

        try:
            commit, committed = told("show", "--no-patch", "--no-show-signature", "--format=%H %cI", "HEAD").split()
            changed = told("status", "--porcelain", "--untracked-files=no")
        except OSError:
            return cls(None, "git is not installed", None)
        except subprocess.CalledProcessError as error:
            return cls(None, _why(error.stderr, root), None)
        return cls(commit + ("+" if changed else ""), None, datetime.fromisoformat(committed))


def _why(said: str, root: Path) -> str:
    if "dubious ownership" in said:
        # Not read all the same: a checkout's configuration may start programs.
        return f"the checkout belongs to another user (git config --global --add safe.directory {root})"
    if "not a git repository" in said:
        return "no git checkout"
    return (said.strip().splitlines() or ["git does not say why"])[-1]
