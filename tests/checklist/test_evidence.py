"""What ticks a box, and what does not: failures, age, other commits, other services, and files that say nothing."""

import msgspec
import pytest
from made.comparison import make_cannot_tell, make_cause, make_different, make_parity
from made.drift import DRIFTED
from made.footprint import make_footprint, make_native
from made.judgement import REFUSED
from made.measurement import CANDIDATE
from made.rollout import make_rollout
from made.simulated import WORSE, make_undecided, make_win, of
from serving_lab.inventory.result import InventoryResult, Operation
from serving_lab.model_drift.result import Standing
from serving_lab.model_judge.result import Verdict
from serving_lab.parity.result import Sent
from serving_lab.results.envelope import Envelope
from serving_lab.rollout.result import Ending

from checklist.team import Team

COMPATIBLE = "No client can notice"
FASTER = "Measured against the old API"
UNITS = "The unit tests pass"
IMAGE = "The new service's image"
ROLLED_OUT = "All traffic has moved over"
JUDGED = "The model's last version was judged"
ASKED = "The model is asked what it was trained on"


def test_whatever_a_result_shows_is_ticked_with_its_date_and_file(team: Team) -> None:
    team.has("parity.json", make_parity())
    team.has("bench.json", make_win())
    team.has("footprint.json", make_footprint())
    team.has("rollout.json", make_rollout())

    shown = team.checklist()

    assert (shown.code, shown.stderr) == (0, "")
    ticked = {
        COMPATIBLE: "the same: 10,000 requests to 2 operations",
        FASTER: "nothing is slower: 8 faster",
        IMAGE: "serving-lab/fastapi-api:latest, 453 MiB: right answer after 1.70 s",
        "The new service documents itself": "it documents 12 operations",
        ROLLED_OUT: "promoted: everything is within its limits",
    }
    for text, why in ticked.items():
        assert shown.box(text).startswith("[x]")
        assert why in shown.box(text)
    assert "UTC, in parity.json)" in shown.box(COMPATIBLE)
    assert "8 of 19" in shown.stdout


def test_what_has_no_evidence_is_open_and_says_what_would_tick_it(team: Team) -> None:
    shown = team.checklist()

    assert shown.code == 0
    assert "[x]" not in shown.markdown
    assert "Open. there is no evidence To tick it: lab parity" in shown.box(COMPATIBLE)
    assert "To tick it: pytest --junitxml=results/tests.xml" in shown.box(UNITS)
    assert "To tick it: lab checklist tick staging --by NAME --reason TEXT" in shown.box("It has run on a stage")


@pytest.mark.parametrize(
    ("name", "result", "box", "why"),
    [
        ("parity", make_different(make_cause()), COMPATIBLE, "different: 1 undeclared cause"),
        ("bench", of(WORSE), FASTER, "slower in "),
        ("rollout", make_rollout(Ending.ROLLED_BACK, "too slow"), ROLLED_OUT, "rolled back: too slow"),
    ],
)
def test_what_failed_is_shown_as_failed_even_if_somebody_ticked_it(
    team: Team, name: str, result: Envelope, box: str, why: str
) -> None:
    item = {COMPATIBLE: "compatible", FASTER: "performance-kept", ROLLED_OUT: "rolled-out"}[box]
    team.has(f"{name}.json", result)
    team.checklist("tick", item, "--by", "Ada", "--reason", "I think so", services=())

    shown = team.checklist("--require", item)

    assert shown.code == 1
    assert f"fails: required and not ticked: {item}" in shown.stdout
    assert shown.box(box).startswith("[ ]")
    assert "Failed." in shown.box(box)
    assert why in shown.box(box)


def test_that_answers_differ_does_not_mean_that_nobody_knows_the_endpoints(team: Team) -> None:
    team.has("parity.json", make_different(make_cause()))

    said = team.checklist().box("The endpoints of the old API")

    assert said.startswith("[x]")
    assert "requests to 2 operations are written down" in said


@pytest.mark.parametrize(
    ("result", "box", "why"),
    [
        (make_cannot_tell(), COMPATIBLE, "cannot tell: The candidate does not answer"),
        (make_undecided(), FASTER, "its verdicts do not tell"),
        (make_native(), IMAGE, "without an image (native)"),
        (make_rollout(Ending.INTERRUPTED, "Ctrl-C"), ROLLED_OUT, "interrupted: Ctrl-C"),
        (make_win(partial=True), FASTER, "it was interrupted"),
    ],
)
def test_what_cannot_tell_ticks_nothing(team: Team, result: Envelope, box: str, why: str) -> None:
    team.has(f"{result.file_format.command}.json", result)

    said = team.checklist().box(box)

    assert said.startswith("[ ]")
    assert "Cannot tell." in said
    assert why in said


