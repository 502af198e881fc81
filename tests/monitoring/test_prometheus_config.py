"""The scrape configuration is valid where it is used, and every job has somewhere to go."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.prometheus import PROMETHEUS_DIR, needs_promtool

ROOT = Path(__file__).resolve().parents[2]
CONTAINER_TARGETS = PROMETHEUS_DIR / "targets" / "containers"
RULES_DIR = PROMETHEUS_DIR / "rules"
RULE_TESTS = sorted((PROMETHEUS_DIR / "tests").glob("*.yml"))


@pytest.fixture(scope="module")
def configuration() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((PROMETHEUS_DIR / "prometheus.yml").read_text())
    return loaded


@needs_promtool
def test_promtool_accepts_the_configuration_as_containers_mount_it(tmp_path: Path) -> None:
    shutil.copy(PROMETHEUS_DIR / "prometheus.yml", tmp_path)
    shutil.copytree(CONTAINER_TARGETS, tmp_path / "targets")
    shutil.copytree(RULES_DIR, tmp_path / "rules")

    check = subprocess.run(
        ["promtool", "check", "config", "--lint=all", tmp_path / "prometheus.yml"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert check.returncode == 0, check.stderr
    assert "WARNING" not in check.stdout + check.stderr  # such as a target file that does not exist


@needs_promtool
@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: str(path.stem))
def test_rules_do_what_their_unit_tests_say(path: Path) -> None:
    test = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True, check=False)

    assert test.returncode == 0, test.stdout + test.stderr


def test_every_alert_has_a_unit_test_and_says_what_to_do() -> None:
    tested = {
        case["alertname"]
        for path in RULE_TESTS
        for test in yaml.safe_load(path.read_text())["tests"]
        for case in test.get("alert_rule_test", [])
        if case["exp_alerts"]
    }
    alerts = {
        rule["alert"]: rule
        for path in sorted(RULES_DIR.glob("*.yml"))
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }

    assert tested == set(alerts)
    assert all(set(rule["annotations"]) == {"summary", "description"} for rule in alerts.values())
    assert {rule["labels"]["severity"] for rule in alerts.values()} == {"critical", "warning"}


def test_containers_mount_everything_the_configuration_names(configuration: dict[str, Any]) -> None:
    mounts = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["prometheus"]["volumes"]

    assert configuration["rule_files"] == ["rules/*.yml"]
    assert "./monitoring/prometheus/rules:/etc/prometheus/rules:ro" in mounts


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
