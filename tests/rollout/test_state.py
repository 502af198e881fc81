"""The state of a rollout: whole at any moment, and one rollout at a time."""

from pathlib import Path

import msgspec
import pytest
from made.rollout import HOSTILE, STARTED, make_rollout, make_stage
from serving_lab.errors import LabError
from serving_lab.rollout import page, plan, words
from serving_lab.rollout.judge import Outcome
from serving_lab.rollout.result import Ending
from serving_lab.rollout.state import State, StateFile

STATE = State(started=STARTED, process=1, gateway="unix:/x", primary="old", candidate="new", file=None, share=500)


def test_what_was_written_is_read_again_and_nothing_else_is_left(tmp_path: Path) -> None:
    file = StateFile(tmp_path)
    assert file.read() is None

    file.write(STATE)

    assert file.read() == STATE
    assert [path.name for path in tmp_path.iterdir()] == ["rollout-state.json"]


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    file = StateFile(tmp_path)
    file.path.write_text("{")

    with pytest.raises(LabError, match=r"rollout-state\.json"):
        file.read()


def test_only_one_holds_the_lock_and_it_is_free_afterwards(tmp_path: Path) -> None:
    first, second = StateFile(tmp_path), StateFile(tmp_path)
    assert first.holder() is None

    with first.locked():
        assert second.holder() is not None
        with pytest.raises(LabError, match="a rollout runs already: process"), second.locked():
            pass

    assert first.holder() is None
    with second.locked():
        pass


def test_the_status_says_what_is_true_now() -> None:
    def told(state: State, share: int | None, holder: int | None) -> str:
        return "\n".join(words.status_lines(state, share, holder))

    assert "of new runs (process 7)" in told(STATE, 500, 7)
    assert "was killed" in told(STATE, 500, None)
    assert "sends 5% of the users to new" in told(STATE, 500, None)
    assert "its share is unknown; it was told 5%" in told(STATE, None, None)
    assert "but was told 5% last" in told(STATE, 0, None)
    ended = msgspec.structs.replace(STATE, ending=Ending.ROLLED_BACK, why="slow", share=0)
    assert "No rollout runs" in told(ended, 0, None)
    assert "rolled back: slow" in told(ended, 0, None)


def test_the_page_shows_itself_again_until_the_end_and_quotes_as_text() -> None:
    asked = plan.read(None, "old", "new")
    going = msgspec.structs.replace(STATE, stage_name="5%", why=HOSTILE)
    stage = make_stage("5%", 500, Outcome.HOLD)

    live = page.render(asked, going, stage, make_rollout().mirror)
    over = page.render(asked, msgspec.structs.replace(going, ending=Ending.PROMOTED), None, None)

    assert 'http-equiv="refresh"' in live
    assert 'http-equiv="refresh"' not in over
    assert "<script>" not in live
    assert "\x1b" not in live
    assert "POST /predict" in live
    assert live.count("<svg") == len(stage.looks[0].criteria)
