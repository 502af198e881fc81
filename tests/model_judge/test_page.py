"""The page of a judgement: whole, in order, and nothing in it that a browser would obey."""

import msgspec
import pytest
from made.judgement import BROKEN, REFUSED, SAME, VERSION
from serving_lab.model_judge import page
from serving_lab.model_judge.result import JudgementResult
from serving_lab.text.phrases import UNKNOWN
from support.html import Html

HOSTILE = '<script>alert("1")</script>\x1b[2J'


@pytest.mark.parametrize("result", [REFUSED, BROKEN, SAME], ids=["refused", "broken", "same"])
def test_a_page_is_whole_and_starts_with_the_verdict(result: JudgementResult) -> None:
    shown = Html(page.render(result))

    assert "script" not in shown.tags
    assert shown.text.index(result.verdict.capitalize()) < shown.text.index("What was asked")
    for each in result.criteria:
        assert each.text.partition("\x1b")[0] in shown.text


def test_it_shows_what_was_found_and_dashes_where_nothing_is_known() -> None:
    shown = Html(page.render(REFUSED))

    assert "Mean absolute error 89 51.8 53.0 1.20 -5.00 to 7.00 (97.5%) 2.60 cannot tell" in shown.text
    assert f"Mean squared error 0 {UNKNOWN} {UNKNOWN} {UNKNOWN} {UNKNOWN} to {UNKNOWN} (97.5%)" in shown.text
    assert "bmi is 30 or more 800 +0.700 +0.650 to +0.750 21 +5.6 (-2 to +13)" in shown.text
    assert "held-out rows 38.3 163 279 150" in shown.text
    assert shown.tags.count("svg") == 3
    assert "the versions were made from different data" in shown.text


def test_what_a_version_calls_itself_is_no_markup() -> None:
    hostile = msgspec.structs.replace(VERSION, version=HOSTILE, dataset=HOSTILE, model_type=HOSTILE)

    source = page.render(msgspec.structs.replace(REFUSED, old=hostile, new=hostile, warnings=[HOSTILE]))

    assert "<script>" not in source
    assert "\x1b" not in source