def test_evidence_of_another_commit_is_stale(team: Team) -> None:
    team.has("parity.json", make_parity())
    before = team.revision
    assert before is not None
    team.commit()

    said = team.checklist().box(COMPATIBLE)

    assert said.startswith("[ ]")
    assert f"Stale. of the commit {before[:10]}, and this is {(team.revision or '')[:10]}; it said: the same" in said


def test_a_failure_of_another_commit_neither_fails_nor_ticks(team: Team) -> None:
    team.has("parity.json", make_different(make_cause()))
    team.commit()

    assert "Stale." in team.checklist().box(COMPATIBLE)


def test_evidence_made_while_files_were_changed_is_of_no_commit(team: Team) -> None:
    team.has("parity.json", make_parity(), revision=f"{team.revision}+")

    assert "Stale. made while files were changed since the commit" in team.checklist().box(COMPATIBLE)


def test_files_that_are_changed_now_are_said_and_leave_the_evidence_about_the_commit(team: Team) -> None:
    team.has("parity.json", make_parity())
    (team.root / "app.py").write_text("changed")

    shown = team.checklist()

    assert shown.box(COMPATIBLE).startswith("[x]")
    note = "Files were changed since the commit: the evidence is about the commit, not about them."
    assert all(note in text for text in (shown.stdout, shown.markdown, shown.page))


def test_evidence_that_is_too_old_is_stale(team: Team) -> None:
    team.has("parity.json", make_parity(), days=31)

    assert "Stale. 31 days old, 30 at most" in team.checklist().box(COMPATIBLE)
    assert team.checklist("--max-age", "40").box(COMPATIBLE).startswith("[x]")


def test_evidence_of_the_future_ticks_nothing(team: Team) -> None:
    team.has("parity.json", make_parity(), days=-2)

    assert "Cannot tell. dated in the future" in team.checklist().box(COMPATIBLE)


def test_evidence_that_does_not_say_of_which_commit_must_be_younger_than_the_latest_one(team: Team) -> None:
    team.has("parity.json", make_parity(), revision=None, days=2)
    team.has("rollout.json", make_rollout(), revision=None, days=-0.001)

    shown = team.checklist()

    assert "Stale. older than the latest commit" in shown.box(COMPATIBLE)
    assert shown.box(ROLLED_OUT).startswith("[x]")
    assert "it does not say of which commit" in shown.box(ROLLED_OUT)


def test_without_a_repository_age_is_judged_alone_and_that_is_said(team: Team) -> None:
    team.has("parity.json", make_parity(), revision="0" * 40)
    (team.root / ".git").rename(team.root / "no-git")

    shown = team.checklist()

    assert shown.box(COMPATIBLE).startswith("[x]")
    assert "The commit is unknown (no git checkout): of evidence only its age is judged." in shown.stdout


def test_evidence_about_other_services_ticks_nothing_and_names_them(team: Team) -> None:
    team.has("parity.json", make_parity())
    team.has("bench.json", make_win())
    team.has("rollout.json", make_rollout())
    others = ("--baseline", "shop=http://127.0.0.1:5000", "--candidate", "new-shop=http://127.0.0.1:9999")

    shown = team.checklist(services=others)

    assert "Cannot tell. it is about http://127.0.0.1:8000 against http://127.0.0.1:5000, not about new-shop" in (
        shown.box(COMPATIBLE)
    )
    assert "it is about fastapi-api against flask-api, not about new-shop against shop" in shown.box(FASTER)
    assert "it is about fastapi-api against flask-api" in shown.box(ROLLED_OUT)
    assert "[x]" not in shown.markdown


def test_a_service_may_be_known_by_its_address_however_the_machine_is_called(team: Team) -> None:
    team.has("parity.json", make_parity())
    by_address = ("--baseline", "http://localhost:5000/", "--candidate", "http://localhost:8000")

    assert team.checklist(services=by_address).box(COMPATIBLE).startswith("[x]")


@pytest.mark.parametrize("content", [b"", b'{"schema": "serving-lab.parity/2", "verdict": "sa', b"[1]", b"\xff\xfe"])
def test_a_damaged_file_ticks_nothing_and_is_named(team: Team, content: bytes) -> None:
    (team.root / "results").mkdir()
    (team.root / "results" / "parity.json").write_bytes(content)

    shown = team.checklist()

    assert shown.code == 0
    assert "Cannot tell. not read: results/parity.json" in shown.box(COMPATIBLE)
    assert "note: Not read: results/parity.json" in shown.stdout


def test_files_that_are_no_evidence_are_left_alone(team: Team) -> None:
    (team.root / "results").mkdir()
    (team.root / "results" / "package.json").write_text("{}")
    (team.root / "results" / "replay.json").write_text('{"schema": "serving-lab.replay/1"}')

    assert "Not read" not in team.checklist().stdout


