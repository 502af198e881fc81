"""The items: those of the lab, those of a team, and what is wrong with a file of them."""

import re
from pathlib import Path

import pytest
import typer
from serving_lab import cli
from serving_lab.checklist.items import Items
from support.checkout import REPOSITORY
from support.command import lab

from checklist.team import Team

OWN = """
phases:
  - name: Ours
    items:
      - {id: reviewed, text: Two people reviewed it}
      - {id: nightly, text: The nightly run passes, evidence: [{tests: {name: nightly, fewest: 2}}], command: make it}
"""


def test_every_command_of_the_own_items_exists() -> None:
    items = [item for phase in Items.read(None).phases for item in phase.items]
    commands = typer.main.get_command(cli.app)
    assert isinstance(commands, typer.core.TyperGroup)
    targets = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)

    assert len(items) == 21
    for item in items:
        if named := re.match(r"\{lab\} ([a-z]+)$", item.command):
            assert named[1] in commands.commands
            assert named[1] in targets
        elif named := re.match(r"\{program\} (inventory|model) ", item.command):
            assert named[1] in commands.commands
        elif item.command.startswith("{program}"):
            assert item.command == f"{{program}} checklist tick {item.id} --by NAME --reason TEXT"
            assert item.evidence == []
        else:
            assert item.command in {"{test}", "CI=true {test}"}


def test_a_team_has_its_own_items(team: Team) -> None:
    (team.root / "ours.yaml").write_text(OWN)
    team.tested("tests.xml", {"nightly.test_a": "passed"})

    shown = team.checklist("--items", "ours.yaml", "--require", "Ours")

    assert shown.code == 1
    assert "fails: required and not ticked: reviewed, nightly" in shown.stdout
    assert "1 test passed; 2 at least must" in shown.box("The nightly run")
    assert "To tick it: make it" in shown.box("The nightly run")


def test_all_may_be_required(team: Team) -> None:
    (team.root / "ours.yaml").write_text(OWN)
    team.tested("tests.xml", {"nightly.test_a": "passed", "nightly.test_b": "passed"})
    own = ("--items", "ours.yaml")
    assert team.checklist(*own, "--require", "all").code == 1

    team.checklist("tick", "reviewed", *own, "--by", "Ada", "--reason", "both said yes", services=())

    assert team.checklist(*own, "--require", "all").code == 0


@pytest.mark.parametrize(
    ("items", "why"),
    [
        ("[]", "phases: there is no item"),
        ("[{name: a, items: [{id: A b, text: x}]}]", "items[0].id: 'A b' is not valid"),
        ("[{name: a, items: [{id: a, text: x}, {id: a, text: x}]}]", "items[1].id: another item is called 'a'"),
        ("[{name: a, items: [{id: a, text: x, evidence: [{}]}]}]", "evidence[0]: is exactly one of inventory, parity"),
        ("[{name: a, items: [{id: a, text: x, evidence: [{parity: {}, rollout: {}}]}]}]", "is exactly one of"),
        ("[{name: a, items: [{id: a, text: x, evidence: [{tests: {}}]}]}]", "tests: name, properties or suite say"),
        ("[{name: a, items: [{id: a, text: x, evidence: [{tests: {name: '('}}]}]}]", "is not a regular expression"),
        ("[{name: a, items: [{id: a, text: x, evidence: [{bench: {of: all}}]}]}]", "invalid enum value"),
        ("[{name: a, items: [{id: a, text: x, proof: x}]}]", "unknown key proof"),
    ],
)
def test_what_is_wrong_with_a_file_of_items_is_said_with_its_place(team: Team, items: str, why: str) -> None:
    (team.root / "ours.yaml").write_text(f"phases: {items}\n")

    shown = team.checklist("--items", "ours.yaml")

    assert shown.code == 2
    assert shown.stderr.startswith("error: ours.yaml:1: ")
    assert why in shown.stderr


def test_what_is_required_must_exist(team: Team) -> None:
    shown = team.checklist("--require", "stagin")

    assert shown.code == 2
    assert "did you mean staging?" in shown.stderr


def test_outside_of_a_checkout_somebody_must_say_which_services_are_meant(team: Team) -> None:
    shown = team.checklist(services=("--candidate", "new"))

    assert shown.code == 2
    assert shown.stderr.splitlines()[0] == "error: which services is this checklist about?"


def test_in_a_checkout_it_is_about_the_catalogue(tmp_path: Path) -> None:
    done = lab("checklist", "--results", tmp_path, cwd=REPOSITORY)

    assert done.returncode == 0
    assert done.stdout.startswith("fastapi-api against flask-api")
    assert "make parity" in done.stdout
    wrong = lab("checklist", "--results", tmp_path, "--candidate", "no-api", cwd=REPOSITORY)
    assert wrong.stderr.startswith("error: the catalogue has no service 'no-api'")
