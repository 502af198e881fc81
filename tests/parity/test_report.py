"""The report as a file: everything that the result knows, nothing that a browser would obey."""

import itertools
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from time import process_time

import jwt
import msgspec
import pytest
import yaml
from made.comparison import (
    CANDIDATE,
    HOSTILE,
    PRIMARY,
    make_cannot_tell,
    make_cause,
    make_different,
    make_example,
    make_intended,
    make_many,
    make_parity,
)
from serving_lab.api.endpoint import Endpoint
from serving_lab.errors import LabError
from serving_lab.parity.inputs.intended import read_intended
from serving_lab.parity.inputs.profile import Profile
from serving_lab.parity.judgement.difference import Difference, DifferenceKind
from serving_lab.parity.plan import ParityPlan
from serving_lab.parity.reporting.acceptance import declaration
from serving_lab.parity.reporting.report import render, side_by_side, write_html
from serving_lab.parity.result import ParityResult, Sent
from serving_lab.wire.message import Ending
from support.checkout import REPOSITORY
from support.fake_server import Asked, Says, fake_server

from parity.comparing import result_of_comparing

VOID = {"meta", "link", "br"}


class Page(HTMLParser):
    """The text, tags and attributes of a page; a tag closed that was not opened is an error."""

    def __init__(self, result: ParityResult) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.marked: list[str] = []
        self.source = render(result)
        self.feed(self.source)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)
        if "mark" in self.open:
            self.marked.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


def test_a_manager_finds_verdict_extent_and_certainty() -> None:
    text = Page(make_parity()).text

    for told in (
        "Verdict Same 10,000 requests were answered alike, but for 2 declared differences.",
        f"Primary {PRIMARY} gunicorn",
        f"Candidate {CANDIDATE} uvicorn",
        "Requests 10,000 to 2 operations 612 from the corpus",
        "A difference that shows in 1 of 3,338 requests would have been seen with 95% probability.",
        "For one operation alone it is less: 1 of 2,336 for POST /predict, 1 of 1,002 for GET /health.",
        "POST /predict 7,000 0 1 of 2,336 GET /health 3,000 0 1 of 1,002",
        "$.timestamp GET /health 200 ISO 8601 time such as 2026; found only while comparing",
        "Seed 7",
        "3 min 12 s",
    ):
        assert told in text
    assert "Differences:" not in text


def test_an_engineer_finds_both_answers_the_lines_and_what_else_is_known() -> None:
    page = Page(make_different(make_cause()))

    for told in (
        "Different",
        "Differences: 1 cause",
        "900 of 1,200 requests",
        "401 → 403",
        "At POST /predict (850), GET /cache/stats (50).",
        "The smallest example was sent again 5 times, it showed each time.",
        "With it: header missing: www-authenticate; content type.",
        make_example().primary_command,
        make_example().candidate_command,
        "TOKEN=$(curl -sS http://127.0.0.1:8000/login)",
    ):
        assert told in page.text
    assert page.marked == ["401", "www-authenticate: Bearer", "403"]


def test_without_a_verdict_it_does_not_look_like_one() -> None:
    page = Page(make_cannot_tell())

    assert "Cannot tell The candidate does not answer" in page.text
    assert "This does not prove parity" in page.text
    assert "Warning: Stopped after 31 requests." in page.text
    assert ("class", "card verdict cannot-tell") in page.attributes


def test_where_nobody_was_let_in_the_page_says_so_beside_the_verdict() -> None:
    closed = Sent(request="GET /b", count=9, differing=0, detectable_rate=0.3, primary_statuses={"401": 9})
    warnings = [f"GET /{number} never answered 2xx" for number in range(9)]

    page = Page(make_parity(operations=[closed], unsuccessful=["GET /b"], warnings=warnings))

    assert "Same as far as anybody was let in" in page.text
    assert "What 1 operation answers when all is right was not seen" in page.text
    assert "401:9" in page.text
    assert ("class", "card verdict same") not in page.attributes
    assert page.text.count("never answered 2xx") == 9
    assert "4 more warnings" in page.text


def test_stale_declarations_stand_out_with_their_reason() -> None:
    stale = make_intended(reason="Old habit", count=0, tried=44)

    text = Page(make_parity(intended=[make_intended(), stale])).text

    assert "GET /docs Old habit stale in 44" in text
    assert "Stale: the declared difference was looked for" in text
    assert "Stale:" not in Page(make_parity()).text


def test_nothing_that_a_service_said_is_obeyed() -> None:
    page = Page(make_many())

    assert "script" not in page.tags
    assert "img" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert page.text.count("<script>alert('x')</script>") > 100
    assert "\u202e" not in page.source
    assert page.source.count("\\u202e") > 20


