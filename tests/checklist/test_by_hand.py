"""What people say: with a name, a reason and a date, for a time, and never against evidence."""

import pytest

from checklist.team import Team

STAGING = "It has run on a stage"
SAID = """
ticks:
- {{item: staging, by: Ada L., reason: 'ran a week, see ticket 12', date: '{date}'}}
"""


def say(team: Team, *words: str) -> tuple[int, str]:
    done = team.checklist("tick", *words, services=())
    return done.code, done.stderr


def test_a_box_is_ticked_with_name_reason_and_date(team: Team) -> None:
    assert say(team, "staging", "--by", "Ada L.", "--reason", "ran a week,\nsee *ticket* 12") == (0, "")

    said = team.checklist().box(STAGING)

    assert said.startswith("[x]")
    assert "Ticked by hand. Ada L.: ran a week, see *ticket* 12 (20" in said


def test_saying_it_again_replaces_it_and_keeps_the_others(team: Team) -> None:
    for item, reason in (("staging", "first"), ("async-considered", "all"), ("staging", "second")):
        say(team, item, "--by", "Ada", "--reason", reason)

    shown = team.checklist()

    assert "Ada: second" in shown.box(STAGING)
    assert "first" not in (team.root / "checklist.yaml").read_text()
    assert "Ada: all" in shown.box("Somebody has decided which endpoints are async")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("staging", "--by", " ", "--reason", "x"), "not ticked: no name is given"),
        (("staging", "--by", "Ada", "--reason", "  "), "not ticked: no reason is given"),
        (("staging", "--by", "Ada", "--reason", "--"), "not ticked: no reason is given"),
        (("stagin", "--by", "Ada", "--reason", "x"), "there is no item 'stagin'; did you mean staging?"),
        (("staging", "--by", "Ada"), "Missing option '--reason'"),
        (("staging", "--reason", "x"), "Missing option '--by'"),
    ],
)
def test_nothing_is_ticked_without_a_name_a_reason_and_an_item(team: Team, words: tuple[str, ...], why: str) -> None:
    code, stderr = say(team, *words)

    assert code == 2
    assert why in stderr
    assert not (team.root / "checklist.yaml").exists()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("- {item: staging, by: Ada, date: '2026-01-01'}", "checklist.yaml:2: ticks[0]: there is no reason"),
        ("- {item: staging, by: '', reason: x, date: '2026-01-01'}", "ticks[0].by: no name is given"),
        ("- {item: gone, by: Ada, reason: x, date: '2026-01-01'}", "ticks[0].item: there is no item 'gone'"),
        ("- {item: staging, by: Ada, reason: x, date: soon}", "ticks[0].date: 'soon' is not a date"),
        ("- {item: staging, by: Ada, reason: x, date: '0001-01-01'}", "ticks[0].date: '0001-01-01' is not a date"),
        ("- [", "is not YAML here"),
    ],
)
def test_a_file_that_was_edited_is_held_to_the_same(team: Team, line: str, why: str) -> None:
    (team.root / "checklist.yaml").write_text(f"ticks:\n{line}\n")

    shown = team.checklist()

    assert shown.code == 2
    assert why in shown.stderr


@pytest.mark.parametrize(
    ("date", "state"),
    [("2020-01-01", "Stale. "), ("2999-01-01", "Cannot tell. dated in the future")],
)
def test_what_was_said_long_ago_or_will_be_ticks_nothing(team: Team, date: str, state: str) -> None:
    (team.root / "checklist.yaml").write_text(SAID.format(date=date))

    said = team.checklist().box(STAGING)

    assert said.startswith("[ ]")
    assert state in said
    assert "it said: Ada L.: ran a week" in said
