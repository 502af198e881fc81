"""The document: read by a parser of Markdown as it is meant, whatever the names in it are."""

import pytest
from made.comparison import make_many, make_parity
from made.footprint import make_footprint, make_native
from made.measurement import BASELINE, CANDIDATE, THIRD
from made.simulated import HOSTILE, make_hostile, make_refused, make_three, make_undecided, make_win
from markdown_it import MarkdownIt
from markdown_it.token import Token
from serving_lab.experiment import wording
from serving_lab.experiment.records import METRICS
from serving_lab.report.document import Document
from serving_lab.report.inputs import Compared, ReportInputs
from serving_lab.report.markdown import render
from serving_lab.text import phrases
from serving_lab.text.markdown import escape

WHOLE = ReportInputs(make_win(), (Compared(make_parity()),), make_footprint())


class Read:
    """What a reader sees of a document."""

    def __init__(self, inputs: ReportInputs) -> None:
        self.source = render(Document.of(inputs))
        self.tokens = MarkdownIt("commonmark").enable("table").parse(self.source)

    @property
    def headings(self) -> list[str]:
        return [inline.content for inline in self._after("heading_open")]

    @property
    def items(self) -> list[str]:
        return [shown(token) for token in self.tokens if token.type == "inline"]

    @property
    def tables(self) -> list[list[list[str]]]:
        """Cells by row of each table."""
        tables: list[list[list[str]]] = []
        for token, following in zip(self.tokens, [*self.tokens[1:], None], strict=True):
            if token.type == "table_open":
                tables.append([])
            elif token.type == "tr_open":
                tables[-1].append([])
            elif token.type in {"td_open", "th_open"}:
                tables[-1][-1].append(shown(following) if following else "")
        return tables

    @property
    def kinds(self) -> set[str]:
        return {child.type for token in self.tokens for child in [token, *(token.children or [])]}

    def _after(self, kind: str) -> list[Token]:
        return [following for token, following in zip(self.tokens, self.tokens[1:], strict=False) if token.type == kind]


def test_the_decision_stands_first_then_parity_then_deployment_then_details() -> None:
    read = Read(WHOLE)

    assert read.headings == [
        "fastapi-api against flask-api",
        "Recommendation",
        "Parity",
        "Deployment",
        "Code",
        "Throughput and latency",
        *(scenario.title for scenario in make_win().scenarios),
        "What could not be decided",
        "Conditions",
        "Method",
        "How the recommendation is made",
    ]
    assert "Move. It answers the same, is faster in 8 of 8 verdicts and slower in none." in read.items
    assert "Nothing: every question that was asked has an answer." in read.items


def test_every_verdict_is_in_a_table_with_its_values_and_interval() -> None:
    tables = [table for table in Read(WHOLE).tables if table[0][0] == "Metric"]

    rows = [row for table in tables for row in table[1:]]
    assert len(rows) == len(make_win().comparisons) == 8
    for row, (_, each) in zip(rows, make_win().comparisons, strict=True):
        assert each.ratio is not None
        assert each.low is not None
        assert each.high is not None
        words = wording.words_of(each.metric)
        assert row[:4] == [
            METRICS[each.metric].title,
            wording.value(each.metric, each.baseline_value),
            wording.value(each.metric, each.candidate_value),
            phrases.change(words, each.ratio),
        ]
        assert row[4].startswith(phrases.interval(words, each.low, each.high))
        assert row[5].startswith(each.verdict)


def test_an_open_loop_has_corrected_and_uncorrected_latencies_side_by_side() -> None:
    closed, opened = (table for table in Read(WHOLE).tables if table[0][0] == "Over all arms")

    latencies = [row for row in opened[1:] if row[0] in {"Min", "P50", "P90", "P95", "P99", "P99.9", "Max"}]
    assert len(latencies) == 7
    assert all("uncorrected" in cell for row in latencies for cell in row[1:3])
    assert not any("uncorrected" in cell for row in closed[1:] for cell in row[1:])


def test_each_scenario_says_who_won_it() -> None:
    won = [line for line in Read(WHOLE).source.splitlines() if line.startswith("- winner: ")]

    assert len(won) == len(make_win().scenarios)
    assert all(line.startswith(f"- winner: {CANDIDATE}: ") for line in won)