def test_a_later_result_replaces_an_earlier_one(team: Team) -> None:
    team.has("parity.json", make_different(make_cause()), days=-0.0001)
    team.has("parity-fastapi-api.json", make_parity(), days=-0.001)
    assert team.checklist().box(COMPATIBLE).startswith("[x]")

    team.has("parity.json", make_different(make_cause()), days=-0.002)
    assert "Failed." in team.checklist().box(COMPATIBLE)


def test_the_measured_baseline_needs_no_candidate_of_the_checklist(team: Team) -> None:
    team.has("bench.json", make_win())
    other = ("--baseline", "flask-api", "--candidate", "go-api")

    shown = team.checklist(services=other)

    assert shown.box("The old API's performance").startswith("[x]")
    assert shown.box(FASTER).startswith("[ ]")


def make_inventory(target: str, *operations: str) -> InventoryResult:
    found = [Operation(method=method, path=path, endpoint=path) for method, path in map(str.split, operations)]
    return InventoryResult(
        started="",
        seconds=1.0,
        seed=0,
        target=target,
        how="import",
        framework="Flask 3.1",
        operations=found,
        hooks=[],
        extensions=[],
        findings=[],
        unread=["a Cython module"],
    )


@pytest.mark.parametrize("target", ["services/flask_api/app.py:create_app", "http://localhost:5000", "flask_api:app"])
def test_an_inventory_of_the_old_service_says_what_its_endpoints_are(team: Team, target: str) -> None:
    team.has("inventory.json", make_inventory(target, "GET /health", "POST /predict"))

    said = team.checklist().box("The endpoints of the old API")

    assert said.startswith("[x]")
    assert f"2 operations of {target}; 1 part of it could not be read" in said


@pytest.mark.parametrize("target", ["shop/app.py", "http://127.0.0.1:5999", "flask_api_2.app:app"])
def test_an_inventory_of_another_service_ticks_nothing(team: Team, target: str) -> None:
    team.has("inventory.json", make_inventory(target, "GET /health"))

    assert f"Cannot tell. it is about {target}" in team.checklist().box("The endpoints of the old API")


def test_every_endpoint_has_moved_once_all_of_the_inventory_were_compared(team: Team) -> None:
    team.has("parity.json", make_parity())
    team.has("inventory.json", make_inventory("flask_api:app", "GET /health", "POST /predict", "GET /rows/{row_id}"))
    moved = "Every endpoint answers"

    assert "Cannot tell. of the inventory these were not compared: GET /rows/{row_id}" in team.checklist().box(moved)

    operations = [*make_parity().operations, Sent(request="GET /rows/{id}", count=9, differing=0, detectable_rate=0.3)]
    team.has("parity.json", make_parity(operations=operations))
    assert team.checklist().box(moved).startswith("[x]")


def test_a_difference_elsewhere_does_not_untick_authentication(team: Team) -> None:
    operations = [
        Sent(request="POST /login", count=50, differing=0, detectable_rate=0.1),
        Sent(request="POST /predict", count=50, differing=3, detectable_rate=0.1),
    ]
    team.has("parity.json", make_different(make_cause(), operations=operations))
    assert team.checklist().box("Signing in and tokens").startswith("[x]")

    differing = [msgspec.structs.replace(operations[0], differing=1), operations[1]]
    team.has("parity.json", make_different(make_cause(), operations=differing))
    assert "Failed." in team.checklist().box("Signing in and tokens")


def test_a_candidate_that_documents_nothing_fails(team: Team) -> None:
    footprint = make_footprint()
    old, new = footprint.targets
    assert new.code is not None
    code = msgspec.structs.replace(new.code, documented_operations=0)
    team.has("footprint.json", make_footprint(targets=[old, msgspec.structs.replace(new, code=code)]))

    assert new.name == CANDIDATE
    assert "Failed. it documents 0 operations" in team.checklist().box("The new service documents itself")


def test_a_model_has_boxes_only_where_something_is_known_of_one_or_they_are_required(team: Team) -> None:
    assert JUDGED not in team.checklist().markdown
    assert team.checklist("--require", "model-judged").code == 1

    team.has("judgement.json", REFUSED)
    team.has("drift.json", DRIFTED)
    refused = team.checklist()
    assert "2.0.0 against 1.0.0: refuse: where bmi is 30 or more" in refused.box(JUDGED)
    assert "Failed" in refused.box(ASKED)

    team.has("judgement.json", REFUSED, verdict=Verdict.PROMOTE)
    team.has("drift.json", DRIFTED, models=[msgspec.structs.replace(DRIFTED.models[0], standing=Standing.NONE)])
    team.has("model-rollout.json", make_rollout(), candidate="challenger", model="2")
    promoted = team.checklist()
    assert promoted.box(JUDGED).startswith("[x]")
    assert promoted.box(ASKED).startswith("[x]")
    assert "it is about version 2 of the model against flask-api" in promoted.box(ROLLED_OUT)
