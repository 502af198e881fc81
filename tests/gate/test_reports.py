"""What CI systems read of a gate: Markdown, JUnit XML, SARIF."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from made.comparison import make_cause, make_parity
from made.explanation import make_explanation, with_explanation
from made.measurement import MACHINE, slower
from made.simulated import HOSTILE
from markdown_it import MarkdownIt
from serving_lab.errors import LabError
from serving_lab.experiment.fail_if import FailIf
from serving_lab.gate import judgement, junit, sarif, summary
from serving_lab.gate.reports import Reports
from serving_lab.gate.result import Found, GateResult
from serving_lab.inventory.result import Place

ELSEWHERE = Place("api.yaml", 1)


@pytest.fixture(scope="module")
def result() -> GateResult:
    """A gate that found differences and a slowdown."""
    parity = make_parity(verdict="different", causes=[make_cause(), make_cause(kind="header missing", where=HOSTILE)])
    measured = [slower({"fastapi/p50": 1.6, "fastapi/p99": 1.6}, seed) for seed in (1, 2)]
    found = Found(parity=parity, bench=measured[0], confirmation=measured[1])
    gated = judgement.judged("shop", ("old", HOSTILE), found, [FailIf.parse("slower")])
    return GateResult(
        started="2026-11-22T08:00:00+00:00",
        seconds=300.0,
        seed=0,
        machine=MACHINE,
        outcome=gated.outcome,
        sentence=gated.sentence,
        budget_seconds=480.0,
        fail_if=["slower"],
        services=[gated],
    )


def test_the_summary_begins_with_the_verdict_and_shows_what_failed_first(result: GateResult) -> None:
    lines = summary.markdown(result).splitlines()

    assert lines[0] == summary.MARK
    assert lines[1].startswith("## ❌ answers differ: status at POST /predict")
    rows = [line for line in lines if line.startswith("| ") and "|---" not in line][1:]
    signs = [row.split("|")[1].strip() for row in rows]
    assert signs == sorted(signs, key=lambda sign: sign != "❌")
    assert signs.count("❌") == 4


def test_the_summary_says_which_function_makes_the_difference(result: GateResult) -> None:
    (service,) = result.services
    assert service.confirmation is not None
    explained = msgspec.structs.replace(
        service, confirmation=with_explanation(service.confirmation, make_explanation(("base", HOSTILE)))
    )

    text = summary.markdown(msgspec.structs.replace(result, services=[explained]))

    assert "why:" in text
    assert "for a request in work" in text
    assert HOSTILE not in text


def test_the_picture_has_a_bar_for_each_interval_on_one_scale(result: GateResult) -> None:
    block = summary.markdown(result).split("```")[1].splitlines()
    bars = [line for line in block if "━" in line]

    assert len(bars) == 4
    assert len({line.index("│") for line in block if "│" in line}) == 1
    slower_bars = [line for line in bars if "slower:" in line]
    assert len(slower_bars) == 2
    assert all(line.index("━") > line.index("│") for line in slower_bars)


def test_nothing_of_a_service_is_markup_in_the_summary(result: GateResult) -> None:
    html = MarkdownIt("gfm-like", {"linkify": False}).render(summary.markdown(result))

    assert "<script>" not in html
    assert "<img" not in html
    assert "evil.example" not in [part.split('"')[0] for part in html.split('href="')[1:]]


def test_junit_has_a_test_for_each_verdict_and_cause(result: GateResult) -> None:
    root = ET.fromstring(junit.xml(result))  # noqa: S314 - made here
    [suite] = root
    cases = suite.findall("testcase")

    assert len(cases) == int(suite.attrib["tests"]) == int(root.attrib["tests"]) == 6
    failed = [case for case in cases if case.find("failure") is not None]
    assert len(failed) == int(suite.attrib["failures"]) == 4
    assert {case.attrib["classname"] for case in cases} == {"gate.shop.parity", "gate.shop.bench"}


def test_sarif_names_the_line_that_answers(result: GateResult) -> None:
    places = {"shop": {"POST /predict": Place("shop/app.py", 41)}}
    [run] = json.loads(sarif.document(result, places, ELSEWHERE))["runs"]

    assert [each["ruleId"] for each in run["results"]] == ["parity/status", "parity/header-missing"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("shop/app.py", 41)
    assert {each["id"] for each in run["tool"]["driver"]["rules"]} == {each["ruleId"] for each in run["results"]}


def test_sarif_names_the_description_where_no_line_is_known(result: GateResult) -> None:
    [run] = json.loads(sarif.document(result, {}, ELSEWHERE))["runs"]

    uris = {each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in run["results"]}
    assert uris == {"api.yaml"}


def test_the_same_cause_is_the_same_alert_in_another_run(result: GateResult) -> None:
    again = msgspec.structs.replace(result, seed=9, seconds=1.0)
    prints = [
        [each["partialFingerprints"] for each in json.loads(sarif.document(of, {}, ELSEWHERE))["runs"][0]["results"]]
        for of in (result, again)
    ]

    assert prints[0] == prints[1]
    assert prints[0][0] != prints[0][1]


def test_reports_are_written_where_it_is_said(result: GateResult, tmp_path: Path) -> None:
    reports = Reports(tmp_path / "a" / "summary.md", tmp_path / "junit.xml", tmp_path / "gate.sarif")

    reports.check_writable()
    reports.write(result, {}, Path("api.yaml"))

    assert all(path and path.stat().st_size > 100 for path in (reports.summary, reports.junit, reports.sarif))


def test_a_place_that_cannot_be_written_is_said_before_anything_is_measured() -> None:
    with pytest.raises(LabError, match="/dev/null/summary"):
        Reports(summary=Path("/dev/null/summary.md")).check_writable()