def test_deployment_and_code_are_told_of_each_target() -> None:
    deployment, code = (t for t in Read(WHOLE).tables if t[0][0] in {"What it takes", "What is written"})

    told = {row[0].partition(" (")[0]: row[1:] for row in [*deployment[1:], *code[1:]]}
    assert deployment[0] == ["What it takes", BASELINE, CANDIDATE, "Change"]
    assert told["image"] == ["412 MiB", "453 MiB", "–"]  # noqa: RUF001
    assert told["start-up, first right answer"][2] == "12% longer (8.0% to 17% longer)"
    assert told["memory, loaded"][2] == "21% more (17% to 26% more)"
    assert told["CPU time for 1,000 requests"][:2] == ["1.40 s", "1.54 s"]
    assert told["workers"][:2] == ["2", "2"]
    assert told["lines that validate requests"] == ["118", "64"]
    assert told["operations it documents"] == ["0", "12"]
    assert told["type errors"] == ["0", "0"]


def test_what_a_footprint_could_not_measure_is_no_row_of_nothing() -> None:
    read = Read(ReportInputs(None, (), make_native()))

    rows = [row for table in read.tables for row in table[1:]]
    assert not [row for row in rows if row[0].startswith(("image", "layers"))]
    assert all(any(cell != phrases.UNKNOWN for cell in row[1:]) for row in rows)


def test_three_targets_each_have_their_recommendation_and_tables() -> None:
    read = Read(ReportInputs(make_three(), (Compared(make_parity()),), make_footprint((BASELINE, CANDIDATE, THIRD))))

    assert read.headings[1:4] == [
        "The candidates side by side",
        f"Recommendation: {CANDIDATE}",
        f"Recommendation: {THIRD}",
    ]
    glance = next(table for table in read.tables if table[0][0] == "Candidate")
    assert [row[:3] for row in glance[1:]] == [[CANDIDATE, "move", "same"], [THIRD, "stay", "not compared"]]
    headers = [table[0] for table in read.tables if table[0][0] == "Metric"]
    assert headers[:2] == [
        ["Metric", BASELINE, other, "Change", "Interval", "Verdict", "Detectable from"] for other in (CANDIDATE, THIRD)
    ]
    assert ["What it takes", BASELINE, CANDIDATE, THIRD, f"Change, {CANDIDATE}", f"Change, {THIRD}"] in [
        table[0] for table in read.tables
    ]


def test_undecided_says_what_could_have_been_found_and_how_many_pairs_it_takes() -> None:
    read = Read(ReportInputs(make_undecided(), (Compared(make_parity()),), None))

    (told,) = (item for item in read.items if "many requests as it can answer: throughput. Undecided" in item)
    (_, comparison), *_ = make_undecided().comparisons
    assert comparison.detectable is not None
    assert f"So many pairs find changes from {phrases.percent(comparison.detectable)} on" in told
    assert "pairs find a change of 3.0%, if they spread as these do" in told
    assert any(item.startswith("No footprint. Without it, the report does not say image sizes") for item in read.items)


def test_a_refused_scenario_says_why_in_its_place_and_among_what_is_open() -> None:
    read = Read(ReportInputs(make_refused(), (Compared(make_parity()),), None))

    for why in make_refused().scenarios[1].refused:
        assert f"Refused: {why}" in read.items
        assert any(item.startswith(f"A mixed load at a rate that all can carry. Refused: {why}") for item in read.items)


def test_nothing_that_a_name_holds_becomes_markup() -> None:
    read = Read(ReportInputs(make_hostile(), (Compared(make_many()),), make_footprint((BASELINE, HOSTILE))))

    assert not read.kinds & {"html_inline", "html_block", "link_open", "image", "em_open", "code_block", "fence"}
    assert {len(row) - len(table[0]) for table in read.tables for row in table} == {0}
    seen = HOSTILE.replace("\u202e", "\\u202e")
    assert sum(seen in item for item in read.items) > 20
    assert "http://" not in read.source


@pytest.mark.parametrize(
    "text",
    ["1. x", "2) x", "- x", "+ x", "# x", "> x", "---", "= x", "a | b", "*a*", "_a_", "`a`", "&lt;", "\\", "~~a~~"],
)
def test_escaped_text_is_shown_as_it_is(text: str) -> None:
    (opened, inline, closed) = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(escape(text))

    assert (opened.type, closed.type) == ("paragraph_open", "paragraph_close")
    assert shown(inline) == text


@pytest.mark.parametrize("text", ["http://a.example", "www.a.example", "a@b.example"])
def test_an_address_is_written_so_that_no_link_is_made_of_it(text: str) -> None:
    assert text not in escape(text)
    assert shown(MarkdownIt("commonmark").parse(escape(text))[1]) == text


def test_numbers_are_not_littered_with_backslashes() -> None:
    assert escape("1.92 times") == "1.92 times"
    assert escape("-48.9%") == "-48.9%"


def shown(inline: Token) -> str:
    """Return the text of an inline token, without its markup."""
    kept = {"text", "text_special", "code_inline", "entity"}
    return "".join(child.content for child in inline.children or [] if child.type in kept)
