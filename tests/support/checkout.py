"""A checkout of one's own to bring the lab up in, on ports nobody uses."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.services import CATALOGUE, free_port

REPOSITORY = Path(__file__).parents[2]
PORT_SETTINGS = (
    *(entry.port_setting for entry in CATALOGUE.entries),
    "LOCUST_PORT",
    "PROMETHEUS_PORT",
    "GRAFANA_PORT",
    "GATEWAY_PORT",
    "GATEWAY_METRICS_PORT",
    "GATEWAY_CONTROL_PORT",
    "REGISTRY_PORT",
    "MODEL_SYNC_PORT",
)
_LEFT_BEHIND = shutil.ignore_patterns(
    ".git",
    ".venv",
    ".env",
    ".env.*[!e]",
    ".secrets-*",
    ".run",
    ".tools",
    ".*_cache",
    ".hypothesis",
    "__pycache__",
    "build",
    "node_modules",
    "tests",
)


_SHORT = frozenset({"cache", "login", "system"})


@dataclass(frozen=True)
class Checkout:
    """A copy of the repository and the environment its commands run in."""

    root: Path
    environment: dict[str, str]

    def lab(self, *arguments: str, seconds: float = 120, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the lab's command line in the copy, as installed in the environment of these tests."""
        command = [str(Path(sys.executable).parent / "lab"), *arguments]
        return subprocess.run(
            command,
            cwd=self.root,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    @contextlib.contextmanager
    def half_restarted(self, service: str) -> Iterator[subprocess.Popen[bytes]]:
        """Begin to restart a service; yield the command when its second instance answers."""
        command = [str(Path(sys.executable).parent / "lab"), "restart", service]
        with subprocess.Popen(
            command, cwd=self.root, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdout
            assert any(b"answers while" in line for line in process.stdout)
            yield process


def odd_ports() -> dict[str, str]:
    """Return a free port for each port setting."""
    ports: set[int] = set()
    while len(ports) < len(PORT_SETTINGS):
        ports.add(free_port())
    return dict(zip(PORT_SETTINGS, map(str, ports), strict=True))


ODD = "100% of a,b #1"
"""A directory as people name them: programs take each of these signs for something else."""


def new_checkout(target: Path, model_dir: Path | None = None) -> Checkout:
    """Return a copy of the repository, with ports of its own and without this process's settings.

    A model that is given is there as if it were trained already.
    """
    shutil.copytree(REPOSITORY, target, ignore=_LEFT_BEHIND)
    if model_dir:
        shutil.copytree(model_dir, target / "build" / "model", copy_function=shutil.copyfile)
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return Checkout(target, inherited | odd_ports())


def shorten_corpus(loadtest: Path) -> None:
    """Leave a part of the corpus of `lab parity`, for tests of where it runs.

    tests/parity/test_services.py sends all of it to the same programs.
    """
    for path in (loadtest / "parity" / "corpus").glob("*.yaml"):
        if path.stem not in _SHORT:
            path.unlink()
