"""Mirrored requests: what differs is the candidate's cause only if it is proven, undeclared, and no noise."""

import json
from collections.abc import Iterable

from serving_lab.parity.judgement.declarations import Declaration
from serving_lab.parity.judgement.difference import DifferenceKind
from serving_lab.parity.judgement.judge import Judging
from serving_lab.recordings.tap_file import Side, Tapped, TappedRequest
from serving_lab.rollout.naming import Naming
from serving_lab.rollout.pairs import Pairs
from serving_lab.wire.message import Ending

Body = dict[str, object]


def test_what_both_answer_alike_is_compared_and_no_cause() -> None:
    pairs = seen(pair(number, {"value": 1}, {"value": 1}) for number in range(20))

    assert pairs.compared == 20
    assert pairs.causes == pairs.suspicions == ()


def test_a_wrong_answer_is_a_cause_once_it_has_shown_twice() -> None:
    once = seen(pair(number, {"value": 1}, {"value": 1 + (number == 5)}) for number in range(20))
    twice = seen(pair(number, {"value": 1}, {"value": 1 + (number in {5, 9})}) for number in range(20))

    assert not once.causes
    assert len(once.suspicions) == 1
    assert "GET /items/{id} number $.value: 1 became 2 (2 requests)" in twice.causes


def test_nothing_is_proven_where_the_primary_was_hardly_asked_twice() -> None:
    pairs = seen(pair(number, {"value": 1}, {"value": 2}, again=None) for number in range(20))

    assert pairs.causes == ()
    assert len(pairs.suspicions) == 1


def test_what_the_primary_varies_in_by_itself_is_no_cause_even_if_it_was_told_before_that_was_known() -> None:
    pairs = seen(pair(number, {"id": number}, {"id": number + 500}, again=None) for number in range(5))
    assert len(pairs.suspicions) == 1

    # It is the same request each time, asked again a second later.
    for number in range(5, 30):
        pairs.add(pair(number, {"id": number}, {"id": number + 500}, again={"id": number + 900}))
    pairs.settle()

    assert not pairs.record().causes


def test_what_is_declared_is_counted_and_no_cause() -> None:
    declared = Declaration("meant", "GET /items/*", DifferenceKind.NUMBER, "$.value")
    pairs = Pairs(Judging(declarations=(declared,)), Naming())
    for number in range(20):
        pairs.add(pair(number, {"value": 1}, {"value": 2}))

    assert pairs.causes == pairs.suspicions == ()
    assert pairs.record().declared == 20


def test_what_was_never_mirrored_or_never_succeeded_is_said() -> None:
    pairs = seen([pair(1, {}, None), pair(2, {}, {}, status=500)])

    record = pairs.record()
    assert record.never_mirrored == []
    assert record.never_succeeded == []
    only = seen([pair(1, {}, None, status=500)])
    assert only.record().never_mirrored == only.record().never_succeeded == ["GET /items/{id}"]


def seen(tapped: Iterable[Tapped]) -> Pairs:
    pairs = Pairs(Judging(), Naming())
    for each in tapped:
        pairs.add(each)
    return pairs


_SAME: Body = {"same": True}


def pair(number: int, primary: Body, candidate: Body | None, again: Body | None = _SAME, status: int = 200) -> Tapped:
    """An exchange; the primary's second answer is the same again unless another one is given."""
    return Tapped(
        connection=1,
        session="user",
        number=number,
        at=1.7e9 + number,
        request=TappedRequest("GET", f"/items/{number}", "HTTP/1.1", (("Host", "service"),), b"", 0),
        primary=side(primary, status),
        candidate=None if candidate is None else side(candidate, status),
        again=None if again is None else side(primary if again is _SAME else again, status),
    )


def side(body: Body, status: int) -> Side:
    content = json.dumps(body).encode()
    return Side(status, (("Content-Type", "application/json"),), content, len(content), False, 0.01, 0.01, Ending.KEPT)
