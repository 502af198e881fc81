"""The engine's command line, as the measurements use it."""

import json
import subprocess
from collections.abc import Mapping
from typing import Any

from serving_lab.errors import LabError

_SECONDS = 120.0


def docker(*arguments: str, environment: Mapping[str, str] | None = None, check: bool = True) -> str:
    """Run a docker command and return what it prints.

    Raises:
        LabError: it fails and `check` is set, or takes longer than two minutes.
    """
    try:
        # A session of its own: Ctrl-C must not end the command that removes a container.
        result = subprocess.run(  # noqa: S603
            ["docker", *arguments],  # noqa: S607
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise LabError("there is no docker command here", hint="make engine") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"docker {arguments[0]} does not end", hint="restart the engine") from None
    if check and result.returncode != 0:
        said = (result.stderr.strip() or result.stdout.strip()).splitlines() or ["it does not say why"]
        raise LabError(f"docker {arguments[0]}: {said[-1]}", hint="docker ps, docker images")
    return result.stdout


def inspected(kind: str, name: str) -> dict[str, Any]:
    """Return what the engine knows of an image or a container.

    Raises:
        LabError: it has none of this name.
    """
    try:
        (found,) = json.loads(docker(kind, "inspect", name))
    except LabError as error:
        if "No such" not in str(error):
            raise
        raise LabError(f"the engine has no {kind} {name}", hint=f"docker pull {name}, or make build") from None
    assert isinstance(found, dict)  # noqa: S101 - it describes one object
    return found
