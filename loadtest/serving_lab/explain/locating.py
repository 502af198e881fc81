"""Where the processes of a target are, also of one whose container somebody else has started."""

import subprocess
from dataclasses import replace

from serving_lab.experiment import processes
from serving_lab.experiment.targets import Target
from serving_lab.stack import engine


def located(target: Target) -> Target:
    """Return the target with its first process, if that is one of this machine; else as it is."""
    if target.pid is not None:
        return target
    endpoint = target.endpoint
    try:
        container = engine.serving(endpoint.hostname, endpoint.port if processes.is_here(endpoint) else None)
        return replace(target, pid=engine.pid_here(container)) if container else target
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return target
