"""What the dashboards' queries make of three services: promtool evaluates them over series that are written here."""

import json
import subprocess
from pathlib import Path

import pytest
from support.dashboards import OF_SERVICE, panel_queries
from support.prometheus import PROMETHEUS_DIR, promtool

NAMES = ("old-api", "new-api", "third-api")
LABELS = {
    "old-api": 'service="old-api", label="Old", role="baseline"',
    "new-api": 'service="new-api", label="New", role="candidate"',
    "third-api": 'service="third-api", label="Third", role="candidate"',
}
RATIO = "{{label}} / {{baseline}}: {{verdict}}"
QUERIES = {
    (query.panel, query.legend): query.expression
    for query in panel_queries(NAMES)
    if query.dashboard in {"side-by-side", "generator"}
}
Values = dict[str, float]


def evaluate(directory: Path, series: dict[str, str], expression: str, expected: Values) -> None:
    """Fail unless the expression has these values, by labels, after a minute of these series."""
    document = {
        "rule_files": [str(path) for path in sorted((PROMETHEUS_DIR / "rules").glob("*.yml"))],
        "evaluation_interval": "2s",
        "tests": [
            {
                "interval": "2s",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": [
                    {
                        "expr": expression,
                        "eval_time": "60s",
                        "exp_samples": [{"labels": labels, "value": value} for labels, value in expected.items()],
                    }
                ],
            }
        ],
    }
    path = directory / "test.yml"
    path.write_text(json.dumps(document))  # which is YAML, too
    test = subprocess.run([promtool(), "test", "rules", path], capture_output=True, text=True, check=False)
    assert test.returncode == 0, test.stdout + test.stderr


def requests(**rates: int) -> dict[str, str]:
    """Series of services that are up and answer this many requests in two seconds."""
    return {
        series: values
        for name in NAMES
        for series, values in (
            (f"up{{{LABELS[name]}}}", "1x40"),
            (
                f'http_requests_total{{{LABELS[name]}, handler="/predict", status="200"}}',
                f"0+{rates.get(name.partition('-')[0], 0)}x40",
            ),
        )
    }


def test_each_candidate_is_divided_by_the_baseline_under_both_names(tmp_path: Path) -> None:
    evaluate(
        tmp_path,
        requests(old=100, new=190, third=60),
        QUERIES["Throughput ratio", RATIO],
        {
            f'{{{LABELS["new-api"]}, baseline="Old", verdict="better"}}': 1.9,
            f'{{{LABELS["third-api"]}, baseline="Old", verdict="worse"}}': 0.6,
        },
    )


def test_a_candidate_without_traffic_is_nothing_of_the_baseline(tmp_path: Path) -> None:
    evaluate(
        tmp_path,
        requests(old=100, new=190),
        QUERIES["Throughput ratio", RATIO],
        {
            f'{{{LABELS["new-api"]}, baseline="Old", verdict="better"}}': 1.9,
            f'{{{LABELS["third-api"]}, baseline="Old", verdict="worse"}}': 0,
        },
    )


@pytest.mark.parametrize("panel", ["Throughput ratio", "Latency P99 ratio", "CPU cost ratio"])
def test_no_candidate_has_a_ratio_to_an_idle_baseline_but_each_is_shown(tmp_path: Path, panel: str) -> None:
    ratio = QUERIES[panel, RATIO]

    # What is not a number is not equal to itself.
    evaluate(tmp_path, requests(new=190, third=60), f"count(({ratio}) != ({ratio}))", {"{}": 2})


def test_a_service_that_locust_has_not_asked_yet_is_drawn_at_zero(tmp_path: Path) -> None:
    asked = {f'locust_requests_total{{{LABELS["new-api"]}, name="new-api /predict"}}': "0+20x40"}

    evaluate(
        tmp_path,
        requests() | asked,
        QUERIES["Rate", OF_SERVICE],
        {f"{{{LABELS['old-api']}}}": 0, f"{{{LABELS['new-api']}}}": 10, f"{{{LABELS['third-api']}}}": 0},
    )


def conditions(**workers: int) -> dict[str, str]:
    """Series of three services that are up, of which these say how many workers they have."""
    stated = {f"{name}-api": number for name, number in workers.items()}
    return {f"up{{{labels}}}": "1x40" for labels in LABELS.values()} | {
        f'service_info{{{LABELS[name]}, python="3.13", workers="{number}", model_sha256="ab"}}': "1x40"
        for name, number in stated.items()
    }


@pytest.mark.parametrize(
    ("workers", "expected"),
    [
        ({"old": 2, "new": 2, "third": 2}, 1),  # equal
        ({"old": 2, "new": 2, "third": 4}, 2),  # not comparable
        ({"old": 2, "new": 2}, 0),  # waiting for all
    ],
    ids=["equal", "one differs", "one not read"],
)
def test_the_comparison_is_fair_where_all_that_are_scraped_agree(
    tmp_path: Path, workers: dict[str, int], expected: int
) -> None:
    evaluate(tmp_path, conditions(**workers), QUERIES["Is the comparison fair?", "conditions"], {"{}": expected})


def test_the_table_of_conditions_has_a_column_for_each_service_and_a_verdict(tmp_path: Path) -> None:
    cells: Values = {
        f'{{condition="Workers", label="{label}", value="{value}"}}': 1
        for label, value in (("Old", "2"), ("New", "2"), ("Third", "4"))
    }

    of_workers = 'label_replace(vector(1), "condition", "Workers", "", "")'

    evaluate(
        tmp_path,
        conditions(old=2, new=2, third=4),
        f"({QUERIES['Conditions', '__auto']}) and on (condition) {of_workers}",
        cells | {'{condition="Workers", label="Verdict", value="DIFFERS"}': 2},
    )
