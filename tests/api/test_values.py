"""Values are drawn from what is said of them, the same for the same seed."""

import json
import random

import pytest
from serving_lab.api.values import (
    Choice,
    Column,
    Either,
    Number,
    Pool,
    Row,
    Several,
    Unique,
    UnknownValueError,
    Value,
    recurring,
    sources,
    texts,
)

ROW = Row([Column(quantiles=[0, 10], decimals=1), Column(quantiles=[5, 5, 9])])


def drawn(values: dict[str, Value], name: str, count: int = 200, seed: int = 1) -> list[object]:
    chance, source = random.Random(seed), sources(values)[name]  # noqa: S311 - reproducible, not secret
    return [json.loads(source(chance)) for _ in range(count)]


def test_a_row_has_a_number_of_each_column() -> None:
    for row in drawn({"row": ROW}, "row"):
        assert isinstance(row, list)
        first, second = row
        assert 0 <= first <= 10
        assert round(first, 1) == first
        assert 5 <= second <= 9
        assert isinstance(second, int)


def test_numbers_lie_evenly_between_quantiles() -> None:
    numbers = [float(text) for text in texts(Column(quantiles=[0, 1, 10], decimals=3))]

    assert sum(number < 1 for number in numbers) == len(numbers) / 2
    assert sum(numbers) / len(numbers) == pytest.approx((0.5 + 5.5) / 2, rel=0.01)


def test_the_same_seed_draws_the_same_and_another_one_does_not() -> None:
    assert drawn({"row": ROW}, "row") == drawn({"row": ROW}, "row")
    assert drawn({"row": ROW}, "row") != drawn({"row": ROW}, "row", seed=2)


def test_a_pool_is_the_same_for_every_seed() -> None:
    values: dict[str, Value] = {"row": ROW, "known": Pool("row", 3)}

    pools = [{json.dumps(each) for each in drawn(values, "known", seed=seed)} for seed in (1, 2)]

    assert pools[0] == pools[1]
    assert len(pools[0]) == 3


def test_several_make_a_list() -> None:
    lists = drawn({"row": ROW, "rows": Several("row", 4, 4)}, "rows")

    assert all(isinstance(each, list) and len(each) == 4 for each in lists)


def test_several_may_be_more_or_fewer() -> None:
    lists = drawn({"row": ROW, "rows": Several("row", 2, 4)}, "rows")

    assert {len(each) for each in lists if isinstance(each, list)} == {2, 3, 4}


def test_a_unique_text_is_another_each_time() -> None:
    texts = drawn({"id": Unique(12)}, "id")

    assert len(set(map(str, texts))) == len(texts)
    assert all(isinstance(text, str) and len(text) == 12 for text in texts)


def test_what_is_drawn_again_and_again_is_known() -> None:
    values: dict[str, Value] = {
        "row": ROW,
        "known": Pool("row", 3),
        "word": Choice(['"a"', '"b"']),
        "one": Either({"row": 1, "known": 1}),
        "none": Either({"row": 1}),
    }

    seen = {json.dumps(each).replace(" ", "") for each in drawn(values, "known")}
    assert {text.replace(" ", "") for text in recurring(values, "known")} == seen
    assert recurring(values, "one") == recurring(values, "known")
    assert recurring(values, "word") == {'"a"', '"b"'}
    assert recurring(values, "row") == recurring(values, "none") == frozenset()


def test_either_keeps_to_its_weights() -> None:
    values: dict[str, Value] = {"a": Choice(['"a"']), "b": Choice(['"b"']), "one": Either({"a": 3, "b": 1})}

    assert drawn(values, "one", 2000).count("a") == pytest.approx(1500, abs=100)


def test_a_number_stands_alone() -> None:
    assert set(drawn({"n": Number(Column(quantiles=[1, 3]))}, "n")) == {1, 2, 3}


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"known": Pool("row", 3)}, "there is no value 'row'"),
        ({"a": Several("b", 2, 2), "b": Several("a", 2, 2)}, "'a' is made of itself"),
    ],
)
def test_what_refers_to_nothing_or_to_itself_is_refused(values: dict[str, Value], complaint: str) -> None:
    with pytest.raises(UnknownValueError, match=complaint):
        sources(values)
