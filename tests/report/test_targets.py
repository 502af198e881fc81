"""Targets are shown by what people call them, in colours of their own; nothing else of a result gets into the style."""

import msgspec
import pytest
from made.comparison import make_different, make_parity
from made.footprint import make_footprint
from made.measurement import BASELINE, CANDIDATE, THIRD
from made.simulated import make_three
from serving_lab.experiment.records import TargetRecord
from serving_lab.report import markdown, page
from serving_lab.report.document import Document
from serving_lab.report.inputs import Compared, ReportInputs
from serving_lab.report.targets import PALETTE, shown

ORANGE, TEAL, *_ = PALETTE
LABELS = {BASELINE: ("Flask", "#aa5511"), CANDIDATE: ("FastAPI", "#0f97b0"), THIRD: ("Go & Gin", None)}


def record(name: str, label: str | None = None, colour: str | None = None) -> TargetRecord:
    return TargetRecord(name=name, url="", label=label, colour=colour)


def labelled() -> ReportInputs:
    bench, footprint = make_three(), make_footprint((BASELINE, CANDIDATE, THIRD))
    measured = [msgspec.structs.replace(each, label=LABELS[each.name][0]) for each in footprint.targets]
    targets = [
        msgspec.structs.replace(each, label=LABELS[each.name][0], colour=LABELS[each.name][1]) for each in bench.targets
    ]
    parities = (Compared(make_parity(), CANDIDATE), Compared(make_different(), THIRD))
    return ReportInputs(
        msgspec.structs.replace(bench, targets=targets), parities, msgspec.structs.replace(footprint, targets=measured)
    )


def test_a_target_is_called_by_its_label_and_else_by_its_name() -> None:
    found = shown([record("flask-api", "Flask"), record("fastapi-api")])

    assert [target.label for target in found] == ["Flask", "fastapi-api"]
    assert [(target.name, target.index) for target in found] == [("flask-api", 0), ("fastapi-api", 1)]


def test_targets_with_the_same_label_are_told_apart_by_their_names() -> None:
    found = shown([record("old", "Shop"), record("new", "Shop"), record("other", "Store")])

    assert [target.label for target in found] == ["old", "new", "Store"]


def test_a_colour_of_the_palette_is_taken_only_where_no_target_has_it() -> None:
    found = shown([record("a"), record("b", colour=ORANGE.upper()), record("c")])

    assert [target.colour for target in found] == [TEAL, ORANGE.upper(), PALETTE["#7b52c9"]]


@pytest.mark.parametrize("colour", ["red", "#e0751", "#e0751a; } body { display: none", "url(http://evil.example)"])
def test_what_is_no_colour_does_not_get_into_the_style(colour: str) -> None:
    assert [target.colour for target in shown([record("a", colour=colour)])] == [ORANGE]


def test_more_targets_than_colours_are_shown_all_the_same() -> None:
    found = shown([record(str(number)) for number in range(20)])

    assert {target.colour for target in found} == set(PALETTE.values())


def test_a_page_says_labels_and_draws_in_the_colours_of_the_result() -> None:
    source = page.render(Document.of(labelled()))

    assert ".t0 { --c: #aa5511; }" in source
    assert ".t1 { --c: #0f97b0; }" in source
    assert f".t2 {{ --c: {ORANGE}; }}" in source
    for label in ("Flask", "FastAPI", "Go &amp; Gin"):
        assert f"</svg>{label}</span>" in source
    assert "Does FastAPI answer alike?" in source
    assert "Does Go &amp; Gin answer alike?" in source
    assert "FastAPI against Flask in 10 pairs" in source
    assert "Change, FastAPI" in source


def test_a_document_says_labels_and_each_comparison_of_answers() -> None:
    text = markdown.render(Document.of(labelled()))

    assert text.startswith("# FastAPI and Go &amp; Gin against Flask\n")
    assert "| Metric | Flask | FastAPI | Change |" in text
    assert "## Parity: FastAPI\n\n**Same.**" in text
    assert "## Parity: Go &amp; Gin\n\n**Different.**" in text
    assert "| FastAPI | move | same |" in text
    assert "| Go &amp; Gin | stay | different |" in text


def test_numbers_against_another_baseline_are_not_put_beside_those_of_the_measurement() -> None:
    inputs = ReportInputs(make_three(), (), make_footprint((CANDIDATE, BASELINE, THIRD)))

    document = Document.of(inputs)

    assert f"footprint: its changes are against {CANDIDATE}, all others against {BASELINE}" in document.warnings
    names = {figure.name for advice in document.advice for figure in advice.figures}
    assert not {"Memory under load", "Start-up"} & names
