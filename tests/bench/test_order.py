"""The order of arms: random, and over two blocks even for all targets."""

import itertools
import random
from collections import Counter

import pytest
from serving_lab.experiment import order


def drawn(targets: str, seed: int) -> list[str]:
    """Return sixty blocks as words."""
    blocks = order.blocks(targets, random.Random(seed))  # noqa: S311 - reproducible, not secret
    return ["".join(block) for block in itertools.islice(blocks, 60)]


@pytest.mark.parametrize("targets", ["ab", "abc", "abcde"])
def test_every_block_has_each_target_once_and_every_second_one_is_the_one_before_reversed(targets: str) -> None:
    orders = drawn(targets, 7)
    for first, second in zip(orders[::2], orders[1::2], strict=True):
        assert sorted(first) == list(targets)
        assert second == first[::-1]


@pytest.mark.parametrize("targets", ["ab", "abc", "abcde"])
def test_each_target_comes_as_often_before_another_as_after_it(targets: str) -> None:
    before = Counter[tuple[str, str]]()
    for block in drawn(targets, 3):
        before.update(itertools.combinations(block, 2))

    assert {before[pair] for pair in itertools.permutations(targets, 2)} == {30}


def test_orders_are_random_and_follow_from_the_seed() -> None:
    assert drawn("abc", 1) == drawn("abc", 1) != drawn("abc", 2)
    assert set(drawn("abc", 1)) == {"".join(each) for each in itertools.permutations("abc")}


@pytest.mark.parametrize("targets", ["ab", "abc"])
def test_while_one_looks_the_first_four_blocks_are_even_and_the_others_random(targets: str) -> None:
    after_a_block = Counter[bool]()
    for seed in range(400):
        in_order = order.blocks_while_looking(targets, random.Random(seed))  # noqa: S311 - reproducible, not secret
        drawn = ["".join(block) for block in itertools.islice(in_order, 8)]
        before = Counter(pair for block in drawn[:4] for pair in itertools.combinations(block, 2))
        assert {before[pair] for pair in itertools.permutations(targets, 2)} == {2}
        assert all(sorted(block) == list(targets) for block in drawn)
        after_a_block.update(drawn[at] == drawn[at - 1][::-1] for at in (5, 6, 7))

    # Neighbours are not one the other's reverse: it is as frequent as any other of the orders.
    assert after_a_block[True] / 1200 == pytest.approx(1 / (2 if targets == "ab" else 6), abs=0.06)
