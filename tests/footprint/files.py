"""Footprint files and descriptions of the small service, and the command run on them."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

SERVICE = Path(__file__).parent / "service.py"
LAB = Path(sys.executable).parent / "lab"

DESCRIPTION = {
    "sign_in": {"request": {"method": "POST", "path": "/login", "json": {}}, "save": {"token": "$.token"}},
    "authorization": {"Authorization": "Bearer ${token}"},
    "values": {"row": {"row": [{"quantiles": [0, 9]}, {"quantiles": [0, 9]}]}},
    "requests": {
        "predict": {
            "request": {"method": "POST", "path": "/predict", "json": {"features": "${row}"}},
            "expect": {"json": {"$.prediction": "number"}},
            "agree": ["$.prediction"],
        }
    },
    "mixes": {"steady": {"predict": 1}},
}


def target(**planted: object) -> dict[str, Any]:
    """Return a target that is the small service with planted faults, by their settings."""
    environment = {name.upper(): str(value) for name, value in planted.items()}
    return {"command": [sys.executable, str(SERVICE)], "environment": {"PORT": "${port}", **environment}}


def write(folder: Path, targets: Mapping[str, object], **changes: object) -> Path:
    """Write a footprint file with its description, and return where it is; what is changed to None is left out."""
    # Every JSON is YAML.
    (folder / "api.yaml").write_text(json.dumps(DESCRIPTION))
    content = {
        "api": "api.yaml",
        "first": "predict",
        "load": {"mix": "steady", "rate": 50, "connections": 4},
        "targets": targets,
        **changes,
    }
    path = folder / "footprint.yaml"
    path.write_text(json.dumps({name: value for name, value in content.items() if value is not None}))
    return path


def footprint(
    *options: str | Path, cwd: Path, seconds: float = 100, first: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run the command as a person does, begun with `first`."""
    return subprocess.run(
        [*first, LAB, "footprint", *options],
        cwd=cwd,
        env={"PATH": os.environ["PATH"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def running(folder: Path | None = None) -> list[int]:
    """The small services that run: those whose target was planted with this `folder`, else all on this machine."""
    return [process.pid for process in psutil.process_iter() if process.pid != os.getpid() and _is_one(process, folder)]


def _is_one(process: psutil.Process, folder: Path | None) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE or str(SERVICE) not in process.cmdline():
            return False
        return folder is None or process.environ().get("FOLDER") == str(folder)
    except psutil.Error:
        return False
