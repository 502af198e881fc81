"""The page and the document: the same boxes, and nothing of foreign text is markup."""

from html.parser import HTMLParser

import pytest
from made.comparison import HOSTILE, make_cannot_tell, make_parity
from made.rollout import make_rollout
from serving_lab.rollout.result import Ending

from checklist.team import Team

HOSTILE_ITEMS = f"""
phases:
  - name: "{HOSTILE.replace('"', "'")}"
    items:
      - {{id: a, text: "{HOSTILE.replace('"', "'")} | `x` [y](http://evil.example)", evidence: [{{parity: {{}}}}]}}
"""


class Tags(HTMLParser):
    """The elements of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.labels: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.labels += [value or "" for name, value in attrs if name == "aria-label"]


def test_page_document_and_terminal_have_the_same_boxes(team: Team) -> None:
    team.has("parity.json", make_parity())
    team.has("rollout.json", make_rollout(Ending.ROLLED_BACK))

    shown = team.checklist()

    labels = Tags(shown.page).labels
    ticked = shown.markdown.count("- [x] ")
    assert (labels.count("ticked"), labels.count("not ticked")) == (ticked, shown.markdown.count("- [ ] "))
    assert shown.stdout.count("[x]") == ticked == 3
    assert f"<title>Checklist: {ticked} of 19</title>" in shown.page


def test_nothing_of_a_result_or_of_an_item_is_markup(team: Team) -> None:
    (team.root / "ours.yaml").write_text(HOSTILE_ITEMS)
    team.has("parity.json", make_cannot_tell(), why=f"{HOSTILE}\x1b[2J")

    shown = team.checklist("--items", "ours.yaml")

    assert not {"script", "img"} & set(Tags(shown.page).tags)
    assert "<script" not in shown.markdown
    assert "](http" not in shown.markdown.replace("\\]", "")
    assert "\x1b" not in shown.stdout + shown.page + shown.markdown


def test_where_the_page_cannot_go_is_said(team: Team) -> None:
    (team.root / "file").write_text("")

    shown = team.checklist("--output", "file/there")

    assert shown.code == 2
    assert "hint: --output DIR" in shown.stderr


@pytest.mark.parametrize("option", [("--max-age", "-1"), ("--require",)])
def test_wrong_options_are_refused(team: Team, option: tuple[str, ...]) -> None:
    assert team.checklist(*option).code == 2
