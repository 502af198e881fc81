"""An explanation in the report: tables that say it, and a flame graph that needs no network."""

import base64
import hashlib
import json
import re

import msgspec
from made.explanation import make_explanation, with_explanation
from made.simulated import make_win
from serving_lab.explain.records import Explanation
from serving_lab.report import markdown, page
from serving_lab.report.document import Document
from serving_lab.report.inputs import ReportInputs

HOSTILE = "</script><script>alert('x')"


def made(missing: str | None = None) -> Explanation:
    explanation = make_explanation([target.name for target in make_win().targets], missing=missing)
    hostile = [
        msgspec.structs.replace(
            each, flames=msgspec.structs.replace(each.flames, names=[HOSTILE, *each.flames.names[1:]])
        )
        for each in explanation.candidates
    ]
    return msgspec.structs.replace(explanation, candidates=hostile)


def rendered(explanation: Explanation) -> tuple[str, str]:
    document = Document.of(ReportInputs(with_explanation(make_win(), explanation)))
    return page.render(document), markdown.render(document)


def test_page_and_document_name_the_function_with_its_interval_and_the_cost() -> None:
    html, text = rendered(made())

    for said in (html, text):
        for told in ("work", "app.py:9", "3.0% fewer requests/s", "4.0% more CPU time for a request"):
            assert told in said
    assert re.search(r"\| work \(app.py:9\) \| [\d.]+ µs \| [\d.]+ µs \| \*\*\+[\d.]+ µs\*\* \|", text)


def test_only_the_scripts_of_the_page_may_run_and_names_of_functions_do_not() -> None:
    html, _ = rendered(made())

    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    run = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in run]
    assert len(run) == 2
    assert re.findall(r"'sha256-([^']*)'", policy[1]) == hashes
    assert HOSTILE not in html
    (data,) = re.findall(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)
    assert json.loads(data)["names"][0] == HOSTILE


def test_what_is_missing_is_said_and_the_page_has_no_script() -> None:
    html, text = rendered(made(missing="old: it is no Python process that py-spy knows"))

    assert "it is no Python process" in html
    assert "it is no Python process" in text
    assert "<script" not in html
