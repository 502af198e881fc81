"""The scrape configuration is valid where it is used, and every job has somewhere to go."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.prometheus import PROMETHEUS_DIR, promtool

JOBS = ["services", "gateway", "model-sync", "locust", "prometheus"]
RULES_DIR = PROMETHEUS_DIR / "rules"
RULE_TESTS = sorted((PROMETHEUS_DIR / "tests").glob("*.yml"))


@pytest.fixture(scope="module")
def configuration() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((PROMETHEUS_DIR / "prometheus.yml").read_text())
    return loaded


def test_promtool_accepts_the_configuration_as_it_is_used(tmp_path: Path) -> None:
    shutil.copy(PROMETHEUS_DIR / "prometheus.yml", tmp_path)
    shutil.copytree(RULES_DIR, tmp_path / "rules")
    (tmp_path / "targets").mkdir()
    for job in JOBS:
        (tmp_path / "targets" / f"{job}.json").write_text("[]")

    check = subprocess.run(
        [promtool(), "check", "config", "--lint=all", tmp_path / "prometheus.yml"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert check.returncode == 0, check.stderr
    assert "WARNING" not in check.stdout + check.stderr  # such as a target file that does not exist


@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: str(path.stem))
def test_rules_do_what_their_unit_tests_say(path: Path) -> None:
    test = subprocess.run([promtool(), "test", "rules", path], capture_output=True, text=True, check=False)

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
    assert all(set(rule["annotations"]) == {"summary", "description", "runbook"} for rule in alerts.values())
    assert {rule["labels"]["severity"] for rule in alerts.values()} == {"critical", "warning"}


def test_each_job_reads_its_targets_from_a_file_of_its_name(configuration: dict[str, Any]) -> None:
    files = {job["job_name"]: job["file_sd_configs"] for job in configuration["scrape_configs"]}

    assert files == {job: [{"files": [f"targets/{job}.json"]}] for job in JOBS}
    assert configuration["rule_files"] == ["rules/*.yml"]
    assert configuration["global"]["scrape_interval"] == "2s"
