"""From what was measured to a verdict, question by question."""

import msgspec
import pytest
from serving_lab.model_judge import verdict
from serving_lab.model_judge.result import (
    AccuracyWord,
    Criterion,
    ErrorRecord,
    LatencyRecord,
    MoveRecord,
    SliceRecord,
    Verdict,
)
from serving_lab.model_judge.thresholds import Thresholds

LIMITS = Thresholds()
ERROR = ErrorRecord(
    kind="absolute",
    rows=89,
    old=50.0,
    new=50.0,
    difference=0.0,
    low=-1.0,
    high=1.0,
    confidence=0.975,
    margin=2.5,
    word=AccuracyWord.EQUIVALENT,
)
MOVE = MoveRecord(
    name="sampled rows",
    rows=4000,
    shift=0.0,
    shift_low=-0.01,
    shift_high=0.01,
    moved=0.1,
    ks=0.02,
    psi=0.01,
    edges=[0.0, 1.0, 2.0],
    old_shares=[0.5, 0.5],
    new_shares=[0.5, 0.5],
)
SLICE = SliceRecord(
    feature="bmi", at_least=30.0, below=None, rows=800, shift=0.0, low=-0.01, high=0.01, held_out_rows=18
)
LATENCY = LatencyRecord(
    rounds=20,
    calls=200,
    old_seconds=2e-5,
    new_seconds=2e-5,
    log_ratios=[0.0],
    ratio=1.0,
    low=0.9,
    high=1.1,
    confidence=0.95,
)


def error(word: AccuracyWord, difference: float = 0.0) -> ErrorRecord:
    return msgspec.structs.replace(ERROR, word=word, difference=difference)


def of_moves(
    move: MoveRecord = MOVE, piece: SliceRecord = SLICE, word: AccuracyWord = AccuracyWord.CANNOT_TELL
) -> Verdict:
    return verdict.of(list(verdict.of_moves([move], [piece], [error(word)] * 2, LIMITS)))


@pytest.mark.parametrize(
    ("word", "difference", "expected"),
    [
        (AccuracyWord.BETTER, -5, Verdict.PROMOTE),
        (AccuracyWord.EQUIVALENT, 1, Verdict.PROMOTE),
        (AccuracyWord.NOT_WORSE, -2, Verdict.PROMOTE),
        (AccuracyWord.CANNOT_TELL, 3, Verdict.ASK),
        (AccuracyWord.WORSE, 2, Verdict.ASK),
        (AccuracyWord.WORSE, 3, Verdict.REFUSE),
    ],
)
def test_errors_that_surely_grew_by_more_than_the_margin_refuse(
    word: AccuracyWord, difference: float, expected: Verdict
) -> None:
    (found,) = verdict.of_accuracy([error(word, difference)], 30)

    assert found.standing == expected
    assert "50.0" in found.text


def test_without_rows_that_both_held_out_a_person_is_asked() -> None:
    (found,) = verdict.of_accuracy([msgspec.structs.replace(ERROR, rows=3, old=None, low=None, high=None)] * 2, 30)

    assert (found.standing, found.text[:50]) == (Verdict.ASK, "3 rows were held out from both versions, and it ta")


