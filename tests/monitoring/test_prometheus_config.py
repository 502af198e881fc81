"""The scrape configuration is valid where it is used, and every job has somewhere to go."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS_DIR = ROOT / "monitoring" / "prometheus"
CONTAINER_TARGETS = PROMETHEUS_DIR / "targets" / "containers"


@pytest.fixture(scope="module")
def configuration() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((PROMETHEUS_DIR / "prometheus.yml").read_text())
    return loaded


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_accepts_the_configuration_as_containers_mount_it(tmp_path: Path) -> None:
    shutil.copy(PROMETHEUS_DIR / "prometheus.yml", tmp_path)
    shutil.copytree(CONTAINER_TARGETS, tmp_path / "targets")

    check = subprocess.run(
        ["promtool", "check", "config", tmp_path / "prometheus.yml"], capture_output=True, text=True, check=False
    )

    assert check.returncode == 0, check.stderr
    assert "WARNING" not in check.stdout + check.stderr  # such as a target file that does not exist


def test_every_job_has_targets_in_the_compose_network(configuration: dict[str, Any]) -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    jobs = [job["job_name"] for job in configuration["scrape_configs"]]

    assert jobs == ["flask-api", "fastapi-api", "locust", "prometheus"]
    for job in jobs:
        [group] = json.loads((CONTAINER_TARGETS / f"{job}.json").read_text())
        hosts = {target.partition(":")[0] for target in group["targets"]}
        assert hosts <= {*services, "localhost"}, job


def test_services_are_scraped_every_two_seconds_under_their_label(configuration: dict[str, Any]) -> None:
    labels = {
        job["job_name"]: {rule["target_label"]: rule["replacement"] for rule in job.get("relabel_configs", [])}
        for job in configuration["scrape_configs"]
    }

    assert configuration["global"]["scrape_interval"] == "2s"
    assert labels["flask-api"] == {"service": "flask"}
    assert labels["fastapi-api"] == {"service": "fastapi"}
