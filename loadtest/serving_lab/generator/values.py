"""Values of request bodies, drawn as JSON text: the same for the same seed."""

import json
import random
from collections.abc import Callable, Mapping

from serving_lab.generator.messages import Choice, Column, Either, Number, Pool, Row, Several, Value

Source = Callable[[random.Random], str]

STEPS = 1000
"""A column's values are taken at so many even steps of its distribution: a row of ten columns has 10^30 of them."""
_POOL_SEED = 442


class UnknownValueError(ValueError):
    """A value refers to another that is not there, or to itself."""


def sources(values: Mapping[str, Value]) -> dict[str, Source]:
    """Return a function for each value that draws its JSON text.

    Raises:
        UnknownValueError: a value refers to one that is not there, or to itself.
    """
    made: dict[str, Source] = {}

    def source(name: str, asking: tuple[str, ...]) -> Source:
        if name in asking:
            raise UnknownValueError(f"{name!r} is made of itself")
        if name not in values:
            raise UnknownValueError(f"there is no value {name!r}")
        if name not in made:
            made[name] = _source(values[name], lambda other: source(other, (*asking, name)))
        return made[name]

    return {name: source(name, ()) for name in values}


def texts(column: Column) -> list[str]:
    """Return a column's values at even steps of its distribution, as JSON numbers."""
    last = len(column.quantiles) - 1
    found = []
    for step in range(STEPS):
        position = (step + 0.5) / STEPS * last
        below = min(int(position), last - 1)
        low, high = column.quantiles[below], column.quantiles[below + 1]
        value = round(low + (position - below) * (high - low), column.decimals)
        found.append(json.dumps(int(value) if column.decimals == 0 else value))
    return found


def _source(value: Value, source: Callable[[str], Source]) -> Source:
    match value:
        case Row(columns):
            return _row([texts(column) for column in columns])
        case Number(column):
            return _choice(texts(column))
        case Choice(choices):
            return _choice(choices)
        case Pool(of, size):
            # Its own randomness: whatever else is drawn, every run and every target knows the same ones.
            of_pool, draw = random.Random(_POOL_SEED), source(of)  # noqa: S311
            return _choice([draw(of_pool) for _ in range(size)])
        case Several(of, count):
            draw = source(of)
            return lambda chance: f"[{','.join([draw(chance) for _ in range(count)])}]"
        case Either(weights):
            options, shares = [source(name) for name in weights], list(weights.values())
            return lambda chance: chance.choices(options, shares)[0](chance)


def _choice(choices: list[str]) -> Source:
    count = len(choices)
    return lambda chance: choices[int(chance.random() * count)]


def _row(columns: list[list[str]]) -> Source:
    def draw(chance: random.Random) -> str:
        number = chance.random
        return f"[{','.join([column[int(number() * STEPS)] for column in columns])}]"

    return draw