def test_it_asks_nothing_of_any_network() -> None:
    page = Page(make_many())

    assert not re.findall(r"(?:src|href)=\"(?!#|data:)", page.source)
    assert "url(" not in page.source
    assert "@import" not in page.source


def test_megabytes_and_many_causes_stay_a_page() -> None:
    example = make_example(
        primary_command="curl " + "x" * (1 << 20),
        primary_answer="200\n\n" + "[1.5, " * (1 << 18),
        candidate_answer="200\n\n" + "[1.25, " * (1 << 18),
    )
    used = process_time()

    page = Page(make_different(*[make_cause(example=example)] * 10))

    assert process_time() - used < 10
    assert len(page.source) < 3_000_000
    assert "# 1,048,581 characters long: it is in the JSON result" in page.text


def test_each_cause_can_be_linked_to_and_has_the_headings_of_its_place() -> None:
    page = Page(make_many())
    anchors = {value for name, value in page.attributes if name == "id"}
    links = {value.removeprefix("#") for name, value in page.attributes if name == "href" and value.startswith("#")}

    assert links == {f"cause-{number}" for number in range(1, 26)}
    assert links < anchors
    assert page.tags.count("h1") == 1
    assert page.tags.count("h3") == 26
    assert ("scope", "col") in page.attributes
    assert ("lang", "en") in page.attributes


@pytest.mark.parametrize("cause", make_many(10).causes, ids=lambda cause: f"{cause.kind} {cause.where[:20]}")
def test_the_yaml_of_a_cause_declares_it(tmp_path: Path, cause: object) -> None:
    entries = yaml.safe_load(declaration(cause))  # type: ignore[arg-type]
    for entry in entries:
        entry["reason"] = "it is meant"
    file = tmp_path / "intended.yaml"
    file.write_text(yaml.safe_dump(entries))

    declared = read_intended(file, {})

    shown = Difference(DifferenceKind(cause.kind), cause.where, cause.primary, cause.candidate)  # type: ignore[attr-defined]
    operations = list(cause.operations)  # type: ignore[attr-defined]
    assert [one.request for one in declared] == operations
    assert all(one.declares(operation, shown) for one, operation in zip(declared, operations, strict=True))
    assert not any(one.declares("GET /other", shown) for one in declared)


def test_the_yaml_keeps_what_yaml_would_take_for_something_else() -> None:
    cause = make_cause(primary="no", candidate="401 # 'a': \"b\"\u2028\u202e", operations={"* /docs": 1})

    text = declaration(cause)

    assert yaml.safe_load(text) == [
        {"reason": "", "request": "[*] /docs", "kind": "status", "where": "status"}
        | {"primary": "no", "candidate": cause.candidate}
    ]
    assert text.replace("\n", "").isprintable()


def test_the_yaml_has_words_where_a_fresh_result_has_members_of_an_enumeration() -> None:
    cause = make_cause(kind=DifferenceKind.CONNECTION, where="connection", primary=Ending.CLOSED, candidate=Ending.KEPT)

    assert yaml.safe_load(declaration(cause))[0]["candidate"] == "kept open"


def test_a_declaration_without_its_reason_is_not_accepted(tmp_path: Path) -> None:
    file = tmp_path / "intended.yaml"
    file.write_text(declaration(make_cause()))

    with pytest.raises(LabError, match="reason"):
        read_intended(file, {})


def test_numbers_that_change_are_left_open_in_the_yaml() -> None:
    entry = yaml.safe_load(declaration(make_cause(kind="number", where="$.prediction")))[0]

    assert "primary" not in entry
    assert "candidate" not in entry


def test_what_differs_is_marked_by_header_and_by_word_and_noise_is_not() -> None:
    primary = '200\ndate: Mon\na: 1\nb: 2\n\n{"x": 1.0, "time": "10:00", "rows": [{"y": "old word"}]}'
    candidate = '200\nb: 2\na: 3\ndate: Tue\n\n{"x": 1, "time": "10:01", "rows": [{"y": "new word"}]}'

    left, right = side_by_side(primary, candidate, frozenset({"header date", "$.time"}))

    assert [piece.text for piece in left if piece.mark == "differs"] == ["a: 1", ".0", "old"]
    assert [piece.text for piece in right if piece.mark == "differs"] == ["a: 3", "new"]
    assert [piece.text.strip() for piece in left if piece.mark == "noise"] == ["date: Mon", '"time": "10:00",']


