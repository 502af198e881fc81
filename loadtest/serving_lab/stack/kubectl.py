"""kubectl, which speaks to one cluster: the context it was started for, and the lab's namespace in it."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from serving_lab.errors import LabError

NAMESPACE = "serving-lab"
_HINTS: Mapping[str, str] = {
    r"forbidden|cannot (create|get|list|delete|patch)": "your user may not do this in the cluster: ask who runs it for "
    f"the role `admin` in the namespace {NAMESPACE}, and for the namespace itself",
    r"Unauthorized|must be logged in|provide credentials|exec plugin": "sign in to the cluster again",
    r"refused|no such host|i/o timeout|Unable to connect|was the connection closed|EOF": "is the cluster up, and can "
    "this machine reach it? kubectl cluster-info",
    r"no matches for kind": "the cluster is older than the manifests: 1.31 is needed (docs/kubernetes.md)",
}
"""What to do, by what kubectl says; the first that fits."""
_QUICK_SECONDS = 20


class Kubectl:
    """Runs kubectl with a context."""

    def __init__(self, context: str) -> None:
        self.context = context

    @staticmethod
    def installed() -> str | None:
        """The program; None: it is not on the PATH."""
        return shutil.which("kubectl")

    @staticmethod
    def current_context() -> str | None:
        """The context that kubectl uses by default; None where there is none."""
        found = subprocess.run(["kubectl", "config", "current-context"], capture_output=True, text=True, check=False)  # noqa: S607
        return found.stdout.strip() or None

    def server(self) -> str:
        """Where the cluster of the context answers; empty where its configuration does not say."""
        # What it prints has no keys and passwords: they are replaced.
        shown = self._captured("config", "view", "--minify", "--output", "jsonpath={.clusters[0].cluster.server}")
        return shown.stdout.strip()

    def command(self, *arguments: str) -> list[str]:
        """The words that run it."""
        return ["kubectl", "--context", self.context, "--namespace", NAMESPACE, *arguments]

    def may(self, verb: str, what: str) -> bool:
        """Whether the user of the context may do this in the namespace.

        Raises:
            LabError: the cluster does not say.
        """
        told = self._captured("auth", "can-i", verb, what, f"--request-timeout={_QUICK_SECONDS}s")
        if told.stdout.strip() not in {"yes", "no"}:
            raise self._error(("auth", "can-i"), told.stderr)
        return told.stdout.strip() == "yes"

    def do(self, *arguments: str, given: str | None = None) -> str:
        """Run it, and return what it prints.

        Args:
            arguments: what is done.
            given: its standard input.

        Raises:
            LabError: it fails; the hint says what to do.
        """
        done = self._captured(*arguments, given=given)
        if done.returncode != 0:
            raise self._error(arguments, done.stderr)
        return done.stdout

    def objects(self, *kinds: str) -> list[Mapping[str, Any]]:
        """All objects of these kinds in the namespace.

        Raises:
            LabError: they cannot be read.
        """
        read = ("get", ",".join(kinds), "--output", "json", f"--request-timeout={_QUICK_SECONDS}s")
        found: list[Mapping[str, Any]] = json.loads(self.do(*read))["items"]
        return found

    def shown(self, *arguments: str) -> int:
        """Run it in the terminal; return its exit code."""
        return subprocess.run(self.command(*arguments), check=False).returncode  # noqa: S603

    def _captured(self, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        words = self.command(*arguments)
        return subprocess.run(words, input=given or "", capture_output=True, text=True, check=False)  # noqa: S603

    def _error(self, arguments: Sequence[str], said: str) -> LabError:
        lines = [line for line in said.strip().splitlines() if line.strip()] or ["it does not say why"]
        hint = next((hint for pattern, hint in _HINTS.items() if re.search(pattern, said)), None)
        return LabError(f"kubectl {arguments[0]}, in context {self.context}: {lines[-1].strip()}", hint=hint)