@pytest.mark.parametrize(
    ("changes", "word", "expected"),
    [
        ({}, AccuracyWord.CANNOT_TELL, Verdict.PROMOTE),
        ({"shift": 0.2, "shift_low": 0.1, "shift_high": 0.3}, AccuracyWord.CANNOT_TELL, Verdict.ASK),
        ({"shift": 0.2, "shift_low": 0.1, "shift_high": 0.3}, AccuracyWord.BETTER, Verdict.PROMOTE),
        ({"shift": -0.4, "shift_low": -0.5, "shift_high": -0.3}, AccuracyWord.CANNOT_TELL, Verdict.REFUSE),
        ({"shift": -0.4, "shift_low": -0.5, "shift_high": -0.3}, AccuracyWord.WORSE, Verdict.REFUSE),
        ({"shift": -0.4, "shift_low": -0.5, "shift_high": -0.3}, AccuracyWord.BETTER, Verdict.ASK),
        ({"shift": 0.3, "shift_low": 0.05, "shift_high": 0.6}, AccuracyWord.CANNOT_TELL, Verdict.PROMOTE),
        ({"moved": 0.3}, AccuracyWord.EQUIVALENT, Verdict.ASK),
        ({"moved": 0.5}, AccuracyWord.CANNOT_TELL, Verdict.REFUSE),
        ({"moved": 0.5}, AccuracyWord.NOT_WORSE, Verdict.ASK),
        ({"psi": 0.2}, AccuracyWord.CANNOT_TELL, Verdict.ASK),
        ({"psi": 0.3}, AccuracyWord.CANNOT_TELL, Verdict.REFUSE),
    ],
)
def test_what_moves_far_is_refused_unless_held_out_rows_prove_it_right(
    changes: dict[str, float], word: AccuracyWord, expected: Verdict
) -> None:
    assert of_moves(msgspec.structs.replace(MOVE, **changes), word=word) == expected


@pytest.mark.parametrize(
    ("changes", "word", "expected"),
    [
        ({"shift": 0.2, "low": 0.18, "high": 0.22}, AccuracyWord.CANNOT_TELL, Verdict.ASK),
        ({"shift": 0.4, "low": 0.35, "high": 0.45}, AccuracyWord.CANNOT_TELL, Verdict.REFUSE),
        ({"shift": 0.4, "low": 0.35, "high": 0.45}, AccuracyWord.EQUIVALENT, Verdict.REFUSE),
        ({"shift": 0.4, "low": 0.35, "high": 0.45}, AccuracyWord.BETTER, Verdict.ASK),
        (
            {"shift": 0.4, "low": 0.35, "high": 0.45, "error": -9.0, "error_low": -12.0, "error_high": -6.0},
            AccuracyWord.CANNOT_TELL,
            Verdict.ASK,
        ),
        ({"error": 9.0, "error_low": 6.0, "error_high": 12.0}, AccuracyWord.EQUIVALENT, Verdict.REFUSE),
    ],
)
def test_a_slice_that_moves_far_must_be_right_there(
    changes: dict[str, float], word: AccuracyWord, expected: Verdict
) -> None:
    piece = msgspec.structs.replace(SLICE, **changes)

    assert of_moves(piece=piece, word=word) == expected
    assert any("where bmi is 30 or more" in each.text for each in verdict.of_moves([], [piece], [error(word)], LIMITS))


@pytest.mark.parametrize(
    ("ratio", "low", "expected"),
    [(1.0, 0.9, Verdict.PROMOTE), (2.0, 1.4, Verdict.PROMOTE), (2.0, 1.6, Verdict.ASK), (7.0, 5.5, Verdict.REFUSE)],
)
def test_only_what_is_surely_slower_counts(ratio: float, low: float, expected: Verdict) -> None:
    assert verdict.of_latency(msgspec.structs.replace(LATENCY, ratio=ratio, low=low), LIMITS).standing == expected


@pytest.mark.parametrize(("new", "expected"), [(10, Verdict.PROMOTE), (310, Verdict.ASK), (2100, Verdict.REFUSE)])
def test_a_file_that_grows_asks_and_one_that_explodes_refuses(new: int, expected: Verdict) -> None:
    assert verdict.of_size(100, new, LIMITS).standing == expected


def test_the_strictest_answer_is_the_verdict_and_comes_first() -> None:
    criteria = [Criterion(name=each, standing=each, text="") for each in (Verdict.PROMOTE, Verdict.REFUSE, Verdict.ASK)]

    assert verdict.of(criteria) == Verdict.REFUSE
    assert [each.standing for each in verdict.sorted_by_weight(criteria)] == ["refuse", "ask", "promote"]
    assert verdict.of([]) == Verdict.ASK, "nothing was asked, so nothing is known"