def test_how_an_exchange_ended_is_told_below_the_answer_and_marked_where_it_differs() -> None:
    left, right = side_by_side('200\n\n{"a":1}\n\n(kept open)', "(timed out)", frozenset())
    same, _ = side_by_side("200\n\n(kept open)", "404\n\n(kept open)", frozenset())

    assert (left[-1].text, left[-1].mark) == ("(kept open)", "differs")
    assert [(piece.text.strip(), piece.mark) for piece in right] == [("", ""), ("(timed out)", "differs")]
    assert (same[-1].text, same[-1].mark) == ("(kept open)", "")


def test_a_cause_at_hundreds_of_operations_names_a_few_and_keeps_the_rest_folded() -> None:
    operations = {f"GET /item/{number}": 1 for number in range(200)}

    page = Page(make_different(make_cause(operations=operations)))

    assert "and 188 more" in page.text
    assert "GET /item/199" in page.text
    assert page.text.count("- reason") == 12
    assert "# and 188 operations more" in page.text


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (
            '{"a":1.0,"b":{"c":[1,2,{"d":null}]},"e":{}}',
            '{\n  "a": 1.0,\n  "b": {\n    "c": [1, 2, {\n        "d": null',
        ),
        ('{"a": "x,{[:]}\\"y', '{\n  "a": "x,{[:]}\\"y'),
        ("<p>{a, b}</p>", "<p>{a, b}</p>"),
        ("}]][", "}]]["),
    ],
)
def test_json_is_laid_out_and_left_as_it_is(body: str, shown: str) -> None:
    text = "".join(piece.text for piece in side_by_side(f"200\n\n{body}", "200\n\n", frozenset())[0])

    assert text.removeprefix("200\n\n").startswith(shown)
    assert re.sub(r"\s", "", text) == re.sub(r"\s", "", f"200{body}")


def test_it_says_where_it_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="No such file or directory") as raised:
        write_html(make_parity(), tmp_path / "missing" / "parity.html")

    assert raised.value.hint


def test_the_template_comes_with_the_package(tmp_path: Path) -> None:
    uv = (sys.executable, "deploy/bootstrap.py")

    subprocess.run(
        [*uv, "build", "--wheel", "--offline", "--out-dir", tmp_path, "loadtest"], check=True, cwd=REPOSITORY
    )

    (wheel,) = tmp_path.glob("*.whl")
    assert "serving_lab/parity/reporting/report.html.j2" in zipfile.ZipFile(wheel).namelist()


def test_the_verdict_is_in_the_title() -> None:
    assert "<title>Parity: cannot tell</title>" in render(make_cannot_tell())
    assert HOSTILE not in render(make_many())


def test_what_comes_from_the_environment_is_in_no_file_but_its_name_is(tmp_path: Path) -> None:
    def behaviour(status: int) -> Callable[[Asked], Says]:
        return lambda asked: Says(
            {"token": jwt.encode({"n": next(numbers)}, "k" * 32)}, status if asked.path == "/x" else 200
        )

    numbers = itertools.count(100)

    (tmp_path / "corpus.yaml").write_text(
        "variables: {password: '${env:API_PASSWORD}'}\n"
        "requests: [{name: one, method: POST, path: /x, json: {password: '${password}', of: '${token}'}}]\n"
    )
    (tmp_path / "profile.yaml").write_text(
        "sign_in: {request: {method: POST, path: /login, json: '${env:API_PASSWORD}'}, save: {token: $.token}}\n"
        "before: [{method: POST, path: /clear}]\nparity: {openapi: null, corpus: [corpus.yaml]}\n"
    )
    profile = Profile.load(tmp_path / "profile.yaml", {"API_PASSWORD": "correct horse"})
    with fake_server(behaviour(200)) as primary, fake_server(behaviour(201)) as candidate:
        endpoints = Endpoint.parse(primary.base_url), Endpoint.parse(candidate.base_url)
        result = result_of_comparing(ParityPlan(*endpoints, profile=profile, generate=0))

        (cause,) = result.causes
        lines = [*result.primary.preparation, cause.example.primary_command]
        done = subprocess.run(
            ["bash", "-c", "\n".join(lines)],
            env={**os.environ, "API_PASSWORD": "correct horse"},
            capture_output=True,
            text=True,
            check=True,
        )

    written = render(result) + msgspec.json.encode(result).decode()
    assert "correct horse" not in written
    assert [(noise.where, noise.example) for noise in result.noise] == [("$.token", "<token>")]
    assert "eyJ" not in written
    assert "API_PASSWORD" in written
    assert "TOKEN=$(curl" in written
    assert done.stdout.count("HTTP/1.1 200 OK") == 2
