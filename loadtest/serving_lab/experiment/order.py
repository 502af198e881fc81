"""In which order targets are measured: blocks in random order, each followed by the same block reversed."""

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
