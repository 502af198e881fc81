"""Values that stand in requests, drawn as JSON text: the same for the same seed."""

import json
import random
from collections.abc import Callable, Mapping

import msgspec

Source = Callable[[random.Random], str]

STEPS = 1000
"""A column's values are taken at so many even steps of its distribution: a row of ten columns has 10^30 of them."""
_POOL_SEED = 442


class Column(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Numbers spread evenly between neighbouring quantiles; two quantiles are a minimum and a maximum."""

    name: str = ""
    quantiles: list[float]
    decimals: int = 0


class Row(msgspec.Struct, frozen=True, tag="row"):
    """A JSON array of one number of each column, drawn anew each time."""

    columns: list[Column]


class Number(msgspec.Struct, frozen=True, tag="number"):
    """One number, drawn anew each time."""

    column: Column


class Choice(msgspec.Struct, frozen=True, tag="choice"):
    """One of these JSON texts, each as likely as the others."""

    texts: list[str]


class Pool(msgspec.Struct, frozen=True, tag="pool"):
    """One of `size` draws of another value; they are the same in every run, process and target."""

    of: str
    size: int


class Either(msgspec.Struct, frozen=True, tag="either"):
    """One of several values, by weight."""

    weights: dict[str, float]


class Several(msgspec.Struct, frozen=True, tag="several"):
    """A JSON array of `fewest` to `most` draws of another value."""

    of: str
    fewest: int
    most: int


class Unique(msgspec.Struct, frozen=True, tag="unique"):
    """A text of so many random hexadecimal digits."""

    digits: int


Value = Row | Number | Choice | Pool | Either | Several | Unique


class UnknownValueError(ValueError):
    """A value refers to another that is not there, or to itself."""


def sources(values: Mapping[str, Value]) -> dict[str, Source]:
    """A function for each value that draws its JSON text.

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


def recurring(values: Mapping[str, Value], name: str) -> frozenset[str]:
    """The JSON texts of a value that are drawn again and again; none of a value that is drawn anew each time."""
    match values[name]:
        case Choice(texts):
            return frozenset(texts)
        case Pool(of, size):
            return frozenset(_pool(sources(values)[of], size))
        case Either(weights):
            return frozenset().union(*(recurring(values, option) for option in weights))
    return frozenset()


def texts(column: Column) -> list[str]:
    """A column's values at even steps of its distribution, as JSON numbers."""
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
            return _choice(_pool(source(of), size))
        case Several(of, fewest, most):
            return _several(source(of), fewest, most)
        case Either(weights):
            options, shares = [source(name) for name in weights], list(weights.values())
            return lambda chance: chance.choices(options, shares)[0](chance)
        case Unique(digits):
            return lambda chance: f'"{chance.getrandbits(4 * digits):0{digits}x}"'


def _pool(draw: Source, size: int) -> list[str]:
    # Its own randomness: whatever else is drawn, every run and every target knows the same ones.
    chance = random.Random(_POOL_SEED)  # noqa: S311
    return [draw(chance) for _ in range(size)]


def _choice(choices: list[str]) -> Source:
    count = len(choices)
    return lambda chance: choices[int(chance.random() * count)]


def _several(draw: Source, fewest: int, most: int) -> Source:
    def drawn(chance: random.Random) -> str:
        count = fewest if fewest == most else chance.randint(fewest, most)
        return f"[{','.join([draw(chance) for _ in range(count)])}]"

    return drawn


def _row(columns: list[list[str]]) -> Source:
    def draw(chance: random.Random) -> str:
        number = chance.random
        return f"[{','.join([column[int(number() * STEPS)] for column in columns])}]"

    return draw
