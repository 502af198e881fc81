"""Containers are asked when they are there to be asked."""

from pathlib import Path

import pytest
from serving_lab.footprint.containers import ImageLauncher

DOCKER = """#!/bin/sh
case "$1" in
    create) echo its-id ;;
    start) sleep 0.2; touch "HERE/started-$2" ;;
esac
"""


def test_nothing_is_sent_before_the_engine_has_started_the_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "docker"
    docker.write_text(DOCKER.replace("HERE", str(tmp_path)))
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    with ImageLauncher("shop:1", 8080, {}).launch(20_000):
        assert (tmp_path / "started-its-id").exists()
