"""In which order targets are measured: blocks of which each has every target once, in random order."""

import random
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def blocks(targets: Sequence[T], chance: random.Random) -> Iterator[list[T]]:
    """Orders of all targets, without end; a block of two targets is a pair.

    Every second order is the one before it reversed, so that over two blocks each target comes as often before another
    as after it: what drifts steadily hits all alike.
    """
    while True:
        order = chance.sample(targets, len(targets))
        yield order
        yield order[::-1]


def blocks_while_looking(targets: Sequence[T], chance: random.Random) -> Iterator[list[T]]:
    """Orders of all targets, without end, for a measurement that may end at any of them.

    The first four are two random orders and the same reversed, shuffled: what drifts steadily is not taken for a
    difference when there are few. All others are drawn anew, so that noise that lasts for several arms has either sign
    in each pair: where every second order is the one before it reversed, two pairs err alike, which gives 7 false
    alarms in 100 instead of 5 if neighbouring arms correlate by a half.
    """
    halves = [chance.sample(targets, len(targets)) for _ in range(2)]
    yield from chance.sample([*halves, *(half[::-1] for half in halves)], 4)
    while True:
        yield chance.sample(targets, len(targets))
