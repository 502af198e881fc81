"""How far predictions move on live requests, which both versions were sent."""

import json
from collections.abc import Callable

import msgspec
import numpy as np
from made.judgement import REFUSED
from serving_lab.model_judge.mirrored import FEWEST, MirroredMoves
from serving_lab.model_judge.result import AccuracyWord, JudgementResult, Verdict

ONE, MANY = "POST /one", "POST /many"
DEVIATION = 77.0
RANDOM = np.random.default_rng(1)
NO_WORSE = tuple(msgspec.structs.replace(each, word=AccuracyWord.EQUIVALENT) for each in REFUSED.errors)
PROMOTED = msgspec.structs.replace(REFUSED, verdict=Verdict.PROMOTE, target_deviation=DEVIATION, errors=NO_WORSE)
AGREED = msgspec.structs.replace(PROMOTED, verdict=Verdict.ASK)


def moved(by: Callable[[float], float], count: int, judgement: JudgementResult = PROMOTED) -> MirroredMoves:
    """So many requests with predictions of the old version and of one that has moved."""
    moves = MirroredMoves(judgement, {ONE: ["$.value"], MANY: ["$.values"]})
    for number in range(count):
        old = float(RANDOM.normal(150, 3))
        moves.add(ONE, str(number).encode(), body(value=old), body(value=by(old)))
    return moves


def body(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def test_too_few_predictions_say_nothing() -> None:
    moves = moved(lambda old: old + DEVIATION, FEWEST - 1)

    assert moves.causes == ()
    assert moves.missing == f"{FEWEST - 1} predictions compared, and {FEWEST} are needed"


def test_what_moves_little_is_told_and_is_no_cause() -> None:
    # All users are alike, so that predictions lie close together: one that moves by little is in another bin.
    moves = moved(lambda old: old + 0.05 * DEVIATION, FEWEST)

    assert (moves.causes, moves.missing) == ((), "")
    assert "moved by +0.0500 on average" in moves.found[0]


def test_what_moves_far_is_a_cause_also_where_known_rows_did_not_show_it() -> None:
    (shift, single) = moved(lambda old: old + DEVIATION, FEWEST).causes

    assert "moved by +1.00 on average" in shift
    assert "root mean square" in single


def test_predictions_that_move_apart_are_a_cause_although_their_mean_stays() -> None:
    (single,) = moved(lambda old: old + RANDOM.choice([-1, 1]) * DEVIATION, FEWEST).causes

    assert "single predictions" in single


def test_what_a_person_agreed_on_is_excused_by_held_out_rows() -> None:
    assert moved(lambda old: old + DEVIATION, FEWEST, AGREED).causes == ()


def test_batches_count_by_their_predictions_and_repeated_requests_once() -> None:
    moves = MirroredMoves(PROMOTED, {MANY: ["$.values"]})
    for _ in range(3):
        moves.add(MANY, b"the same", body(values=[1.0, 2.0]), body(values=[1.0, 2.0]))
    moves.add("POST /else", b"other", body(values=[1.0]), body(values=[1.0]))
    moves.add(MANY, b"shorter", body(values=[1.0, 2.0]), body(values=[1.0]))
    moves.add(MANY, b"no numbers", body(values="none"), b"not JSON")

    assert moves.missing.startswith("2 predictions")
