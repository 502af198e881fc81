"""The findings of docs/exercise.md: what stands in the old code, and what it and the lab's services answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from support.checkout import REPOSITORY
from support.services import RunningService

from exercise import old_app
from exercise.page import PAGE

CODE = (REPOSITORY / "tests" / "exercise" / "old_app.py").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Finding:
    """A row of the table."""

    pattern: str
    code: str
    body: str
    old: tuple[int, str]
    new: tuple[int, str]


def findings() -> list[Finding]:
    row = re.compile(r"^\| (.+?) \| `(.+?)` \| `(.+?)` \| (\d+) `(.+?)` \| (\d+) `(.+?)` \|$", re.MULTILINE)
    rows = row.findall(PAGE.read_text(encoding="utf-8"))
    return [Finding(name, code, body, (int(a), b), (int(c), d)) for name, code, body, a, b, c, d in rows]


def operations() -> list[str]:
    _, _, section = PAGE.read_text(encoding="utf-8").partition("### Three synchronous operations")
    return re.findall(r"^\| [^|`]+ \| `(.+?)` \| (?:No|Yes)", section.partition("###")[0], re.MULTILINE)


def test_there_are_five_patterns_and_three_operations_and_all_stand_in_the_code() -> None:
    assert len(findings()) == 5
    assert len(operations()) == 3
    assert [code for code in (*(each.code for each in findings()), *operations()) if code not in CODE] == []


@pytest.mark.parametrize("finding", findings(), ids=lambda finding: finding.pattern)
def test_the_old_app_answers_as_the_page_says(finding: Finding) -> None:
    client = old_app.app.test_client()
    token = client.post("/login", json={"username": "admin", "password": "password123"}).get_json()["token"]

    answer = client.post(
        "/predict", data=finding.body, content_type="application/json", headers={"Authorization": token}
    )

    assert answer.status_code == finding.old[0]
    assert finding.old[1] in answer.get_data(as_text=True)


@pytest.mark.service
@pytest.mark.parametrize("finding", findings(), ids=lambda finding: finding.pattern)
def test_the_labs_services_answer_as_the_page_says(
    finding: Finding, baseline: RunningService, services: Mapping[str, RunningService]
) -> None:
    for service in (baseline, services["fastapi-api"]):
        with service.client(service.login()) as client:
            answer = client.post("/predict", content=finding.body, headers={"Content-Type": "application/json"})

        assert (answer.status_code, answer.json()["error"]) == finding.new
