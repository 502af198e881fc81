"""The page of drift: whole, each version with its columns, and nothing in it that a browser would obey."""

import msgspec
from made.drift import COLUMN, DRIFTED
from serving_lab.model_drift import page
from serving_lab.model_drift.result import DriftResult
from support.html import Html

HOSTILE = '<script>alert("1")</script>\x1b[2J'


def test_each_version_is_told_with_its_columns() -> None:
    shown = Html(page.render(DRIFTED))

    assert "Version 1.0.0: bmi drifted." in shown.text
    assert "bmi drifted 0.610 0.070 0.310 3e-10 0.190 0.5%" in shown.text
    assert "200 different rows, 12 more that had occurred before" in shown.text
    assert "176 tell a distance of 0.2" in shown.text
    assert "3 damaged lines; 2 lines of other logs" in shown.text
    assert "Version 2.0.0 cannot tell" in shown.text
    assert shown.tags.count("svg") == 1


def test_what_a_log_says_is_no_markup() -> None:
    column = msgspec.structs.replace(COLUMN, name=HOSTILE)
    version = msgspec.structs.replace(DRIFTED.models[0], version=HOSTILE, columns=[column], first=HOSTILE, last=HOSTILE)
    result: DriftResult = msgspec.structs.replace(DRIFTED, models=[version], warnings=[HOSTILE], log=[HOSTILE])

    source = page.render(result)

    assert "<script>" not in source
    assert "\x1b" not in source
