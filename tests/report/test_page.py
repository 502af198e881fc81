"""The report as a file: the decision first, all that the results know, nothing that a browser would obey."""

import re
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest
from made.comparison import make_cannot_tell, make_many, make_parity
from made.footprint import make_footprint
from made.measurement import BASELINE, CANDIDATE, THIRD
from made.simulated import (
    HOSTILE,
    make_equivalent,
    make_hostile,
    make_loss,
    make_mixed,
    make_partial,
    make_refused,
    make_three,
    make_undecided,
    make_win,
    make_withheld,
)
from serving_lab.report.document import Document
from serving_lab.report.inputs import Compared, ReportInputs
from serving_lab.report.page import render
from support.checkout import REPOSITORY

VOID = {"meta", "link", "br"}
WIN = ReportInputs(make_win(), (Compared(make_parity()),), make_footprint())
ALL = {
    "win": WIN,
    "loss": ReportInputs(make_loss(), (), None),
    "mixed": ReportInputs(make_mixed(), (Compared(make_many()),), None),
    "equivalent": ReportInputs(make_equivalent(), (Compared(make_parity()),), None),
    "undecided": ReportInputs(make_undecided(), (Compared(make_cannot_tell()),), None),
    "refused": ReportInputs(make_refused(), (Compared(make_parity()),), None),
    "withheld": ReportInputs(make_withheld(), (), make_footprint()),
    "partial": ReportInputs(make_partial(), (Compared(make_parity()),), None),
    "three": ReportInputs(make_three(), (Compared(make_parity()),), make_footprint((BASELINE, CANDIDATE, THIRD))),
    "hostile": ReportInputs(make_hostile(), (Compared(make_many()),), make_footprint((BASELINE, HOSTILE))),
    "parity alone": ReportInputs(None, (Compared(make_parity()),), None),
    "footprint alone": ReportInputs(None, (), make_footprint()),
}


class Page(HTMLParser):
    """The text, tags and attributes of a page; a tag closed that was not opened is an error."""

    def __init__(self, inputs: ReportInputs) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.source = render(Document.of(inputs))
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
        if not {"style", "svg"} & set(self.open):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


def test_a_manager_finds_the_decision_its_numbers_parity_and_deployment_in_this_order() -> None:
    text = Page(WIN).text

    places = [
        text.index(told)
        for told in (
            "Recommendation Move It answers the same, is faster in 8 of 8 verdicts and slower in none.",
            "Throughput: As many requests as it can answer about 1.92 times as many requests a second; 1.8",
            "P99 latency: A mixed load at a rate that all can carry about 48% lower; 46% to 49% lower",
            "Memory under load about 21% more memory; 17% to 26% more",
            "Do they answer alike? Same. 10,000 requests were answered alike, but for 2 declared differences.",
            "Deployment What it takes",
            "Code What is written",
            "Throughput and latency All verdicts",
            "What could not be decided Nothing: every question that was asked has an answer.",
        )
    ]

    assert places == sorted(places)


def test_an_engineer_finds_conditions_method_and_what_each_scenario_was() -> None:
    text = Page(WIN).text

    for told in (
        "open loop: requests are due at their times, answered or not",
        "320 requests/s, poisson arrivals",
        "8 to flask-api, 16 to fastapi-api",
        "predict 70%, batch_predict 20%, model_info 10%",
        "10 of 10 planned; arms of 5 s",
        "P99 within 100 ms and at most 0.100% wrong answers",
        "2026-11-22 08:00:00 UTC, 10 min 12 s, seed 7",
        "1d5f80b+",
        "AMD EPYC 7B13, 4 cores, 16.0 GiB, Linux 6.12.0",
        "75 requests to each target; compared between them: $.prediction, $.predictions",
        "Framework framework 0 framework 1 meant to differ",
        "Randomised pairs.",
        "The arm is the sample.",
        "(here 95%, 98.33% and 98.75% for a single interval)",
        "Changes up to 3.0% either way count as none",
        "Coordinated omission.",
        "Only verdicts count",
    ):
        assert told in text


@pytest.mark.parametrize("name", ALL)
def test_every_page_is_well_formed_and_asks_nothing_of_any_network(name: str) -> None:
    page = Page(ALL[name])

    ids = [value for key, value in page.attributes if key == "id"]
    assert len(ids) == len(set(ids))
    referred = {part for key, value in page.attributes if key == "aria-labelledby" for part in value.split()}
    assert referred <= set(ids)
    assert not {"script", "img", "a", "iframe"} & set(page.tags)
    assert not [key for key, _ in page.attributes if key.startswith("on")]
    assert not re.findall(r"(?:src|href)=\"(?!#|data:)", page.source)
    assert "url(" not in page.source


def test_a_hostile_name_is_shown_and_not_obeyed() -> None:
    page = Page(ALL["hostile"])

    assert page.text.count("<script>alert('x')</script>") > 20
    assert "\u202e" not in page.source


def test_each_scenario_has_its_plots() -> None:
    page = Page(WIN)

    names = [value for key, value in page.attributes if key == "id" and value.endswith("-title")]
    assert [name.removesuffix("-title") for name in names] == [
        "scenario-1-throughput",
        "scenario-1-percentiles",
        "scenario-1-distribution",
        *(f"scenario-1-pairs-{number}" for number in (1, 2, 3, 4)),
        "scenario-2-percentiles",
        "scenario-2-distribution",
        *(f"scenario-2-pairs-{number}" for number in (1, 2, 3)),
        "scenario-3-knee",
        "scenario-3-pairs-1",
    ]


@pytest.mark.parametrize(
    ("name", "missing", "command"),
    [
        ("loss", "whether the services answer alike", "lab parity"),
        ("loss", "image sizes, start-up, memory and code", "lab footprint"),
        ("parity alone", "throughput and latency", "lab bench"),
    ],
)
def test_what_is_missing_is_said_with_what_makes_it(name: str, missing: str, command: str) -> None:
    assert f"this report does not say {missing}. {command} measures it." in Page(ALL[name]).text


def test_refused_withheld_and_partial_runs_do_not_look_like_decided_ones() -> None:
    refused, withheld, partial = (Page(ALL[name]) for name in ("refused", "withheld", "partial"))

    assert "Refused: fastapi-api does not keep up with 320 requests/s. Nothing is concluded" in refused.text
    assert "Cannot tell All of 4 verdicts are refused or withheld" in withheld.text
    assert "memory limit 512 MiB 1,024 MiB differs" in withheld.text
    assert "Verdicts withheld the conditions differ" in withheld.text
    assert "The measurement It was interrupted." in partial.text
    for page, word in ((refused, "move-with-care"), (withheld, "cannot-tell"), (partial, "move-with-care")):
        assert ("class", f"card verdict {word}") in page.attributes


def test_arms_that_were_left_out_are_counted() -> None:
    assert "10 of 10 planned, 2 more left out; arms of 5 s" in Page(ALL["refused"]).text


def test_the_templates_come_with_the_package(tmp_path: Path) -> None:
    uv = (sys.executable, "deploy/bootstrap.py")

    subprocess.run(
        [*uv, "build", "--wheel", "--offline", "--out-dir", tmp_path, "loadtest"], check=True, cwd=REPOSITORY
    )

    (wheel,) = tmp_path.glob("*.whl")
    files = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "serving_lab/report/report.html.j2",
        "serving_lab/report/report.css",
        "serving_lab/pages/family.css",
        "serving_lab/pages/plots.css",
    } <= files
